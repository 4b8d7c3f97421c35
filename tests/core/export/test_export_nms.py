"""NMS as ONNX nodes: the results of TensorFlow's operator and of our own on keras.ops."""

import numpy as np
import onnx
import pytest
from tests.core.export.glue import run_glue

from detforge.boxes.nms import multiclass_nms as nms_on_keras
from detforge.errors import ExportError
from detforge.export.graph import GlueGraph
from detforge.export.nms import multiclass_nms
from detforge.recipe import InputFormat


def draw(batch, count, classes, seed):
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 80, (batch, count, 2))
    sides = generator.uniform(5, 40, (batch, count, 2))
    boxes = np.concatenate([corners, corners + sides], axis=-1)
    return boxes.astype(np.float32), generator.uniform(0, 1, (batch, count, classes)).astype("f4")


def run_nms(boxes, scores, **options):
    """Return boxes, scores, labels and count of the ONNX graph."""
    batch, count, classes = scores.shape

    def build(graph, flat_boxes, scores):
        if boxes.ndim == 4:
            shape = graph.constant(np.array([-1, count, classes, 4], np.int64))
            flat_boxes = graph.node("Reshape", [flat_boxes, shape])
        graph.detections(*multiclass_nms(graph, flat_boxes, scores, **options))

    found = run_glue(build, boxes.reshape(batch, count, -1), scores)
    return (
        found["detection_boxes"],
        found["detection_scores"],
        found["detection_classes"],
        found["num_detections"][:, 0],
    )


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, np.asarray(other))


OPTIONS = {"score_threshold": 0.2, "iou_threshold": 0.45, "max_per_class": 12, "max_total": 25}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("by_class", [False, True], ids=["shared boxes", "boxes by class"])
def test_result_is_that_of_combined_non_max_suppression(batch, by_class):
    import tensorflow as tf

    boxes, scores = draw(batch, 60, 4, seed=batch)
    if by_class:
        boxes = boxes[:, :, None] + np.random.default_rng(9).uniform(0, 9, (1, 1, 4, 1))
        boxes = boxes.astype(np.float32)
    wanted = tf.image.combined_non_max_suppression(
        boxes if by_class else boxes[:, :, None],
        scores,
        max_output_size_per_class=12,
        max_total_size=25,
        iou_threshold=0.45,
        score_threshold=0.2,
        clip_boxes=False,
    )
    assert_equal(run_nms(boxes, scores, **OPTIONS), wanted)


@pytest.mark.parametrize("candidates", [None, 200, 20, 1])
@pytest.mark.parametrize("levels", [0, 8], ids=["distinct scores", "many equal scores"])
def test_result_is_that_of_nms_on_keras(candidates, levels):
    boxes, scores = draw(2, 50, 3, seed=4)
    if levels:
        scores = np.round(scores * levels) / np.float32(levels)
    options = {**OPTIONS, "candidates": candidates}
    assert_equal(run_nms(boxes, scores, **options), nms_on_keras(boxes, scores, **options)[:4])


@pytest.mark.parametrize("candidates", [None, 15])
def test_boxes_by_class_give_the_result_of_nms_on_keras(candidates):
    boxes = draw(2, 120, 1, seed=5)[0].reshape(2, 40, 3, 4)
    scores = draw(2, 40, 3, seed=6)[1]
    options = {**OPTIONS, "candidates": candidates}
    assert_equal(run_nms(boxes, scores, **options), nms_on_keras(boxes, scores, **options)[:4])


def test_nothing_above_the_threshold_gives_zeros():
    boxes, scores = draw(2, 10, 2, seed=7)
    for array in run_nms(boxes, scores * 0.1, **OPTIONS):
        assert not array.any()


@pytest.mark.parametrize("candidates", [None, 5])
def test_scores_that_are_no_number_are_no_detections(candidates):
    boxes, scores = draw(2, 40, 3, seed=11)
    options = {**OPTIONS, "candidates": candidates}
    broken = scores.copy()
    broken[0, ::2], broken[1] = np.nan, np.nan
    scores[0, ::2], scores[1] = 0, 0
    for nms in run_nms, nms_on_keras:
        assert_equal(nms(boxes, broken, **options)[:4], nms(boxes, scores, **options)[:4])


def test_fewer_boxes_than_asked_for_are_padded_with_zeros():
    boxes, scores = draw(1, 3, 2, seed=8)
    found_boxes, found_scores, found_labels, count = run_nms(boxes, scores, **OPTIONS)
    assert found_boxes.shape == (1, 25, 4)
    assert 0 < count[0] <= 6
    assert not found_boxes[0, count[0] :].any()
    assert not found_scores[0, count[0] :].any()
    assert not found_labels[0, count[0] :].any()


def test_score_at_the_threshold_is_dropped_and_overlap_at_the_threshold_is_kept():
    # The second box shares half of the union with the first: IoU exactly 0.5.
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]]], np.float32)
    scores = np.array([[[0.75], [0.5], [0.25]]], np.float32)
    options = {**OPTIONS, "score_threshold": 0.25, "iou_threshold": 0.5}
    found_boxes, found_scores, _, count = run_nms(boxes, scores, **options)
    assert count[0] == 2
    np.testing.assert_array_equal(found_boxes[0, :2], boxes[0, :2])
    np.testing.assert_array_equal(found_scores[0, :2], [0.75, 0.5])


def build_without_running(score_threshold=0.1, **changes):
    graph = GlueGraph({}, InputFormat(height=8, width=8, mean=(0.0,), scale=(1.0,)))
    shape = graph.constant(np.array(changes.get("shape", [-1, 8, 8]), np.int64))
    rows = graph.node("Reshape", [graph.images, shape])
    return multiclass_nms(graph, rows, rows, **{**OPTIONS, "score_threshold": score_threshold})


def test_negative_score_threshold_is_refused():
    with pytest.raises(ExportError, match="use 0 or more"):
        build_without_running(score_threshold=-0.1)


def test_number_of_boxes_that_depends_on_the_image_is_refused():
    with pytest.raises(ExportError, match="must be known at export"):
        build_without_running(shape=[1, -1, 8])


def test_opset_17_and_standard_operators_suffice():
    graph = GlueGraph({}, InputFormat(height=8, width=8, mean=(0.0,), scale=(1.0,)))
    rows = graph.node("Reshape", [graph.images, graph.constant(np.array([-1, 16, 4], np.int64))])
    graph.detections(*multiclass_nms(graph, rows, rows, **OPTIONS, candidates=5))
    model = graph.to_model({})
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
