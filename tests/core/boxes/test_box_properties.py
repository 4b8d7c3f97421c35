"""What holds for all boxes: overlap, coding, matching, suppression."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from detforge.boxes import (
    decode_boxes,
    encode_boxes,
    greedy_nms,
    iou_matrix,
    match_anchors,
    multiclass_nms,
)
from detforge.boxes.matching import match_greedily

# Quarters of a pixel: exact in float32, so that ties and touching sides really occur.
CORNERS = st.integers(0, 400).map(lambda quarters: quarters / 4)
SIDES = st.integers(4, 200).map(lambda quarters: quarters / 4)


@st.composite
def boxes_xyxy(draw, count):
    """Return float32 (count, 4), each with an area."""
    corners = draw(hnp.arrays(np.float32, (count, 2), elements=CORNERS))
    sides = draw(hnp.arrays(np.float32, (count, 2), elements=SIDES))
    return np.concatenate([corners, corners + sides], axis=1)


SOME_BOXES = st.integers(0, 12).flatmap(boxes_xyxy)


@st.composite
def scored_boxes(draw):
    boxes = draw(st.integers(0, 15).flatmap(boxes_xyxy))
    # Tenths: equal scores are common.
    tenths = st.integers(0, 10).map(lambda tenth: tenth / 10)
    return boxes, draw(hnp.arrays(np.float32, len(boxes), elements=tenths))


@st.composite
def overlaps(draw):
    """Return overlaps (B, N, A) of few values, so that ties are everywhere."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 9)))
    levels = draw(st.integers(1, 30))
    values = st.integers(0, levels).map(lambda level: level / levels)
    return draw(hnp.arrays(np.float32, shape, elements=values))


def one_pair_at_a_time(overlap):
    """Take the largest overlap of all, then the largest of the rest, and so on."""
    overlap = overlap.copy()
    chosen = np.full(len(overlap), -1)
    while overlap.max(initial=0) > 0:
        # The first of several equal ones: lower box, then lower anchor.
        box, anchor = np.unravel_index(overlap.argmax(), overlap.shape)
        chosen[box] = anchor
        overlap[box] = 0
        overlap[:, anchor] = 0
    return chosen


def keep(boxes, scores, **options):
    kept = greedy_nms(boxes, scores, **({"iou_threshold": 0.5, "max_output": 20} | options))
    kept = ops.convert_to_numpy(kept)
    return kept[kept >= 0].tolist()


@given(SOME_BOXES, SOME_BOXES)
@settings(max_examples=50)
def test_overlap_is_symmetric_and_between_0_and_1(a, b):
    overlap = ops.convert_to_numpy(iou_matrix(a, b))
    assert overlap.shape == (len(a), len(b))
    np.testing.assert_array_equal(overlap, ops.convert_to_numpy(iou_matrix(b, a)).T)
    assert ((overlap >= 0) & (overlap <= 1)).all()


@given(SOME_BOXES)
@settings(max_examples=30)
def test_a_box_covers_itself(boxes):
    np.testing.assert_array_equal(np.diag(ops.convert_to_numpy(iou_matrix(boxes, boxes))), 1.0)


@given(
    st.integers(0, 12).flatmap(lambda n: st.tuples(boxes_xyxy(n), boxes_xyxy(n))),
    st.tuples(*[st.floats(0.05, 2.0)] * 4),
)
@settings(max_examples=50)
def test_decoding_inverts_encoding(pair, variances):
    boxes, anchors = pair
    decoded = decode_boxes(encode_boxes(boxes, anchors, variances), anchors, variances)
    np.testing.assert_allclose(ops.convert_to_numpy(decoded), boxes, rtol=1e-5, atol=2e-3)


@given(overlaps())
@settings(max_examples=200)
def test_matching_in_rounds_equals_one_pair_at_a_time(overlap):
    chosen = ops.convert_to_numpy(match_greedily(overlap))
    np.testing.assert_array_equal(chosen, [one_pair_at_a_time(image) for image in overlap])


@given(st.integers(1, 10).flatmap(boxes_xyxy), st.integers(1, 30).flatmap(boxes_xyxy))
@settings(max_examples=50)
def test_first_choices_are_one_to_one(boxes, anchors):
    # No overlap reaches 2, so that only first choices remain.
    valid = np.ones((1, len(boxes)), bool)
    matched = match_anchors(anchors, boxes[None], valid, positive_iou=2.0, negative_iou=2.0)
    found = [box for box in ops.convert_to_numpy(matched)[0].tolist() if box >= 0]
    assert len(found) == len(set(found))


@given(scored_boxes(), st.sampled_from([0.0, 0.3, 0.5, 0.9]))
@settings(max_examples=60)
def test_kept_boxes_are_a_subset_in_score_order_that_covers_the_rest(scored, threshold):
    boxes, scores = scored
    kept = keep(boxes, scores, iou_threshold=threshold)
    assert len(set(kept)) == len(kept)
    assert [(-scores[i], i) for i in kept] == sorted((-scores[i], i) for i in kept)
    overlap = ops.convert_to_numpy(iou_matrix(boxes, boxes))
    for i in range(len(boxes)):
        better = [j for j in kept if (-scores[j], j) < (-scores[i], i)]
        assert (i in kept) == (not any(overlap[i, j] > np.float32(threshold) for j in better))


@given(scored_boxes())
@settings(max_examples=30)
def test_suppressing_twice_changes_nothing(scored):
    boxes, scores = scored
    kept = keep(boxes, scores)
    assert keep(boxes[kept], scores[kept]) == list(range(len(kept)))


@given(scored_boxes())
@settings(max_examples=30)
def test_one_class_agrees_with_the_single_class_function(scored):
    boxes, scores = scored
    kept = keep(boxes, scores, score_threshold=0.25)
    found = multiclass_nms(
        boxes[None],
        scores[None, :, None],
        score_threshold=0.25,
        iou_threshold=0.5,
        max_per_class=20,
        max_total=10,
    )
    count = int(found.count[0])
    np.testing.assert_array_equal(ops.convert_to_numpy(found.boxes)[0, :count], boxes[kept][:10])
