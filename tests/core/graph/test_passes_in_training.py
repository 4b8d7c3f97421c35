"""What a training step leaves as it is and what it changes: every weight of SSD and of blobs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from detforge.graph.freeze import apply_freeze
from detforge.graph.regularize import apply_regularizer
from detforge.recipe import Freeze, Regularizer, Sgd, Steps
from detforge.spec import parse_spec
from detforge.testing.models import fabricated_batch
from detforge.training.schedules import RunLength
from detforge.training.trainer import Trainer, compile_trainer
from detforge.weights import collect_weights

BLOBS = Path(__file__).parents[2] / "distributions" / "detforge_blobs"
RATE, WEIGHT, L1_WEIGHT = 0.1, 0.05, 0.02
SPEC = """
NETWORK
training_config {
  batch_size_per_gpu: 2 num_epochs: 1
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 5e-5 max_learning_rate: 2e-2 soft_start: 0.15 annealing: 0.8 } } }
augmentation_config { output_width: 128 output_height: 128 }
dataset_config {
  data_sources { tfrecords_path: "records/*" }
  target_class_mapping { key: "car" value: "car" }
  target_class_mapping { key: "van" value: "van" } }
"""
SSD = (
    'ssd_config { BACKBONE aspect_ratios_global: "[1.0]" '
    'scales: "[0.1, 0.2, 0.4, 0.5, 0.7, 0.8, 1.0]" }'
)
RESNET, MOBILENET = 'arch: "resnet" nlayers: 10', 'arch: "mobilenet_v2"'


@pytest.fixture(scope="module", autouse=True)
def _blobs_can_be_imported():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BLOBS))
        yield


def one_step(detector, regularizer=None, freeze=None, backbone=RESNET):
    """Return the weights of a new model before and after one step of plain descent."""
    if detector == "ssd":
        from detforge_ssd import plugin, spec_pb2

        text = SPEC.replace("NETWORK", SSD.replace("BACKBONE", backbone))
    else:
        from detforge_blobs import plugin, spec_pb2

        text = SPEC.replace("NETWORK", "")
    spec = parse_spec(text, spec_pb2.Experiment).message
    recipe = replace(
        plugin.recipe(spec),
        optimizer=Sgd(momentum=0.0),
        schedule=Steps(learning_rate=RATE, gamma=1.0, interval=1.0),
    )
    keras.utils.set_random_seed(1)
    modes = {} if detector == "ssd" else {"mode": "train"}
    model = plugin.build_model(spec, recipe, **modes)
    apply_freeze(model, freeze or Freeze())
    apply_regularizer(model, regularizer or Regularizer())
    batch = fabricated_batch(recipe, objects=True)
    batch["ignore"][:] = False
    trainer = Trainer(model)
    compile_trainer(trainer, recipe, RunLength(1, 1), batch)
    before = collect_weights(model)
    trainer.run_eagerly = True  # for a single step faster than compiling
    trainer.train_on_batch(batch)
    return before, collect_weights(model)


def is_penalised(name):
    return name.endswith("/kernel")  # neither has a depthwise convolution


@pytest.fixture(scope="module")
def plain():
    """Return detector -> weights before and after a step without a penalty."""
    return {name: one_step(name) for name in ("ssd", "blobs")}


@pytest.mark.parametrize(
    ("detector", "kind", "l1", "l2"),
    [
        ("ssd", "l2", 0, WEIGHT),
        ("blobs", "l1", WEIGHT, 0),
        ("blobs", "l1_l2", L1_WEIGHT, WEIGHT),
    ],
)
def test_penalty_pulls_every_kernel_and_nothing_else(plain, detector, kind, l1, l2):
    weight = l1 if kind == "l1" else l2
    penalty = Regularizer(kind=kind, weight=weight, l1_weight=L1_WEIGHT)
    start, without = plain[detector]
    before, after = one_step(detector, penalty)
    assert sum(map(is_penalised, before)) >= 8
    for name, value in before.items():
        np.testing.assert_array_equal(value, start[name], err_msg=name)
        # Gradient of l1 sum |k| + l2 sum k^2.
        pull = RATE * (l1 * np.sign(value) + l2 * 2 * value) if is_penalised(name) else 0
        np.testing.assert_allclose(
            after[name], without[name] - pull, rtol=1e-3, atol=1e-5, err_msg=name
        )


def test_step_without_a_penalty_and_freezing_changes_what_has_a_gradient(plain):
    before, after = plain["ssd"]
    still = {name for name, value in before.items() if np.array_equal(value, after[name])}
    # Anchors of the smallest maps may be neither positive nor hard negatives.
    assert all("ssd_" in name for name in still), still


def still(step):
    """Return the names of the backbone's weights that a step left as they were."""
    before, after = step
    return {
        name
        for name, value in before.items()
        if "/ssd_" not in name and np.array_equal(value, after[name])
    }


@pytest.mark.parametrize(
    ("backbone", "blocks", "pattern", "count"),
    [
        # Convolution and normalisation; block 2 has three of each.
        pytest.param(RESNET, (2, 0), "/(conv1|bn_conv1|block_2a_.*)/", 4 * 5, id="resnet10"),
        pytest.param(
            *(MOBILENET, (0, 3), "/(conv1|bn_conv1|block_2_.*)/", 5 + 3 * 5 + 1), id="mobilenet_v2"
        ),
    ],
)
def test_frozen_blocks_change_in_nothing(backbone, blocks, pattern, count):
    step = one_step("ssd", freeze=Freeze(blocks=blocks), backbone=backbone)
    frozen = {name for name in step[0] if re.search(pattern, name)}
    assert len(frozen) == count
    assert still(step) == frozen


@pytest.mark.parametrize(
    ("backbone", "layers"),
    [pytest.param(RESNET, 13, id="resnet10"), pytest.param(MOBILENET, 39, id="mobilenet_v2")],
)
def test_frozen_statistics_stay_and_all_else_trains(backbone, layers):
    before, after = one_step("ssd", freeze=Freeze(batch_norm=True), backbone=backbone)
    statistics = {name for name in before if "/moving_" in name and "/ssd_" not in name}
    assert len(statistics) == 2 * layers
    assert still((before, after)) == statistics
    for name in before:  # of the detector's own layers they move
        if "/ssd_" in name and "/moving_" in name:
            assert not np.array_equal(before[name], after[name]), name


def test_frozen_kernels_are_not_penalised():
    step = one_step("ssd", Regularizer(kind="l2", weight=WEIGHT), Freeze(blocks=(0, 2)))
    assert len([name for name in still(step) if is_penalised(name)]) == 4
    # The penalty reaches what the two objects do not.
    heads = [name for name in step[0] if is_penalised(name) and "/ssd_" in name]
    assert not [name for name in heads if np.array_equal(step[0][name], step[1][name])]
