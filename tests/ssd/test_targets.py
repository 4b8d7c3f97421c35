from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge_ssd.anchor_config import AnchorConfig
from detforge_ssd.anchors import generate_anchors
from detforge_ssd.targets import assign_targets

VARIANCES = (0.1, 0.1, 0.2, 0.2)
ANCHORS = np.array([[0, 0, 10, 10], [0, 0, 10, 14], [40, 0, 50, 10], [80, 80, 90, 90]], np.float32)
OBJECT = [0, 0, 10, 10]


def assign(boxes, labels, ignore=None, *, anchors=ANCHORS, positive=0.5, negative=0.5):
    boxes = np.asarray(boxes, np.float32).reshape(1, -1, 4)
    ignore = np.zeros(len(labels), bool) if ignore is None else ignore
    classes, deltas = assign_targets(
        anchors,
        boxes,
        np.array([labels], np.int32),
        np.array([ignore], bool),
        variances=VARIANCES,
        positive_iou=positive,
        negative_iou=negative,
    )
    classes, deltas = ops.convert_to_numpy(classes), ops.convert_to_numpy(deltas)
    assert (classes.dtype, deltas.dtype) == (np.int32, np.float32)
    assert classes.shape == (1, len(anchors))
    assert deltas.shape == (1, len(anchors), 4)
    return classes[0].tolist(), deltas[0]


def test_documented_sample_box_gets_the_documented_targets():
    ratios, more = (1.0, 2.0, 0.5), (1.0, 2.0, 0.5, 3.0, 1 / 3)
    config = AnchorConfig(
        aspect_ratios=(ratios, more, more, more, ratios, ratios),
        scales=(0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05),
        two_boxes_for_ar1=True,
    )
    maps = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (2, 2)]
    anchors = generate_anchors(config, maps, 300, 300)
    classes, deltas = assign([[100, 80, 180, 200]], [0], anchors=anchors)
    assert sum(one == 1 for one in classes) == 9
    np.testing.assert_allclose(anchors[8209], (99.9982, 64.9964, 170.0018, 205.0036), atol=1e-3)
    np.testing.assert_allclose(deltas[8209], (0.714249, 0.357125, 0.667402, -0.771008), atol=1e-4)


def test_the_background_is_class_0_and_labels_start_at_1():
    classes, _ = assign([OBJECT, [40, 0, 50, 10]], [0, 6])
    assert classes == [1, 1, 7, 0]


def test_an_anchor_in_place_has_nothing_to_move():
    _, deltas = assign([OBJECT], [3])
    np.testing.assert_array_equal(deltas[0], 0.0)
    assert deltas[1, 3] < 0


def test_anchors_without_object_have_zero_deltas():
    classes, deltas = assign([[2, 0, 12, 9]], [0], positive=0.9, negative=0.4)
    assert classes == [1, -1, 0, 0]
    np.testing.assert_array_equal(deltas[1:], 0.0)


@pytest.mark.parametrize(
    ("boxes", "labels"),
    [
        pytest.param([OBJECT], [-1], id="padding"),
        pytest.param([[0, 0, 0, 10]], [0], id="no-width"),
        pytest.param([[10, 10, 0, 0]], [0], id="negative-sides"),
        pytest.param([], [], id="no-boxes"),
        pytest.param([[200, 200, 220, 220]], [0], id="near-no-anchor"),
    ],
)
def test_an_image_without_objects_is_background(boxes, labels):
    classes, deltas = assign(boxes, labels)
    assert classes == [0] * 4
    np.testing.assert_array_equal(deltas, 0.0)


def test_an_ignored_object_is_neither_learned_nor_background():
    classes, deltas = assign([OBJECT, [40, 0, 50, 10]], [0, 1], [True, False])
    assert classes == [-1, -1, 2, 0]
    np.testing.assert_array_equal(deltas, 0.0)


def test_padding_that_is_marked_ignored_stays_padding():
    assert assign([OBJECT], [-1], [True])[0] == [0] * 4


def test_padded_boxes_do_not_spoil_the_targets():
    classes, deltas = assign([OBJECT, [0, 0, 0, 0]], [2, -1])
    alone, alone_deltas = assign([OBJECT], [2])
    assert classes == alone
    np.testing.assert_array_equal(deltas, alone_deltas)


def test_an_anchor_that_clipping_left_without_area_has_finite_targets():
    # The second column of the last map lies at 450 px.
    config = AnchorConfig(
        aspect_ratios=((1.0,),), scales=(0.5, 0.5), steps=((300.0, 300.0),), clip_boxes=True
    )
    anchors = generate_anchors(config, [(2, 2)], 300, 300)
    assert ((anchors[:, 2:] - anchors[:, :2]) == 0).any()
    classes, deltas = assign([[60, 60, 240, 240], [0, 0, 0, 0]], [0, -1], anchors=anchors)
    assert classes == [1, 0, 0, 0]
    assert np.isfinite(deltas).all()
