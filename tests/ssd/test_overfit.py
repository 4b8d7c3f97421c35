"""The whole path on two images: what is saved, loaded and exported finds the same objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detforge.boxes.iou import iou_matrix
from detforge.plugins import load_detector
from detforge.requests import EvaluateRequest, ExportRequest, InferRequest, TrainRequest
from detforge.spec import load_spec

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["ssd", "dssd"])
def run(tmp_path_factory, request):
    """Train on two images until they are known by heart."""
    from detforge.data.scenes import draw_scenes
    from tests.ssd.conftest import SPEC

    folder = tmp_path_factory.mktemp("overfit")
    draw_scenes(folder, images=2, seed=5, size=(160, 160))
    path = folder / "spec.txt"
    # Larger batches for DSSD: statistics over a map of one pixel reach all of its predictions.
    batch = {"ssd": 2, "dssd": 4}[request.param]
    text = SPEC.format(data=folder, batch=batch, epochs=40, rate=1e-2, interval=40)
    # The same images over and over: 8 steps an epoch.
    source = text[text.index("  data_sources") : text.index("  validation_data")]
    text = text.replace(source, 4 * batch * source)
    text = text.replace("ssd_config", f"{request.param}_config")
    if request.param == "dssd":
        text = text.replace("nlayers: 10", "nlayers: 10 pred_num_channels: 256")
    path.write_text(text)
    detector = load_detector(request.param)
    spec = load_spec(path, detector.spec_schema())
    report = detector.hook.train(
        request=TrainRequest(detector=detector, spec=spec, results_dir=folder / "results", key="k")
    )
    model = folder / "model.onnx"
    exported = detector.hook.export(
        request=ExportRequest(
            detector=detector, spec=spec, model=report.checkpoint, output=model, key="k"
        )
    )
    return detector, spec, report, exported, folder


def evaluate(run, model):
    detector, spec, *_ = run
    request = EvaluateRequest(detector=detector, spec=spec, model=model, key="k")
    return detector.hook.evaluate(request=request)


def test_two_images_are_learnt_by_heart(run):
    assert run[2].metrics["mAP"] >= 0.9


def test_checkpoint_scores_as_the_model_did_when_training_ended(run):
    _, _, report, _, _ = run
    assert evaluate(run, report.checkpoint).mean_ap == pytest.approx(report.metrics["mAP"])


def test_onnx_scores_as_the_checkpoint(run):
    _, _, report, exported, _ = run
    expected = evaluate(run, report.checkpoint)
    got = evaluate(run, exported.model)
    assert got.ap == pytest.approx(expected.ap, abs=1e-3)


def test_export_agrees_with_the_checkpoint_to_a_thousandth_of_a_pixel_and_score(run):
    exported = run[3]
    assert exported.compared_images == 2
    assert exported.max_box_difference < 0.01
    assert exported.max_score_difference < 1e-3


@pytest.mark.parametrize("kind", ["checkpoint", "onnx"])
def test_inference_writes_the_objects_it_was_taught(run, kind, tmp_path):
    detector, spec, report, exported, folder = run
    request = InferRequest(
        detector=detector,
        spec=spec,
        model=report.checkpoint if kind == "checkpoint" else exported.model,
        images=folder / "images",
        annotated_dir=tmp_path / "annotated",
        labels_dir=tmp_path / "labels",
        threshold=0.5,
        key="k",
    )
    got = detector.hook.infer(request=request)
    assert got.images == 2
    for truth in sorted((folder / "labels").glob("*.txt")):
        wanted = [line.split() for line in truth.read_text().splitlines()]
        lines = (tmp_path / "labels" / truth.name).read_text().splitlines()
        found = sorted((line.split() for line in lines), key=lambda row: -float(row[15]))
        best = found[: len(wanted)]  # after 320 steps a few weak doubles may remain
        assert sorted(row[0] for row in best) == sorted(row[0] for row in wanted)
        for row in wanted:
            box = np.array(row[4:8], float)
            same = np.array([f[4:8] for f in best if f[0] == row[0]], float)
            assert np.asarray(iou_matrix(box[None], same)).max() > 0.5
    assert len(list((tmp_path / "annotated").iterdir())) == 2


def test_checkpoint_cannot_be_read_without_its_key(run):
    from detforge.errors import CheckpointError

    detector, spec, report, *_ = run
    request = EvaluateRequest(detector=detector, spec=spec, model=report.checkpoint)
    with pytest.raises(CheckpointError, match="key"):
        detector.hook.evaluate(request=request)


def test_interval_keeps_only_the_last_epoch(run):
    detector, _, report, _, folder = run
    names = [path.name for path in (folder / "results" / "weights").iterdir()]
    assert names == [f"{detector.name}_resnet10_epoch_040.tlt"]
    assert report.checkpoint == Path(folder / "results" / "weights" / names[0])
