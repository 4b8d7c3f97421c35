"""COCO's numbers against those of pycocotools."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from detforge.evaluation import ImageResult, Scorer, coco_result
from detforge.evaluation.coco import RULES
from detforge.evaluation.overlaps import mask_overlaps
from detforge.inference.masks import PastedMask


def _decode(segmentation, image):
    size = image["height"], image["width"]
    if isinstance(segmentation, list):
        parts = coco_mask.frPyObjects(segmentation, *size)
        segmentation = coco_mask.merge(parts)
    elif isinstance(segmentation["counts"], list):
        segmentation = coco_mask.frPyObjects(segmentation, *size)
    return coco_mask.decode(segmentation) > 0


def _corners(annotations):
    boxes = np.array([a["bbox"] for a in annotations], float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _image_result(image, detections, objects, labels, are_masks):
    crowd = np.array([a["iscrowd"] for a in objects], bool)
    found = [PastedMask(0, 0, _decode(d["segmentation"], image)) for d in detections if are_masks]
    truth = [_decode(a["segmentation"], image) for a in objects if are_masks]
    return ImageResult(
        row=image["id"],
        boxes=np.zeros((len(detections), 4)) if are_masks else _corners(detections),
        scores=np.array([d["score"] for d in detections], float),
        labels=np.array([labels[d["category_id"]] for d in detections], int),
        gt_boxes=_corners(objects),
        gt_labels=np.array([labels[a["category_id"]] for a in objects], int),
        gt_ignore=crowd,
        gt_crowd=crowd,
        gt_areas=np.array([a["area"] for a in objects], float),
        areas=np.array([m.claimed.sum() for m in found], float) if are_masks else None,
        overlaps=mask_overlaps(found, truth, crowd) if are_masks else None,
    )


def _scored(case, golden_file, kind):
    truth = json.loads(golden_file(case.inputs["gt_file"]).read_text())
    found = json.loads(golden_file(case.inputs["det_file"]).read_text())
    labels = {c: k for k, c in enumerate(case.expected[f"category_ids_{kind}"])}
    scorer = Scorer(len(labels), RULES)
    for image in sorted(truth["images"], key=lambda image: image["id"]):
        mine = [
            [a for a in some if a["image_id"] == image["id"]]
            for some in (found, truth["annotations"])
        ]
        scorer.add(_image_result(image, *mine, labels, kind == "segm"))
    return coco_result(scorer.outcomes())


def _check(case, result, kind):
    case.check(np.nan_to_num(list(result.numbers.values()), nan=-1.0), f"stats_{kind}")
    want = np.array(case.expected[f"per_category_ap_{kind}"], float)
    case.compare(np.nan_to_num(result.per_class, nan=-1.0), want, "per class")
    case.check(np.nan_to_num(result.precision[..., 0], nan=-1.0), f"precision_{kind}")


@pytest.mark.golden("ap_coco", expects="stats_bbox")
def test_scores_of_boxes_equal_pycocotools(case, golden_file):
    _check(case, _scored(case, golden_file, "bbox"), "bbox")


@pytest.mark.golden("ap_coco", expects="stats_segm")
def test_scores_of_masks_equal_pycocotools(case, golden_file):
    _check(case, _scored(case, golden_file, "segm"), "segm")
