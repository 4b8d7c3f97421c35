"""Non-maximum suppression against TensorFlow's operators."""

from __future__ import annotations

import pytest
from keras import ops

from detforge.boxes import greedy_nms, multiclass_nms
from golden_cases import FOLDER, families, golden_cases, load

# Variants of the family that later detectors need, by what a case of theirs expects. (The
# pixel-more overlap of the same detectors stands as one more expectation beside "keep".)
LATER_VARIANTS = ("detections",)


def _check_greedy(case):
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


def _check_combined(case):
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


CHECKS = {"keep": _check_greedy, "nmsed_boxes": _check_combined}


def _is_now(parameter):
    case = parameter.values[0]
    return case is None or not set(LATER_VARIANTS) & set(case.expected)


@pytest.mark.parametrize("case", filter(_is_now, golden_cases("nms")))
def test_suppression_equals_the_reference(case):
    (check,) = (check for key, check in CHECKS.items() if key in case.expected)
    check(case)


@pytest.mark.skipif("nms" not in families(), reason=f"{FOLDER} has no golden numbers of nms")
def test_both_variants_of_suppression_have_cases():
    for key in CHECKS:
        assert any(key in case.expected for case in load("nms"))
