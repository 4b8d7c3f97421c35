from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import greedy_nms, multiclass_nms

# Three boxes on one object, one elsewhere.
BOXES = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 7], [50, 50, 60, 60]], np.float32)


def keep(boxes, scores, *, iou=0.5, limit=10, **options):
    kept = greedy_nms(
        np.asarray(boxes, np.float32),
        np.asarray(scores, np.float32),
        iou_threshold=iou,
        max_output=limit,
        **options,
    )
    kept = ops.convert_to_numpy(kept)
    assert kept.shape == (limit,)
    return kept[kept >= 0].tolist()


def detect(boxes, scores, **changes):
    options = {"score_threshold": 0.1, "iou_threshold": 0.5, "max_per_class": 10, "max_total": 10}
    detections = multiclass_nms(
        np.asarray(boxes, np.float32), np.asarray(scores, np.float32), **(options | changes)
    )
    return type(detections)(*[part if part is None else np.asarray(part) for part in detections])


def test_the_best_of_overlapping_boxes_stays():
    assert keep(BOXES, [0.6, 0.9, 0.7, 0.8]) == [1, 3]


def test_a_suppressed_box_suppresses_nothing():
    row = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]
    assert keep(row, [0.9, 0.8, 0.7], iou=0.4) == [0, 2]


def test_overlap_at_the_threshold_is_kept():
    assert keep([[0, 0, 10, 10], [0, 0, 10, 5]], [0.9, 0.8], iou=0.5) == [0, 1]


def test_the_lower_of_two_equal_scores_wins():
    assert keep(BOXES[[0, 0, 3, 3]], [0.5, 0.5, 0.5, 0.5]) == [0, 2]


def test_scores_at_the_threshold_are_dropped():
    assert keep(BOXES, [0.5, 0.4, 0.4, 0.25], score_threshold=0.25) == [0]


def test_no_more_than_asked_for_are_kept():
    assert keep(BOXES, [0.6, 0.9, 0.7, 0.8], limit=1) == [1]


def test_a_box_without_area_is_kept_once():
    assert keep(np.zeros((2, 4)), [0.9, 0.8]) == [0, 1]


def test_nothing_to_suppress_gives_nothing():
    assert keep(np.zeros((0, 4)), []) == []


@pytest.mark.parametrize("shape", [(2, 0, 4), (2, 0, 3, 4)], ids=["shared", "by-class"])
def test_no_boxes_give_padding_only(shape):
    found = detect(np.zeros(shape), np.zeros((2, 0, 3)))
    assert found.boxes.shape == (2, 10, 4)
    assert found.count.tolist() == [0, 0]


def test_classes_do_not_suppress_each_other():
    found = detect(BOXES[None, :2], [[[0.9, 0.3], [0.2, 0.8]]])
    assert found.count.tolist() == [2]
    assert found.labels[0, :2].tolist() == [0, 1]
    np.testing.assert_allclose(found.scores[0, :3], [0.9, 0.8, 0.0])
    np.testing.assert_array_equal(found.boxes[0, :2], BOXES[:2])


def test_detections_are_padded_with_zeros():
    found = detect(BOXES[None], [[[0.2, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.7]]], max_total=6)
    assert found.count.tolist() == [2]
    assert found.labels.tolist() == [[1, 0, 0, 0, 0, 0]]
    assert not found.boxes[0, 2:].any()
    assert not found.scores[0, 2:].any()
    assert (found.labels.dtype, found.count.dtype) == (np.int32, np.int32)


def test_a_class_keeps_its_best_boxes_only():
    apart = np.arange(5)[:, None] * 100 + np.array([[0, 0, 10, 10]])
    scores = np.array([[[0.5, 0.6], [0.4, 0.9], [0.9, 0.1], [0.8, 0.1], [0.7, 0.1]]])
    found = detect(apart[None], scores, max_per_class=2)
    assert found.labels[0, : int(found.count[0])].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found.scores[0, :4], [0.9, 0.9, 0.8, 0.6])


def test_an_image_keeps_its_best_detections_only():
    found = detect(BOXES[None], [[[0.9, 0.3], [0.1, 0.1], [0.1, 0.1], [0.5, 0.4]]], max_total=3)
    np.testing.assert_allclose(found.scores, [[0.9, 0.5, 0.4]])
    assert found.count.tolist() == [3]


def test_boxes_of_each_class_are_told_apart():
    boxes = np.stack([BOXES[:2], BOXES[[3, 2]]], axis=1)[None]
    found = detect(boxes, [[[0.9, 0.8], [0.0, 0.7]]])
    np.testing.assert_array_equal(found.boxes[0, :3], BOXES[[0, 3, 2]])


def test_candidates_beyond_the_best_take_no_part():
    scores = np.array([[0.9, 0.8, 0.7, 0.6]])[..., None]
    assert detect(BOXES[None], scores, candidates=3).count.tolist() == [1]
    assert detect(BOXES[None], scores, candidates=99).count.tolist() == [2]


def test_images_of_a_batch_do_not_see_each_other():
    rng = np.random.default_rng(5)
    corners = rng.uniform(0, 60, (3, 20, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 30, (3, 20, 2))], axis=-1)
    scores = rng.random((3, 20, 4))
    together = detect(boxes, scores)
    for i in range(3):
        alone = detect(boxes[i : i + 1], scores[i : i + 1])
        np.testing.assert_array_equal(together.boxes[i], alone.boxes[0])
        np.testing.assert_array_equal(together.labels[i], alone.labels[0])
