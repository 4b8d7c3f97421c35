"""Non-maximum suppression against TensorFlow's operators."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import greedy_nms, multiclass_nms
from detforge.boxes.tiled_nms import keep_best

# What later detectors bring: "detections" is per-class and soft suppression with an overlap
# that counts one pixel more.
TESTED = {"keep", "nmsed_boxes"}
LATER = {"detections"}


@pytest.mark.golden("nms", expects="keep")
def test_greedy_suppression_equals_the_reference(case):
    kept = greedy_nms(
        case.inputs["boxes"],
        case.inputs["scores"],
        iou_threshold=case.config["iou_threshold"],
        score_threshold=case.config["score_threshold"],
        max_output=case.config["max_output"],
    )
    kept = ops.convert_to_numpy(kept)
    case.check(kept[kept >= 0], "keep")
    assert (kept[len(case.expected["keep"]) :] == -1).all()


@pytest.mark.golden("nms", expects="keep_plus1_convention")
def test_suppression_that_counts_a_pixel_more_equals_the_reference(case):
    # A box from x1 to x2 is x2 - x1 + 1 wide there.
    boxes = case.inputs["boxes"] + np.array([0, 0, 1, 1], np.float32)
    order = np.argsort(-case.inputs["scores"], kind="stable")
    alive = case.inputs["scores"][order] > case.config["score_threshold"]
    iou, most = case.config["iou_threshold"], case.config["max_output"]
    kept = keep_best(boxes[order][None], alive[None], iou_threshold=iou, most=most)
    kept = ops.convert_to_numpy(kept)[0]
    case.check(order[kept[kept >= 0]], "keep_plus1_convention")


@pytest.mark.golden("nms", expects="nmsed_boxes")
def test_suppression_within_classes_equals_the_reference(case):
    boxes, config = case.inputs["boxes"], case.config
    assert not config["pad_per_class"]
    assert not config["clip_boxes"]
    detections = multiclass_nms(
        boxes[:, :, 0] if boxes.shape[2] == 1 else boxes,
        case.inputs["scores"],
        score_threshold=config["score_threshold"],
        iou_threshold=config["iou_threshold"],
        max_per_class=config["max_output_size_per_class"],
        max_total=config["max_total_size"],
    )
    case.check(ops.convert_to_numpy(detections.count), "valid")
    case.check(ops.convert_to_numpy(detections.scores), "nmsed_scores")
    case.check(ops.convert_to_numpy(detections.boxes), "nmsed_boxes")
    case.check(ops.convert_to_numpy(detections.labels), "nmsed_classes")


@pytest.mark.golden("nms")
def test_every_variant_is_tested_now_or_named_for_later(case):
    assert (TESTED | LATER) & set(case.expected)
