from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from detforge.boxes.grid import grid_anchors
from detforge_faster_rcnn.rpn_targets import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    assign_anchors,
    sample_anchors,
)

SIZE = 128
ANCHORS = ops.convert_to_numpy(grid_anchors(8, 8, stride=16, sizes_wh=[(32, 32), (64, 32)]))


def assign(boxes, labels=None, ignore=None, *, positive=0.7, negative=0.3, anchors=ANCHORS):
    boxes = np.asarray(boxes, np.float32).reshape(1, -1, 4)
    shape = boxes.shape[:2]
    found = assign_anchors(
        anchors,
        boxes,
        np.zeros(shape, np.int32) if labels is None else np.array([labels]),
        np.zeros(shape, bool) if ignore is None else np.array([ignore]),
        height=SIZE,
        width=SIZE,
        variances=(1,) * 4,
        positive_iou=positive,
        negative_iou=negative,
    )
    return ops.convert_to_numpy(found.labels)[0], ops.convert_to_numpy(found.deltas)[0]


@st.composite
def truths(draw):
    """Return boxes (N, 4) inside the image, some padded, and labels."""
    count = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    low = rng.uniform(0, 100, (count, 2))
    boxes = np.concatenate([low, np.minimum(low + rng.uniform(1, 80, low.shape), SIZE)], axis=1)
    labels = rng.integers(-1, 3, count).astype(np.int32)
    return np.where(labels[:, None] >= 0, boxes, 0).astype(np.float32), labels


@settings(deadline=None, max_examples=30)
@given(truths())
def test_each_object_that_an_anchor_inside_the_image_overlaps_has_a_positive_one(truth):
    boxes, labels = truth
    found, deltas = assign(boxes, labels)
    inside = ((ANCHORS >= 0) & (ANCHORS <= SIZE)).all(axis=1)
    assert (found[~inside] == NEUTRAL).all()
    assert set(found.tolist()) <= {POSITIVE, NEGATIVE, NEUTRAL}
    assert np.isfinite(deltas).all()
    assert ((found == POSITIVE).sum() > 0) == (labels >= 0).any()


@settings(deadline=None, max_examples=30)
@given(truths())
def test_a_padded_object_is_as_good_as_none(truth):
    boxes, labels = truth
    found, deltas = assign(boxes, labels)
    without = labels >= 0
    if without.any():
        alone, alone_deltas = assign(boxes[without], labels[without])
        np.testing.assert_array_equal(found, alone)
        np.testing.assert_allclose(deltas, alone_deltas, atol=1e-6)
    else:
        assert not (found == POSITIVE).any()


@settings(deadline=None, max_examples=30)
@given(truths(), st.randoms(use_true_random=False))
def test_the_order_of_objects_does_not_matter_for_anchors_above_the_threshold(truth, random):
    boxes, labels = truth
    order = list(range(len(boxes)))
    random.shuffle(order)
    found, _ = assign(boxes, labels, positive=0.5)
    turned, _ = assign(boxes[order], labels[order], positive=0.5)
    np.testing.assert_array_equal(found == NEGATIVE, turned == NEGATIVE)
    np.testing.assert_array_equal(found == POSITIVE, turned == POSITIVE)


def test_an_image_without_objects_is_background_wherever_anchors_are_inside():
    found, deltas = assign([[0, 0, 0, 0]], [-1])
    inside = ((ANCHORS >= 0) & (ANCHORS <= SIZE)).all(axis=1)
    np.testing.assert_array_equal(found, np.where(inside, NEGATIVE, NEUTRAL))
    assert not deltas.any()


def test_what_is_near_an_ignored_object_is_neither_positive_nor_negative():
    box = [40, 40, 72, 72]
    assert (assign([box])[0] == POSITIVE).sum() == 1
    found, _ = assign([box], ignore=[True])
    assert not (found == POSITIVE).any()
    near = (assign([box])[0] != NEGATIVE) & (found != NEGATIVE)
    assert near[((ANCHORS == [40, 40, 72, 72]).all(axis=1))].all()


def test_the_last_of_several_objects_takes_the_anchor_they_all_want():
    anchors = np.array([[0, 0, 100, 100]], np.float32)
    found, deltas = assign([[10, 10, 20, 20], [40, 40, 80, 60]], anchors=anchors)
    assert found.tolist() == [POSITIVE]
    np.testing.assert_allclose(deltas, [[0.1, 0.0, np.log(0.4), np.log(0.2)]], atol=1e-6)


def test_deltas_are_multiplied_as_the_spec_scales_them():
    anchors = np.array([[0, 0, 100, 100]], np.float32)
    options = {"height": 100, "width": 100, "positive_iou": 0.7, "negative_iou": 0.3}
    boxes = np.array([[[0, 0, 50, 100]]], np.float32)
    truth = (anchors, boxes, np.array([[0]]), np.array([[False]]))
    found = assign_anchors(*truth, **options, variances=(0.25,) * 4)
    wanted = [[[-1.0, 0.0, 4 * np.log(0.5), 0.0]]]
    np.testing.assert_allclose(ops.convert_to_numpy(found.deltas), wanted, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 60), st.integers(0, 300), st.integers(1, 256), st.integers(0, 2**31 - 1))
def test_half_of_a_sample_is_positive_at_most_and_negatives_fill_it(
    positives, negatives, mini_batch, seed
):
    labels = np.full((1, 400), NEUTRAL, np.int32)
    labels[0, :positives], labels[0, 100 : 100 + negatives] = POSITIVE, NEGATIVE
    sample = sample_anchors(labels, np.array([seed], np.int32), mini_batch=mini_batch)
    sample = ops.convert_to_numpy(sample)
    kept = min(positives, mini_batch // 2)
    assert (sample == POSITIVE).sum() == kept
    assert (sample == NEGATIVE).sum() == min(negatives, mini_batch - kept)
    assert (sample[sample != NEUTRAL] == labels[sample != NEUTRAL]).all()


@pytest.mark.parametrize("side", [8, 16])
def test_an_image_that_no_anchor_fits_into_has_nothing_to_learn(side):
    found = assign_anchors(
        ANCHORS,
        np.array([[[0, 0, side, side]]], np.float32),
        np.array([[0]]),
        np.array([[False]]),
        height=side,
        width=side,
        variances=(1,) * 4,
        positive_iou=0.7,
        negative_iou=0.3,
    )
    assert (ops.convert_to_numpy(found.labels) == NEUTRAL).all()
    assert not ops.convert_to_numpy(found.deltas).any()
