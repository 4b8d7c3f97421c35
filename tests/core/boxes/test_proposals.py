from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import encode_boxes, greedy_nms, iou_matrix
from detforge.boxes.proposals import propose
from detforge.boxes.tiled_nms import keep_best

ANCHORS = np.array([[0, 0, 20, 20], [40, 40, 60, 60], [-20, -20, 10, 10], [50, 0, 60, 10]], "f4")


def regions(scores, deltas=None, anchors=ANCHORS, **changes):
    options = {"height": 64, "width": 64, "candidates": 100, "most": 5, "iou_threshold": 0.7}
    deltas = np.zeros((len(scores), 4), np.float32) if deltas is None else deltas
    scores = np.array([scores], np.float32)
    found = propose(scores, deltas[None], anchors, variances=(1,) * 4, **(options | changes))
    return ops.convert_to_numpy(found)[0]


def test_regions_come_best_first_inside_the_image_and_padded_with_zeros():
    found = regions([0.1, 0.4, 0.3, 0.2])
    wanted = [[40, 40, 60, 60], [0, 0, 10, 10], [50, 0, 60, 10], [0, 0, 20, 20], [0, 0, 0, 0]]
    np.testing.assert_allclose(found, wanted)


def test_deltas_move_the_anchors():
    boxes = ANCHORS + np.array([3, 2, 8, 7], np.float32)
    deltas = ops.convert_to_numpy(encode_boxes(boxes, ANCHORS, (1,) * 4))
    found = regions([4, 3, 2, 1], deltas, iou_threshold=1.0)
    np.testing.assert_allclose(found[:4], boxes.clip(0, 64), atol=1e-4)


def test_regions_of_a_pixel_are_dropped_before_they_take_a_place():
    anchors = np.array([[0, 0, 1, 9], [5, 5, 9, 6], [2, 2, 9, 9]], np.float32)
    found = regions([3, 2, 1], anchors=anchors, candidates=1)
    assert found[0].tolist() == [2, 2, 9, 9]
    assert not found[1:].any()


def test_scores_that_are_no_number_propose_nothing():
    assert not regions([np.nan] * 4).any()
    assert regions([np.nan, 1, np.nan, np.nan])[0].tolist() == [40, 40, 60, 60]


def test_exploding_deltas_give_finite_regions():
    deltas = np.full((4, 4), 1e30, np.float32)
    assert np.isfinite(regions([4, 3, 2, 1], deltas)).all()


@pytest.mark.parametrize("count", [1, 100, 256, 700])
def test_many_boxes_are_suppressed_as_one_by_one(count):
    rng = np.random.default_rng(count)
    low = rng.uniform(0, 120, (2, count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, 60, low.shape)], axis=-1).astype("f4")
    alive = rng.random((2, count)) < 0.9
    together = keep_best(boxes, alive, iou_threshold=0.6, most=90)
    scores = np.where(alive, np.arange(count, 0, -1), -1.0)
    for image in range(2):
        one_by_one = greedy_nms(
            boxes[image], scores[image], iou_threshold=0.6, max_output=90, score_threshold=0
        )
        got = ops.convert_to_numpy(together)[image]
        assert got.tolist() == ops.convert_to_numpy(one_by_one).tolist()


def test_more_boxes_than_a_tile_are_kept_and_none_covers_another():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 900, (1, 1500, 2))
    boxes = np.concatenate([low, low + rng.uniform(20, 40, low.shape)], axis=-1).astype("f4")
    kept = keep_best(boxes, np.ones((1, 1500), bool), iou_threshold=0.3, most=1500)
    kept = ops.convert_to_numpy(kept)[0]
    chosen = kept[kept >= 0]
    assert len(chosen) > 600
    assert (np.diff(chosen) > 0).all()
    overlaps = ops.convert_to_numpy(iou_matrix(boxes[0], boxes[0, chosen]))
    assert (np.sort(overlaps[chosen], axis=1)[:, -2] <= 0.3).all()
    lost = np.setdiff1d(np.arange(1500), chosen)
    assert (overlaps[lost].max(axis=1) > 0.3).all()
