"""Average precision against the reference's evaluator."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.evaluation import ImageResult, Rules, Scorer, voc_precisions


def _precisions(case, ious, mode):
    config = case.config
    rules = Rules(ious=tuple(ious), score_threshold=config["conf_thres"])
    scorer = Scorer(config["n_classes"], rules)
    truth, found = case.inputs["gt"], case.inputs["det"]
    for image in range(config["num_images"]):
        gt, det = truth[truth[:, 0] == image], found[found[:, 0] == image]
        scorer.add(
            ImageResult(
                row=image,
                boxes=det[:, 3:],
                scores=det[:, 2],
                labels=det[:, 1].astype(int),
                gt_boxes=gt[:, 3:],
                gt_labels=gt[:, 1].astype(int),
                gt_ignore=gt[:, 2] != 0,
            )
        )
    # For the reference a class without objects has AP 0 and counts in the mean. That says
    # nothing about the detector and drags the mean down, so for us it has none.
    return np.nan_to_num(voc_precisions(scorer.outcomes(), mode), nan=0.0)


@pytest.mark.parametrize("mode", ["sample", "integrate"])
@pytest.mark.golden("ap_voc")
def test_average_precision_equals_the_reference(case, mode):
    ap = _precisions(case, [case.config["matching_iou_threshold"]], mode)[:, 0]
    case.check(ap, f"ap_{mode}")
    case.check(ap.mean(), f"map_{mode}")


@pytest.mark.golden("ap_voc")
def test_stricter_overlaps_equal_the_reference(case):
    ap = _precisions(case, np.linspace(0.5, 0.95, 10), "integrate")
    case.check(ap.mean(axis=0), "map_integrate_iou_50_95_step_05")
