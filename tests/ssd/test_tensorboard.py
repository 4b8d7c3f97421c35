"""What TensorBoard reads of a real run: the same that the run's own files say."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from detforge.data.scenes import draw_scenes
from detforge.errors import UsageError
from detforge.files import load_checkpoint
from detforge.plugins import load_detector
from detforge.requests import TrainRequest
from detforge.spec import load_spec
from tests.ssd.conftest import SPEC

VISUALIZER = "visualizer { enabled: true num_images: 2 weight_histograms: true } model_ema: true"


def start(folder, data, epochs):
    text = SPEC.format(data=data, batch=4, epochs=epochs, rate=1e-2, interval=1)
    text = text.replace("  num_epochs", f"  {VISUALIZER}\n  num_epochs")
    text = text.replace("eval_config {", "eval_config { visualize_pr_curve: true")
    path = folder / "spec.txt"
    path.write_text(text)
    detector = load_detector("ssd")
    spec = load_spec(path, detector.spec_schema())
    request = TrainRequest(detector=detector, spec=spec, results_dir=folder / "run")
    return detector.hook.train(request=request)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train one epoch, then one more of the same run."""
    folder = tmp_path_factory.mktemp("tensorboard")
    draw_scenes(folder / "scenes", images=8, seed=3, size=(128, 128))
    start(folder, folder / "scenes", epochs=1)
    report = start(folder, folder / "scenes", epochs=2)
    sizes = {"scalars": 0, "images": 0, "histograms": 0}
    return folder / "run", report, EventAccumulator(str(folder / "run" / "events"), sizes).Reload()


@pytest.mark.slow
def test_curves_are_those_of_the_log(run):
    folder, _, events = run
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    for row in rows:
        expected = {
            **{f"training/{name}": value for name, value in row["losses"].items()},
            **{f"training/{name}": row[name] for name in ("loss", "learning_rate", "seconds")},
            **{f"validation/AP/{name}": value for name, value in row["AP"].items()},
            "validation/mAP": row["mAP"],
            "validation/loss": row["validation_loss"],
            "training/images_per_second": row["images_per_second"],
        }
        shown = {
            tag: [event.value for event in events.Scalars(tag) if event.step == row["epoch"]]
            for tag in events.scalars.Keys()
        }
        assert shown == {tag: [pytest.approx(value)] for tag, value in expected.items()}


@pytest.mark.slow
def test_histograms_are_those_of_the_checkpoints_weights(run):
    _, report, events = run
    weights = load_checkpoint(report.checkpoint).weights
    assert sorted(events.histograms.Keys()) == sorted(f"weights/{name}" for name in weights)
    for name, value in weights.items():
        before, last = events.Histograms(f"weights/{name}")
        assert (before.step, last.step) == (1, 2)
        assert sum(last.histogram_value.bucket) == value.size
        assert last.histogram_value.sum == pytest.approx(value.sum(dtype=np.float64), rel=1e-5)


@pytest.mark.slow
def test_images_of_both_starts_and_curves_of_both_epochs_are_there(run):
    _, _, events = run
    tags = ["first_batch/1", "first_batch/2", "validation/precision_recall"]
    assert sorted(events.images.Keys()) == tags
    for tag in tags:
        assert [event.step for event in events.Images(tag)] == [1, 2]
        for event in events.Images(tag):
            image = cv2.imdecode(np.frombuffer(event.encoded_image_string, np.uint8), 1)
            assert image.shape == (event.height, event.width, 3)


@pytest.mark.parametrize(
    ("package", "extra"), [("tensorboard", "tensorboard"), ("matplotlib", "train")]
)
def test_missing_package_is_an_error_before_data_are_read(tmp_path, monkeypatch, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"spec\.txt: .* needs {package}, which .* 'pip install detforge\[{extra}\]'"
    with pytest.raises(UsageError, match=message):
        start(tmp_path, tmp_path / "nowhere", epochs=1)
    assert not (tmp_path / "run").exists()
