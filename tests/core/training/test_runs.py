"""Whole runs of a small detector: averages, half precision, early stopping, validation loss."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from detforge.data.batches import TrainingBatches
from detforge.data.scenes import draw_scenes
from detforge.data.sources import open_validation
from detforge.errors import UsageError
from detforge.files import load_checkpoint, save_checkpoint
from detforge.plugins import load_detector
from detforge.requests import ConvertRequest, EvaluateRequest, TrainRequest
from detforge.spec import parse_spec
from detforge.testing import add_distribution
from detforge.training import own_callbacks, precision
from detforge.training.run import build_trainer
from detforge.training.validation_loss import ValidationLoss

PACKAGE = Path(__file__).parents[2] / "distributions" / "detforge_blobs"
RAW = "raw/dense/conv_0/kernel"
KERNEL = RAW.removeprefix("raw/")
CONVERT = """
coco_config {
  root_directory_path: "FOLDER/scenes"
  image_dir_names: ["images"]
  annotation_files: ["instances.json"]
  num_partitions: 1
  num_shards: 1
}
"""
SPEC = """
random_seed: 3
training_config {
  batch_size_per_gpu: 5 num_epochs: 2 n_workers: 1
  learning_rate { soft_start_annealing_schedule {
    min_learning_rate: 1e-4 max_learning_rate: 1e-2 soft_start: 0.1 annealing: 0.6 } }
  regularizer { type: L2 weight: 1e-3 }
  TRAINING
}
eval_config { validation_period_during_training: 2 EVALUATION }
augmentation_config { output_width: 64 output_height: 64 }
blobs_config { width: 4 }
dataset_config {
  data_sources { tfrecords_path: "FOLDER/records/scenes*" }
  validation_data_sources { tfrecords_path: "FOLDER/records/scenes*" }
  target_class_mapping { key: "circle" value: "circle" }
  target_class_mapping { key: "square" value: "square" }
  target_class_mapping { key: "triangle" value: "triangle" }
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with records of 12 scenes; blobs are installed meanwhile."""
    path = tmp_path_factory.mktemp("runs")
    points = {"detforge.detectors": {"blobs": "detforge_blobs.plugin"}}
    add_distribution(path / "site", "detforge-blobs", entry_points=points)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(path / "site"))
        patch.syspath_prepend(str(PACKAGE))
        detector = load_detector("blobs")
        draw_scenes(path / "scenes", images=12, seed=7, size=(80, 80))
        spec = parse_spec(CONVERT.replace("FOLDER", str(path)), detector.convert_schema())
        convert = ConvertRequest(detector=detector, spec=spec, output=path / "records" / "scenes")
        detector.hook.convert(request=convert)
        yield path


@pytest.fixture
def request_of(folder, tmp_path):
    """Return a function: fields of the spec and of the request -> a request."""

    def make(training="", evaluation="", results="run", **fields):
        detector = load_detector("blobs")
        text = SPEC.replace("FOLDER", str(folder)).replace("TRAINING", training)
        spec = parse_spec(text.replace("EVALUATION", evaluation), detector.spec_schema())
        return TrainRequest(detector=detector, spec=spec, results_dir=tmp_path / results, **fields)

    return make


@pytest.fixture
def train(request_of):
    return lambda *settings, **fields: run(request_of(*settings, **fields))


def run(request):
    return request.detector.hook.train(request=request)


def checkpoint_of(report, epoch):
    name = report.checkpoint.name.replace(f"_{report.epochs:03d}", f"_{epoch:03d}")
    return report.checkpoint.with_name(name)


def rows(request):
    text = (request.results_dir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def assert_near(found, wanted):
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        # Threads add in any order, so the last digits differ from run to run.
        np.testing.assert_allclose(found[name], value, rtol=1e-2, atol=1e-3, err_msg=name)


EMA = "model_ema: true moving_average_decay: 0.9 optimizer { adam {} } clip_gradients_norm: 10"


def test_average_is_saved_and_scored_and_the_run_goes_on_with_the_raw_weights(request_of, train):
    request = request_of(EMA)
    report = run(request)
    last = load_checkpoint(report.checkpoint)
    assert np.abs(last.weights[KERNEL] - last.optimizer[RAW]).max() > 1e-3
    assert int(last.optimizer["average/steps"]) == last.step == 6
    evaluate = EvaluateRequest(
        detector=request.detector, spec=request.spec, model=report.checkpoint
    )
    scored = request.detector.hook.evaluate(request=evaluate)
    assert scored.mean_ap == pytest.approx(report.metrics["mAP"], abs=1e-6)
    resumed = train(
        EMA,
        results="resumed",
        resume_model_weights=checkpoint_of(report, 1),
        initial_epoch=2,
    )
    found = load_checkpoint(resumed.checkpoint)
    assert_near(found.weights, last.weights)
    assert_near(found.optimizer, last.optimizer)


@pytest.mark.slow
def test_loss_scale_goes_with_the_run(train, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "has_accelerator", lambda: True)
    report = train(use_amp=True)
    first = load_checkpoint(checkpoint_of(report, 1))
    assert {str(value.dtype) for value in first.weights.values()} == {"float32"}
    (scale,) = (name for name in first.optimizer if name.endswith("dynamic_scale"))
    smaller = {**first.optimizer, scale: np.float32(128.0)}
    save_checkpoint(tmp_path / "a_epoch_001.detforge", replace(first, optimizer=smaller))
    start = {"resume_model_weights": tmp_path / "a_epoch_001.detforge", "initial_epoch": 2}
    resumed = load_checkpoint(train(use_amp=True, results="resumed", **start).checkpoint)
    assert float(resumed.optimizer[scale]) == 128.0
    assert resumed.step == 6
    with pytest.raises(UsageError, match="it computed in half precision"):
        train()


def test_run_that_waits_in_vain_ends_saves_and_validates(request_of, caplog):
    caplog.set_level("INFO")
    request = request_of("num_epochs: 9 early_stopping { patience: 1 min_delta: 1e6 }")
    report = run(request)
    assert report.epochs == 2
    assert "stopping early, after epoch 2: loss has not fallen" in caplog.text
    assert report.metrics["mAP"] >= 0
    state = load_checkpoint(report.checkpoint).extra["early_stopping"]
    assert (state["waited"], state["epochs"]) == (1, 2)
    assert state["best"] == pytest.approx(rows(request)[0]["loss"])
    assert run(request).epochs == 2  # the same command finds it finished
    assert "this run ended early, after epoch 2 of 9" in caplog.text


@pytest.mark.parametrize(
    ("period", "force", "message"),
    [
        (1, True, "the same command without --force goes on from the checkpoint of epoch 1"),
        (2, False, "stopped behind the last epoch: .*_epoch_002.detforge is whole"),
    ],
)
def test_run_that_is_stopped_while_validating_says_how_to_go_on(
    train, monkeypatch, caplog, period, force, message
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(own_callbacks, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(evaluation=f"validation_period_during_training: {period}", force=force)
    assert re.search(message, caplog.text)


WATCH = 'early_stopping { monitor: "validation_loss" patience: 2 min_delta: 1e6 }'


@pytest.mark.slow
def test_wait_for_the_validation_loss_goes_on_with_the_run(request_of):
    every = "validation_period_during_training: 1"
    request = request_of("early_stopping { monitor: 'validation_loss' patience: 5 }", every)
    first = run(request)
    logged = [row["validation_loss"] for row in rows(request)]
    assert all(value > 0 for value in logged)
    assert load_checkpoint(first.checkpoint).extra["early_stopping"]["epochs"] == 1
    more = run(request_of(f"num_epochs: 9 {WATCH}", every))
    # The loss of epoch 2 is not in its checkpoint, and is the first that has not fallen enough.
    assert more.epochs == 3


@pytest.mark.parametrize(
    ("evaluation", "change", "message"),
    [
        ("", None, "validation comes every 2 epochs, not after each; change that"),
        (
            "validation_period_during_training: 1",
            "validation_data_sources",
            "the spec names no validation data; change that, or write monitor: loss",
        ),
    ],
)
def test_validation_loss_that_is_not_there_cannot_be_watched(
    request_of, evaluation, change, message
):
    request = request_of(WATCH, evaluation)
    if change:
        request.spec.message.dataset_config.ClearField(change)
    with pytest.raises(UsageError, match=message):
        run(request)


@pytest.fixture
def loss_of(request_of):
    """Return a function: settings -> the validation loss of new weights, and the detector."""

    def compute(training="", evaluation=""):
        request = request_of(training, evaluation)
        recipe = request.detector.recipe(request.spec)
        batches = TrainingBatches(open_validation(recipe, request.detector), recipe, seed=1)
        keras.utils.set_random_seed(0)
        trainer = build_trainer(request, recipe, batches)
        source = open_validation(recipe, request.detector)
        loss = ValidationLoss(trainer, source, recipe)()
        return loss, trainer.detection_model, recipe, source

    return compute


def test_validation_loss_counts_every_image_once_in_batches_of_training(loss_of):
    found, model, recipe, source = loss_of()
    # All images as one batch, made without random changes, cut by hand.
    whole = replace(recipe, augmentation=(), data=replace(recipe.data, batch_size=12))
    (images,) = TrainingBatches(source, whole, seed=5).each_once()
    assert images["row"].tolist() == list(range(12))
    total = 0.0
    for first, last in ((0, 5), (5, 10), (10, 12)):
        part = {name: array[first:last] for name, array in images.items()}
        losses = model.losses(part, training=False)
        total += (last - first) * sum(map(float, losses.values()))
    kernels = [
        w for part in model.parts.values() for w in part.weights if w.path.endswith("kernel")
    ]
    penalty = 1e-3 * sum(float(np.square(np.array(kernel, np.float64)).sum()) for kernel in kernels)
    assert found == pytest.approx(total / 12 + penalty, rel=1e-4)


def test_validation_loss_does_not_depend_on_the_batches_of_evaluation(loss_of):
    losses = [loss_of(evaluation=f"batch_size: {size}")[0] for size in (1, 7)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
