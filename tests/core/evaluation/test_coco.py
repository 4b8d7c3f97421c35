"""COCO's numbers against pycocotools, on random scenes."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detforge.evaluation import ImageResult, Scorer, coco_result
from detforge.evaluation.coco import RULES

CLASSES = 3


def boxes_of(rng, count, near=None):
    """Boxes with corners on quarters of pixels, so that xyxy and xywh mean exactly the same."""
    corners = rng.uniform(0, 300, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(4, 160, (count, 2))], axis=1)
    if near is not None and len(near):
        chosen = near[rng.integers(0, len(near), count)]
        moved = chosen + rng.normal(scale=4, size=(count, 4))
        boxes = np.where(rng.random((count, 1)) < 0.7, moved, boxes)
    boxes = np.round(boxes * 4) / 4
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def scenes_of(seed, images=6, most=8, detections=14):
    rng = np.random.default_rng(seed)
    for row in range(images):
        objects, found = rng.integers(0, most), rng.integers(0, detections)
        truth = boxes_of(rng, objects)
        crowd = rng.random(objects) < 0.2
        yield ImageResult(
            row=row,
            boxes=boxes_of(rng, found, truth),
            scores=rng.permutation(1000)[:found] / 1000 + 0.0005,
            labels=rng.integers(0, CLASSES, found),
            gt_boxes=truth,
            gt_labels=rng.integers(0, CLASSES, objects),
            gt_ignore=crowd,
            gt_crowd=crowd,
        )


def xywh(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()


def by_pycocotools(images):
    objects, found = [], []
    for image in images:
        of_image = {"image_id": image.row + 1}
        rows = zip(xywh(image.gt_boxes), image.gt_labels, image.gt_crowd, strict=True)
        for box, label, crowd in rows:
            box_facts = {"bbox": box, "area": box[2] * box[3], "iscrowd": int(crowd)}
            number = {"id": len(objects) + 1, "category_id": int(label) + 1}
            objects.append({**of_image, **number, **box_facts})
        rows = zip(xywh(image.boxes), image.labels, image.scores, strict=True)
        for box, label, score in rows:
            facts = {"category_id": int(label) + 1, "bbox": box, "score": float(score)}
            found.append({**of_image, **facts})
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": image.row + 1, "width": 500, "height": 500} for image in images],
        "annotations": objects,
        "categories": [{"id": label + 1, "name": str(label)} for label in range(CLASSES)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def by_us(images):
    scorer = Scorer(CLASSES, RULES)
    for image in images:
        scorer.add(image)
    return coco_result(scorer.outcomes())


def same(got, want):
    np.testing.assert_allclose(np.nan_to_num(got, nan=-1.0), want, rtol=0, atol=1e-12)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_numbers_are_those_of_pycocotools(seed):
    images = list(scenes_of(seed))
    assume(any(len(image.boxes) for image in images))  # pycocotools reads no empty list
    want, got = by_pycocotools(images), by_us(images)
    same(list(got.numbers.values()), want.stats)
    same(got.precision, want.eval["precision"][..., -1])
    same(got.recall, want.eval["recall"][..., -1])


def test_numbers_are_those_of_pycocotools_beyond_100_detections_and_256_images():
    images = list(scenes_of(3, images=270, most=5, detections=400))
    want, got = by_pycocotools(images), by_us(images)
    same(list(got.numbers.values()), want.stats)


def test_names_are_in_the_order_of_the_numbers():
    names = [
        "AP",
        "AP50",
        "AP75",
        "APs",
        "APm",
        "APl",
        "ARmax1",
        "ARmax10",
        "ARmax100",
        "ARs",
        "ARm",
        "ARl",
    ]
    assert list(by_us(list(scenes_of(1))).numbers) == names


def test_class_without_objects_has_no_ap_and_no_part_in_the_mean():
    box = np.array([[0.0, 0.0, 50.0, 50.0]])
    nothing = np.zeros(1, bool)
    image = ImageResult(0, box, np.ones(1), np.array([1]), box, np.array([1]), nothing)
    result = by_us([image])
    assert np.isnan(result.per_class).tolist() == [True, False, True]
    assert result.numbers["AP"] == pytest.approx(1.0)
    assert np.isnan(result.numbers["APs"])


def test_without_images_there_are_no_numbers():
    assert np.isnan(list(by_us([]).numbers.values())).all()
