from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes import BACKGROUND, NEUTRAL, match_anchors
from detforge.boxes.matching import match_greedily

ANCHORS = np.array(
    [[0, 0, 10, 10], [0, 0, 10, 12], [20, 0, 30, 10], [60, 0, 70, 10], [61, 0, 71, 10]], np.float32
)


def match(boxes, *, anchors=ANCHORS, valid=None, ignore=None, positive=0.5, negative=0.5):
    boxes = np.asarray(boxes, np.float32).reshape(1, -1, 4)
    valid = np.ones(boxes.shape[:2], bool) if valid is None else np.array([valid])
    matched = match_anchors(
        anchors,
        boxes,
        valid,
        positive_iou=positive,
        negative_iou=negative,
        ignore=None if ignore is None else np.array([ignore]),
    )
    return ops.convert_to_numpy(matched)[0].tolist()


def test_a_loser_outbids_a_rival_for_its_second_choice():
    # Box 1 loses anchor 0 to box 0, and is then better at anchor 1 than box 2 is.
    overlap = np.array([[[0.9, 0.0, 0.0], [0.8, 0.7, 0.0], [0.0, 0.6, 0.1]]], np.float32)
    assert ops.convert_to_numpy(match_greedily(overlap)).tolist() == [[0, 1, 2]]


def test_each_box_gets_an_anchor_however_small_the_overlap():
    assert match([[8, 8, 18, 18]]) == [BACKGROUND, 0, BACKGROUND, BACKGROUND, BACKGROUND]


def test_a_box_without_overlap_gets_no_anchor():
    assert match([[100, 100, 120, 120]]) == [BACKGROUND] * 5


def test_more_boxes_than_anchors_leave_the_worst_without():
    one_anchor = ANCHORS[:1]
    assert match([[0, 0, 10, 5], [0, 0, 10, 9], [0, 0, 10, 8]], anchors=one_anchor) == [1]


def test_further_anchors_take_their_best_box_from_the_positive_threshold_on():
    assert match([[0, 0, 10, 10]], positive=0.8) == [0, 0, BACKGROUND, BACKGROUND, BACKGROUND]
    assert match([[0, 0, 10, 10]], positive=0.9, negative=0.9)[1] == BACKGROUND


def test_anchors_between_the_thresholds_are_neutral():
    assert match([[0, 0, 10, 10]], positive=0.9, negative=0.7)[1] == NEUTRAL


def test_equal_boxes_share_neighbouring_anchors_lower_first():
    box = [60, 0, 70, 10]
    assert match([box, box])[3:] == [0, 1]


@pytest.mark.parametrize(
    ("boxes", "valid"),
    [
        pytest.param([[0, 0, 10, 10]], [False], id="padding"),
        pytest.param([[0, 0, 0, 10]], [True], id="no-width"),
        pytest.param([[10, 10, 0, 0]], [True], id="negative-sides"),
        pytest.param([], None, id="no-boxes"),
    ],
)
def test_what_is_no_box_leaves_all_anchors_to_the_background(boxes, valid):
    assert match(boxes, valid=valid, positive=0.0) == [BACKGROUND] * 5


def test_padding_changes_nothing():
    boxes = [[0, 0, 10, 10], [62, 0, 72, 10]]
    padded = [boxes[0], [0, 0, 0, 0], boxes[1], [20, 0, 30, 10]]
    matched = match(padded, valid=[True, False, True, False])
    assert [{2: 1}.get(box, box) for box in matched] == match(boxes)


def test_an_ignored_box_gets_no_anchor_and_makes_no_background():
    boxes, ignore = [[0, 0, 10, 10], [20, 0, 30, 10]], [False, True]
    matched = match(boxes, ignore=ignore)
    assert matched == [0, 0, NEUTRAL, BACKGROUND, BACKGROUND]


def test_an_ignored_box_leaves_its_anchor_to_a_worse_box():
    boxes, ignore = [[20, 0, 30, 10], [20, 0, 30, 6]], [True, False]
    assert match(boxes, ignore=ignore)[2] == 1


def test_images_of_a_batch_do_not_see_each_other():
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 60, (4, 6, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(2, 20, (4, 6, 2))], -1).astype("float32")
    valid = rng.random((4, 6)) < 0.7
    together = match_anchors(ANCHORS, boxes, valid, positive_iou=0.4, negative_iou=0.2)
    for i in range(4):
        alone = match(boxes[i], valid=valid[i], positive=0.4, negative=0.2)
        assert ops.convert_to_numpy(together)[i].tolist() == alone
