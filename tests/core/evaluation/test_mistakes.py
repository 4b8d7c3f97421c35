"""The confusion matrix, and the images with the most mistakes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.evaluation.test_coco import scenes_of

from detforge.evaluation import ImageResult, Rules, Scorer
from detforge.evaluation.mistakes import Mistakes

PLACES = np.array([[100.0 * i, 0, 100 * i + 40, 40] for i in range(5)])


def image(row, boxes, scores, labels, gt_boxes, gt_labels, gt_ignore=None):
    return ImageResult(
        row=row,
        boxes=np.array(boxes, float).reshape(-1, 4),
        scores=np.array(scores, float),
        labels=np.array(labels, int),
        gt_boxes=np.array(gt_boxes, float).reshape(-1, 4),
        gt_labels=np.array(gt_labels, int),
        gt_ignore=np.zeros(len(gt_labels), bool) if gt_ignore is None else np.array(gt_ignore),
    )


def seen(*images, classes=2, least_score=0.3, **options):
    mistakes = Mistakes(classes, iou=0.5, least_score=least_score, **options)
    scorer = Scorer(classes, Rules(ious=(0.5,)), mistakes.see)
    for one in images:
        scorer.add(one)
    scorer.outcomes()
    return mistakes


def test_objects_are_found_taken_for_another_class_or_missed():
    #           right, another class, nothing there, too low
    boxes = [PLACES[0], PLACES[1], PLACES[4], PLACES[2]]
    one = image(0, boxes, [0.9, 0.8, 0.7, 0.1], [0, 0, 1, 1], PLACES[:3], [0, 1, 1])
    mistakes = seen(one)
    assert mistakes.confusion.tolist() == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]
    (worst,) = mistakes.worst
    assert worst.weight == pytest.approx(0.8 + 0.7 + 2)
    assert worst.right.tolist() == [0]
    assert worst.wrong.tolist() == [1, 2]
    assert worst.missed.tolist() == [1, 2]


def test_ignored_objects_are_neither_missed_nor_found():
    one = image(0, PLACES[:1], [0.9], [0], PLACES[:2], [0, 1], [True, True])
    mistakes = seen(one)
    assert not mistakes.confusion.any()
    assert mistakes.worst == []


def test_images_with_the_most_mistakes_are_kept_the_worst_first():
    # Row k has k % 4 false detections.
    images = [image(k, PLACES[: k % 4], [0.5] * (k % 4), [0] * (k % 4), [], []) for k in range(10)]
    assert [found.image.row for found in seen(*images, keep=5).worst] == [3, 7, 2, 6, 1]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_rows_add_up_to_the_objects_and_columns_to_the_detections(seed):
    images = list(scenes_of(seed))
    mistakes = seen(*images, classes=3, least_score=0.5)
    objects = np.concatenate([one.gt_labels[~one.gt_ignore] for one in images])
    rows = mistakes.confusion[:-1].sum(axis=1)
    assert rows.tolist() == np.bincount(objects, minlength=3).tolist()
    shown = np.concatenate([one.labels[one.scores >= 0.5] for one in images])
    found = mistakes.confusion[:, :-1].sum(axis=0)
    excused = np.bincount(shown, minlength=3) - found
    assert (excused >= 0).all()
    assert excused.sum() <= sum(one.gt_ignore.sum() for one in images)
    assert mistakes.confusion[-1, -1] == 0
