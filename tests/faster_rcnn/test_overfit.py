"""The whole path on two images: what is converted, trained, saved and loaded finds the objects."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.boxes.iou import iou_matrix
from detforge.data.scenes import draw_scenes
from detforge.plugins import load_detector
from detforge.requests import ConvertRequest, EvaluateRequest, InferRequest, TrainRequest
from detforge.spec import load_spec, parse_spec
from tests.faster_rcnn.small import small_spec

pytestmark = pytest.mark.slow

CONVERSION = """
kitti_config {{
  root_directory_path: "{folder}"
  image_dir_name: "images"
  label_dir_name: "labels"
  image_extension: ".jpg"
  val_split: 0
  num_shards: 1
}}
"""
CLASSES = "".join(
    f'target_class_mapping {{ key: "{name}" value: "{name}" }}\n'
    for name in ("circle", "square", "triangle")
)
TRAINING = """
  num_epochs: 50
  checkpoint_interval: 50
  gt_as_roi: true
  rpn_mini_batch: 64
  rpn_pre_nms_top_N: 300
  rpn_nms_max_boxes: 100
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train on two images until they are known by heart."""
    folder = tmp_path_factory.mktemp("overfit")
    draw_scenes(folder, images=2, seed=5, size=(160, 160))
    detector, records = load_detector("faster_rcnn"), folder / "records"
    conversion = parse_spec(CONVERSION.format(folder=folder) + CLASSES, detector.convert_schema())
    detector.hook.convert(
        request=ConvertRequest(detector=detector, spec=conversion, output=records / "scenes")
    )
    source = (
        f'{{ tfrecords_path: "{records}/scenes-fold-001*" image_directory_path: "{folder}" }}\n'
    )
    path = folder / "spec.txt"
    text = small_spec(
        source=8 * f"data_sources {source}",  # the same images over and over: 8 steps an epoch
        data=f"validation_data_source {source}",
        mapping=CLASSES,
        batch="batch_size_per_gpu: 2",
        optimizer="optimizer { adam {} }",
        rate="learning_rate { soft_start { base_lr: 1e-3 start_lr: 1e-4 soft_start: 0.1 "
        "annealing_points: 0.4 annealing_divider: 10 } }",
        training=TRAINING,
    )
    period = "evaluation_config { validation_period_during_training: 50"
    text = text.replace("evaluation_config {", period)
    path.write_text(
        f"{text}\naugmentation_config {{ preprocessing {{ enable_auto_resize: true }} }}"
    )
    spec = load_spec(path, detector.spec_schema())
    report = detector.hook.train(
        request=TrainRequest(detector=detector, spec=spec, results_dir=folder / "results", key="k")
    )
    return detector, spec, report, folder


def test_two_images_are_learnt_by_heart(run):
    assert run[2].metrics["mAP"] >= 0.9


def test_checkpoint_scores_as_the_model_did_when_training_ended(run):
    detector, spec, report, _ = run
    request = EvaluateRequest(detector=detector, spec=spec, model=report.checkpoint, key="k")
    found = detector.hook.evaluate(request=request)
    assert found.mean_ap == pytest.approx(report.metrics["mAP"])


def test_inference_writes_the_objects_it_was_taught(run, tmp_path):
    detector, spec, report, folder = run
    request = InferRequest(
        detector=detector,
        spec=spec,
        model=report.checkpoint,
        images=folder / "images",
        annotated_dir=tmp_path / "annotated",
        labels_dir=tmp_path / "labels",
        key="k",
    )
    assert detector.hook.infer(request=request).images == 2
    for truth in sorted((folder / "labels").glob("*.txt")):
        wanted = [line.split() for line in truth.read_text().splitlines()]
        lines = (tmp_path / "labels" / truth.name).read_text().splitlines()
        found = [line.split() for line in lines]
        for row in wanted:
            box = np.array(row[4:8], float)
            same = np.array([f[4:8] for f in found if f[0] == row[0]], float)
            assert np.asarray(iou_matrix(box[None], same)).max() > 0.5
    assert len(list((tmp_path / "annotated").iterdir())) == 2
