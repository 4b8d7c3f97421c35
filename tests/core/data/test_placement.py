"""Where pixels go: maps, placements, and how an image comes into the network input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import network

from detforge.data.affine import (
    clip_polygon,
    move_boxes,
    move_points,
    rectangle,
    rotation,
    scaling,
    shifting,
)
from detforge.data.framing import fitted_size, network_size, still_placement
from detforge.data.placement import Placement

sides = st.integers(1, 5000)


@st.composite
def boxes_in(draw, width=200, height=100):
    rows = []
    for _ in range(draw(st.integers(0, 4))):
        x, y = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
        rows.append([x, y, draw(st.floats(x, width)), draw(st.floats(y, height))])
    return np.array(rows).reshape(-1, 4)


@st.composite
def upright_placements(draw):
    """An image of 200 x 100 that was cut, resized and mirrored onto 30 x 60."""
    placement = Placement.whole(200, 100)
    x, y = draw(st.floats(-300, 190)), draw(st.floats(-300, 90))
    width = draw(st.floats(max(x, 0) + 5, 500)) - x
    height = draw(st.floats(max(y, 0) + 5, 500)) - y
    placement = placement.then(shifting(-x, -y), (width, height))
    placement = placement.then(scaling(30 / width, 60 / height), (30, 60))
    if draw(st.booleans()):
        placement = placement.then(shifting(30, 0) @ scaling(-1, 1), (30, 60))
    if draw(st.booleans()):
        placement = placement.then(shifting(0, 60) @ scaling(1, -1), (30, 60))
    return placement


def test_rotation_by_a_quarter_turns_right_to_up():
    turned = move_points(rotation(math.pi / 2, (10, 10)), np.array([[14.0, 10], [10, 10]]))
    np.testing.assert_allclose(turned, [[10, 6], [10, 10]], atol=1e-12)


def test_box_becomes_the_hull_of_its_four_corners():
    box = np.array([[0.0, 0, 2, 2]])
    turned = move_boxes(rotation(math.pi / 4, (1, 1)), box)
    reach = math.sqrt(2)
    np.testing.assert_allclose(turned, [[1 - reach, 1 - reach, 1 + reach, 1 + reach]])


def test_no_boxes_stay_no_boxes():
    assert move_boxes(rotation(0.3, (5, 5)), np.zeros((0, 4), np.float32)).shape == (0, 4)


@pytest.mark.parametrize(
    ("corners", "left"),
    [
        (rectangle(2, 3, 5, 9), [2, 3, 5, 9]),
        (rectangle(-5, -5, 30, 30), [0, 0, 20, 10]),
        (rectangle(15, -2, 30, 4), [15, 0, 20, 4]),
        (rectangle(-5, 2, 0, 4), None),
        (rectangle(21, 2, 30, 4), None),
        (np.array([[10.0, -5], [35, 20], [10, 45], [-15, 20]]), [0, 0, 20, 10]),
        (np.zeros((0, 2)), None),
    ],
    ids=["inside", "around", "across", "beside an edge", "beyond", "turned", "nothing"],
)
def test_polygon_is_clipped_to_a_rectangle(corners, left):
    clipped = clip_polygon(corners, 20, 10)
    if left is None:
        assert clipped.shape == (0, 2)
    else:
        hull = np.concatenate([clipped.min(axis=0), clipped.max(axis=0)])
        np.testing.assert_allclose(hull, left, atol=1e-12)


def test_corner_of_a_turned_image_is_cut_along_both_edges():
    clipped = clip_polygon(np.array([[-2.0, 4], [4, -2], [10, 4], [4, 10]]), 20, 20)
    expected = {(0, 2), (2, 0), (6, 0), (10, 4), (4, 10), (0, 6)}
    assert {tuple(point) for point in np.round(clipped, 9).tolist()} == expected


@given(upright_placements(), boxes_in())
def test_boxes_go_to_the_network_and_back(placement, boxes):
    for one in (placement, placement.on_whole_pixels()):
        np.testing.assert_allclose(one.to_source(one.to_network(boxes)), boxes, atol=1e-6)


@given(upright_placements())
def test_placement_on_whole_pixels_lies_within_image_and_network(placement):
    whole = placement.on_whole_pixels()
    for (x1, y1, x2, y2), (width, height) in (
        (whole.source, (200, 100)),
        (whole.target, (30, 60)),
    ):
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
    found = whole.to_network(np.array([whole.source]))[0]
    np.testing.assert_allclose(found, whole.target, atol=1e-9)


@given(upright_placements())
def test_placement_on_whole_pixels_is_less_than_a_pixel_away(placement):
    whole = placement.on_whole_pixels()
    corners = np.concatenate([placement.visible.min(axis=0), placement.visible.max(axis=0)])
    if (corners[2:] - corners[:2] >= 1).all():
        assert np.abs(np.array(whole.target) - corners).max() <= 0.5 + 1e-9
    seen = placement.to_source(corners)[0]
    if (seen[2:] - seen[:2] >= 1).all():
        assert np.abs(np.array(whole.source) - seen).max() <= 0.5 + 1e-6


def test_what_was_cut_off_does_not_come_back_on_a_larger_canvas():
    cut = Placement.whole(200, 100).then(shifting(-50, 0), (80, 100))
    again = cut.then(shifting(60, 0), (400, 100))
    assert again.source == (50, 0, 130, 100)
    assert again.target == (60, 0, 140, 100)


def test_image_that_was_moved_away_leaves_nothing():
    gone = Placement.whole(20, 10).then(shifting(30, 0), (20, 10))
    assert gone.is_empty
    assert gone.on_whole_pixels() is gone


# Mask R-CNN's and EfficientDet's published examples of a resize, height x width.
@pytest.mark.parametrize(
    ("image", "limit", "fitted", "inverse_scale"),
    [
        ((480, 640), (832, 1344), (832, 1109), 0.5769231),
        ((427, 640), (832, 1344), (832, 1247), 0.5132211),
        ((1080, 1920), (832, 1344), (756, 1344), 1.4285715),
        ((640, 425), (832, 1344), (832, 552), 0.7692308),
        ((480, 640), (512, 512), (384, 512), 1.25),
    ],
)
def test_fitted_image_has_the_published_size(image, limit, fitted, inverse_scale):
    (height, width), form = image, network(limit[1], limit[0], resize="fit")
    placement = still_placement(form, width, height)
    assert placement.source == (0, 0, width, height)
    assert placement.target == (0, 0, fitted[1], fitted[0])
    assert placement.extent == (fitted[1], fitted[0])
    # One side is the limit; the other was cut down to whole pixels.
    scales = np.diag(placement.matrix)[:2]
    assert 1 / scales.max() == pytest.approx(inverse_scale, rel=1e-6)


@given(sides, sides, sides, sides)
def test_fitted_size_is_within_the_limit_and_touches_it(width, height, across, down):
    found = fitted_size((width, height), (across, down))
    assert 1 <= found[0] <= across
    assert 1 <= found[1] <= down
    assert found[0] == across or found[1] == down


# Faster R-CNN's rule: shorter side 600, longer at most 1000.
@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (800, 600, (800, 600)),
        (1242, 375, (1000, 301)),
        (375, 1242, (301, 1000)),
        (640, 480, (800, 600)),
        (500, 333, (900, 600)),
        (1, 1, (600, 600)),
        (1, 5000, (1, 1000)),
    ],
)
def test_shorter_side_and_limit_of_the_longer_give_the_size(width, height, expected):
    form = network(0, 0, shorter_side=600, longer_side=1000)
    assert network_size(form, width, height) == expected


def test_longer_side_without_limit_follows():
    assert network_size(network(0, 0, shorter_side=600), 6001, 600) == (6001, 600)


def test_padding_changes_no_pixel_and_cuts_on_the_right_and_below():
    placement = still_placement(network(64, 48, resize="pad"), 100, 30)
    assert placement.source == placement.target == (0, 0, 64, 30)


def test_window_is_cut_out_before_the_resize():
    form = network(30, 20, resize="fit", window=(10, 20, 70, 100))
    placement = still_placement(form, 200, 300)
    assert placement.source == (10, 20, 70, 100)
    assert placement.target == (0, 0, 15, 20)


@given(
    st.sampled_from(["stretch", "fit", "pad"]),
    st.sampled_from([None, (10, 5, 74, 53), (-8, 0, 180, 300)]),
    st.sampled_from([0, 60]),
    st.integers(1, 400),
    st.integers(1, 400),
    boxes_in(),
)
def test_detections_go_back_to_where_objects_came_from(resize, window, shorter, w, h, boxes):
    form = network(64, 48, resize=resize, window=window, shorter_side=shorter, longer_side=shorter)
    placement = still_placement(form, w, h)
    np.testing.assert_allclose(placement.to_source(placement.to_network(boxes)), boxes, atol=1e-6)
