"""Average precision against the reference's evaluator."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.evaluation import VocScorer


def _score(case, matching_iou):
    config = case.config
    scorer = VocScorer(
        config["n_classes"], matching_iou=matching_iou, score_threshold=config["conf_thres"]
    )
    truth, found = case.inputs["gt"], case.inputs["det"]
    for image in range(config["num_images"]):
        gt, det = truth[truth[:, 0] == image], found[found[:, 0] == image]
        scorer.add(
            boxes=det[:, 3:],
            scores=det[:, 2],
            labels=det[:, 1].astype(int),
            gt_boxes=gt[:, 3:],
            gt_labels=gt[:, 1].astype(int),
            gt_ignore=gt[:, 2] != 0,
        )
    return scorer


def _as_reference(result):
    # For the reference a class without objects has AP 0 and counts in the mean. That says
    # nothing about the detector and drags the mean down, so for us it has none.
    return np.nan_to_num(np.array(result.ap), nan=0.0)


@pytest.mark.parametrize("mode", ["sample", "integrate"])
@pytest.mark.golden("ap_voc")
def test_average_precision_equals_the_reference(case, mode):
    result = _score(case, case.config["matching_iou_threshold"]).result(mode)
    ap = _as_reference(result)
    case.check(ap, f"ap_{mode}")
    case.check(ap.mean(), f"map_{mode}")
    has_objects = ~np.isnan(result.ap)
    case.compare(result.mean_ap, ap[has_objects].mean(), "mean over classes with objects")


@pytest.mark.golden("ap_voc")
def test_stricter_overlaps_equal_the_reference(case):
    means = [
        _as_reference(_score(case, iou).result("integrate")).mean()
        for iou in np.linspace(0.5, 0.95, 10)
    ]
    case.check(means, "map_integrate_iou_50_95_step_05")
