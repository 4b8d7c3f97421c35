"""Pruned SSD: every task takes it, and it trains on as narrow as it is."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from detforge.cli import main
from detforge.errors import CheckpointError
from detforge.files import Checkpoint, load_checkpoint, save_checkpoint
from detforge.graph.regularize import apply_regularizer
from detforge.inference.predictors import load_predictor
from detforge.plugins import load_detector
from detforge.pruning.history import PRUNED
from detforge.recipe import Regularizer
from detforge.requests import EvaluateRequest, ExportRequest, PruneRequest, TrainRequest
from detforge.spec import load_spec
from detforge.testing.models import noise
from detforge.weights import collect_weights, load_model
from tests.ssd.conftest import SPEC

L1 = "regularizer { type: L1 weight: 3e-5 } checkpoint_interval"


@pytest.fixture(scope="module")
def folder(scenes, tmp_path_factory):
    """A folder with specs: as documented for training, and for retraining without a penalty."""
    path = tmp_path_factory.mktemp("pruning")
    text = SPEC.format(data=scenes, batch=4, epochs=1, rate=1e-2, interval=1)
    (path / "train.txt").write_text(text.replace("checkpoint_interval", L1))
    (path / "retrain.txt").write_text(
        text.replace("checkpoint_interval", "regularizer { type: NO_REG } checkpoint_interval")
    )
    (path / "other.txt").write_text(text.replace("nlayers: 10", "nlayers: 18"))
    return path


@pytest.fixture(scope="module")
def detector():
    return load_detector("ssd")


@pytest.fixture(scope="module")
def spec_of(folder, detector):
    return lambda name: load_spec(folder / f"{name}.txt", detector.spec_schema())


@pytest.fixture(scope="module")
def original(folder, detector, spec_of):
    """A checkpoint with random weights whose scores are neither 0 nor 1."""
    keras.utils.set_random_seed(6)
    spec = spec_of("train")
    recipe = detector.recipe(spec)
    model = detector.build_model(spec, "infer", recipe)
    for layer in model.parts["detector"].layers:
        if layer.name.startswith(("ssd_conf", "ssd_loc")):
            layer.set_weights([1e-3 * weight for weight in layer.get_weights()])
    path = folder / "original.detforge"
    checkpoint = Checkpoint(
        detector="ssd",
        plugin_version="1",
        class_names=recipe.classes.names,
        spec_text=spec.text,
        epoch=80,
        step=240,
        weights=collect_weights(model),
    )
    save_checkpoint(path, checkpoint)
    return path


@pytest.fixture(scope="module")
def pruned(original, folder):
    """The checkpoint that the documented command line leaves, without a spec."""
    path = folder / "pruned.detforge"
    words = ["-m", original, "-o", path, "-eq", "union", "-pth", "0.98", "-r", folder]
    assert main(["ssd", "prune", *map(str, words)]) == 0
    return path


def widths_of(path):
    return load_checkpoint(path).variant.widths["detector"]


def shapes_of(path):
    return {name: array.shape for name, array in load_checkpoint(path).weights.items()}


def test_threshold_0_finds_the_same(original, folder, detector, spec_of):
    spec, output = spec_of("train"), folder / "whole.detforge"
    request = PruneRequest(detector=detector, model=original, output=output, threshold=0.0)
    assert detector.hook.prune(request=request).pruning_ratio == 1
    recipe = detector.recipe(spec)
    wanted, found = (
        load_predictor(detector, spec, recipe, path).predict(noise(recipe.input))
        for path in (original, output)
    )
    assert wanted.count.min() > 0
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-4)


def test_report_counts_what_is_left(pruned, folder):
    report = json.loads((folder / "prune.json").read_text())
    count = sum(np.prod(shape) for shape in shapes_of(pruned).values())
    assert report["parameters_after"] == count
    assert report["pruning_ratio"] == count / report["parameters_before"] < 0.5
    assert report["multiply_adds_after"] < 0.7 * report["multiply_adds_before"]
    assert report["file_bytes_after"] < 0.5 * report["file_bytes_before"]
    assert {name: new for name, (old, new) in report["channels"].items() if new < old} == {
        name: width for name, width in widths_of(pruned).items() if name in report["channels"]
    }


def test_predictors_of_boxes_and_classes_stay_whole(pruned):
    assert not [name for name in widths_of(pruned) if name.startswith(("ssd_conf", "ssd_loc"))]
    assert all(width % 8 == 0 and width >= 16 for width in widths_of(pruned).values())


def test_pruned_model_is_scored(pruned, detector, spec_of):
    request = EvaluateRequest(detector=detector, spec=spec_of("train"), model=pruned)
    assert detector.hook.evaluate(request=request).images == 12


def test_pruned_model_is_exported_and_finds_the_same(pruned, folder, detector, spec_of):
    output = folder / "pruned.onnx"
    request = ExportRequest(detector=detector, spec=spec_of("train"), model=pruned, output=output)
    report = detector.hook.export(request=request)
    assert report.max_box_difference < 0.01
    assert report.max_score_difference < 1e-4
    assert output.stat().st_size < 1.1 * pruned.stat().st_size


def test_target_leaves_at_most_that_share(original, folder, capsys):
    words = ["-m", original, "--target-ratio", "0.3", "--dry-run", "-r", folder / "target"]
    assert main(["ssd", "prune", *map(str, words)]) == 0
    report = json.loads((folder / "target/prune.json").read_text())
    assert 0.2 < report["pruning_ratio"] <= 0.3
    assert f"Threshold: {report['threshold']}\n" in capsys.readouterr().out


def test_penalty_of_the_first_run_is_gone(pruned, detector, spec_of):
    spec = spec_of("train")
    recipe = detector.recipe(spec)
    model = load_model(detector, spec, recipe, load_checkpoint(pruned), "train", "pruned")
    (part,) = model.parts.values()
    apply_regularizer(model, recipe.regularizer)
    assert sum(map(float, part.losses)) > 0
    apply_regularizer(model, Regularizer(kind="none"))
    assert part.losses == []


def test_spec_of_another_network_is_refused(pruned, detector, spec_of):
    request = EvaluateRequest(detector=detector, spec=spec_of("other"), model=pruned)
    with pytest.raises(CheckpointError, match=r"does not fit the model of this spec .* use the"):
        detector.hook.evaluate(request=request)


def test_pruned_model_does_not_start_a_network_that_only_resembles_it(
    pruned, detector, spec_of, tmp_path
):
    request = TrainRequest(
        detector=detector,
        spec=spec_of("other"),
        results_dir=tmp_path,
        resume_model_weights=pruned,
    )
    message = r"is a pruned model of another network .* only one of the two has block_1b"
    with pytest.raises(CheckpointError, match=message):
        detector.hook.train(request=request)
    assert list((tmp_path / "weights").iterdir()) == []


def test_quantisation_of_a_pruned_model_is_refused_by_name(pruned, folder, tmp_path, capsys):
    words = ["-e", folder / "retrain.txt", "-r", tmp_path / "run", "-m", pruned]
    words += ["--set", "training_config.enable_qat=true"]
    assert main(["ssd", "train", *map(str, words)]) == 2
    assert "enable_qat: comes with release 0.10 (quantisation)" in capsys.readouterr().err
    assert load_checkpoint(pruned).extra[PRUNED][0]["quantized"] is False


@pytest.mark.slow
def test_pruned_model_trains_on_as_narrow_as_it_is(pruned, folder, tmp_path, detector, spec_of):
    def train(results, *, epochs=1, **options):
        path = folder / "retrain.txt"
        changes = (f"training_config.num_epochs={epochs}", "training_config.model_ema=true")
        spec = load_spec(path, detector.spec_schema(), changes)
        request = TrainRequest(
            detector=detector, spec=spec, results_dir=tmp_path / results, **options
        )
        return detector.hook.train(request=request).checkpoint

    first = train("run", resume_model_weights=pruned)
    assert shapes_of(first) == shapes_of(pruned)
    # The same command goes on, with more epochs over; so does a file with its epoch.
    again = train("run", epochs=2, resume_model_weights=pruned)
    other = train("other", epochs=2, resume_model_weights=first, initial_epoch=2)
    for path in (again, other):
        checkpoint = load_checkpoint(path)
        assert (checkpoint.epoch, shapes_of(path)) == (2, shapes_of(pruned))
        assert checkpoint.extra[PRUNED] == load_checkpoint(pruned).extra[PRUNED]
    request = PruneRequest(
        detector=detector, model=again, output=tmp_path / "twice.detforge", threshold=0.99
    )
    report = detector.hook.prune(request=request)
    assert report.parameters_after < report.parameters_before
    assert len(load_checkpoint(report.checkpoint).extra[PRUNED]) == 2
