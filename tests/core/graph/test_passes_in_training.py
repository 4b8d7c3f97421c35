"""What a training step leaves as it is and what it changes: every weight of SSD and of blobs."""

from __future__ import annotations

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
    'ssd_config { arch: "resnet" nlayers: 10 aspect_ratios_global: "[1.0]" '
    'scales: "[0.1, 0.2, 0.4, 0.5, 0.7, 0.8, 1.0]" }'
)


@pytest.fixture(scope="module", autouse=True)
def _blobs_can_be_imported():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BLOBS))
        yield


def one_step(detector, regularizer=None, freeze=None):
    """Return the weights of a new model before and after one step of plain descent."""
    if detector == "ssd":
        from detforge_ssd import plugin, spec_pb2

        text = SPEC.replace("NETWORK", SSD)
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


FROZEN = Freeze(blocks=(0, 2), batch_norm=True)


def test_freezing_holds_every_weight_it_names_and_no_other():
    # The penalty reaches kernels that the two objects do not.
    before, after = one_step("ssd", Regularizer(kind="l2", weight=WEIGHT), FROZEN)
    still = {name for name, value in before.items() if np.array_equal(value, after[name])}
    convolutions = {
        name for name in before if is_penalised(name) and ("/conv1/" in name or "/block_2" in name)
    }
    statistics = {name for name in before if "/moving_" in name and "/ssd_" not in name}
    assert len(convolutions) == 4
    assert len(statistics) == 2 * 13
    assert {name for name in still if "/ssd_" not in name} == convolutions | statistics
    assert not any(is_penalised(name) for name in still - convolutions)
    assert not any("/ssd_" in name and "/moving_" in name for name in still)
