"""Each random change of a training image by itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import network

from detforge.data.affine import move_boxes, move_points
from detforge.data.transforms.color_shift import (
    apply_map,
    contrast_map,
    draw_color_shift,
    hue_saturation_map,
    shift_map,
)
from detforge.data.transforms.draft import Draft
from detforge.data.transforms.expand import expand
from detforge.data.transforms.flip import flip_horizontally, flip_vertically
from detforge.data.transforms.iou_crop import crop_by_iou, draw_patch, holds_centre
from detforge.data.transforms.scale_jitter import jitter_scale, jittered
from detforge.data.transforms.spatial import draw_movement, move_about
from detforge.recipe import (
    ColorShift,
    Expand,
    HorizontalFlip,
    IouCrop,
    ScaleJitter,
    Spatial,
    VerticalFlip,
)

CROP = IouCrop(min_scale=0.3, max_scale=1.0, min_aspect_ratio=0.5, max_aspect_ratio=2.0)
SIZE = (200, 100)
NO_BOXES = np.zeros((0, 4))
seeds = st.integers(0, 2**32)


def _rng(seed=0):
    return np.random.default_rng(seed)


def _draft(boxes=NO_BOXES, form=None):
    return Draft.begin(SIZE, np.array(boxes), form or network(*SIZE))


@st.composite
def boxes_in_image(draw, most=5):
    rows = []
    for _ in range(draw(st.integers(1, most))):
        x, y = draw(st.floats(0, 190)), draw(st.floats(0, 90))
        rows.append([x, y, draw(st.floats(x + 1, 200)), draw(st.floats(y + 1, 100))])
    return np.array(rows)


# --- draft -----------------------------------------------------------------------------------


def test_window_clips_boxes_and_drops_those_outside():
    boxes = [[0, 0, 20, 20], [15, 10, 40, 30], [100, 60, 190, 90], [30, 70, 40, 90]]
    draft = _draft(boxes, network(80, 60, window=(20, 10, 100, 70)))
    assert draft.size == (80, 60)
    assert draft.kept.tolist() == [1]
    np.testing.assert_array_equal(draft.boxes, [[0, 0, 20, 20]])


# --- expand ----------------------------------------------------------------------------------


@given(seeds, st.floats(1, 3), st.floats(0, 3))
def test_expansion_holds_the_image_and_keeps_its_shape(seed, least, more):
    transform = Expand(min_ratio=least, max_ratio=least + more)
    draft = expand(_draft([[0, 0, 200, 100]]), transform, _rng(seed))
    width, height = draft.size
    if (width, height) == SIZE:
        return
    assert least - 1e-6 <= width / 200 <= least + more + 1e-6
    assert width / height == pytest.approx(2)
    x1, y1, x2, y2 = draft.boxes[0]
    assert (x2 - x1, y2 - y1) == pytest.approx(SIZE)
    assert x1 >= 0
    assert y1 >= 0
    assert x2 <= width
    assert y2 <= height


def test_expansion_happens_half_of_the_time():
    rng, transform = _rng(), Expand(min_ratio=1.5, max_ratio=4)
    changed = sum(expand(_draft(), transform, rng).size != SIZE for _ in range(1000))
    assert 440 < changed < 560


# --- crop by overlap -------------------------------------------------------------------------


@given(seeds, boxes_in_image())
def test_patch_lies_in_the_image_and_holds_the_centre_of_an_object(seed, boxes):
    patch = draw_patch(SIZE, boxes, CROP, _rng(seed))
    if patch is None:
        return
    x1, y1, x2, y2 = patch
    assert min(x1, y1) >= 0
    assert x2 <= 200 + 1e-6
    assert y2 <= 100 + 1e-6
    assert holds_centre(patch, boxes).any()
    assert 0.5 <= (x2 - x1) / (y2 - y1) <= 2.0
    assert 0.3 - 1e-9 <= (x2 - x1) / 200 <= 1
    assert 0.3 - 1e-9 <= (y2 - y1) / 100 <= 1


@given(seeds, boxes_in_image())
def test_crop_keeps_the_objects_whose_centre_it_holds_within_it(seed, boxes):
    draft = crop_by_iou(_draft(boxes), CROP, _rng(seed))
    assert len(draft.kept) >= 1
    assert (draft.boxes >= 0).all()
    assert (draft.boxes <= np.tile(draft.size, 2) + 1e-6).all()
    gone = np.delete(draft.placement.to_network(boxes), draft.kept, axis=0)
    assert not holds_centre(np.array([0, 0, *draft.size]), gone).any()


@given(seeds)
def test_image_without_objects_is_not_cropped(seed):
    assert draw_patch(SIZE, NO_BOXES, CROP, _rng(seed)) is None


def test_patches_reach_every_overlap():
    rng = _rng(1)
    box = np.array([[60.0, 20.0, 140.0, 80.0]])
    overlaps = []
    for _ in range(400):
        patch = draw_patch(SIZE, box, CROP, rng)
        if patch is not None:
            x1, y1, x2, y2 = patch
            shared = (min(x2, 140) - max(x1, 60)) * (min(y2, 80) - max(y1, 20))
            overlaps.append(shared / ((x2 - x1) * (y2 - y1) + 4800 - shared))
    assert 200 < len(overlaps) < 399
    assert min(overlaps) > 0
    counts, _ = np.histogram(overlaps, [0, 0.3, 0.5, 0.7, 1])
    assert (counts > 10).all()


# The only patch is the whole image: it serves the bounds below its overlap with the box.
@pytest.mark.parametrize(("overlap", "bounds"), [(1.0, 6), (0.8, 5), (0.4, 3), (0.05, 1)])
def test_image_stays_whole_as_often_as_any_bound_is_drawn(overlap, bounds):
    rng = _rng()
    whole = IouCrop(min_scale=1, max_scale=1, min_aspect_ratio=2, max_aspect_ratio=2)
    box = np.array([[0.0, 0.0, 200 * overlap, 100.0]])
    draws = [draw_patch(SIZE, box, whole, rng) for _ in range(2000)]
    share = sum(draw is None for draw in draws) / len(draws)
    assert share == pytest.approx(1 / (bounds + 1), abs=0.04)


def test_shape_that_cannot_be_cropped_gives_no_patch():
    tall_only = IouCrop(min_scale=1, max_scale=1, min_aspect_ratio=0.1, max_aspect_ratio=0.2)
    assert draw_patch(SIZE, np.array([[60.0, 20.0, 140.0, 80.0]]), tall_only, _rng()) is None


def test_centre_on_the_far_edge_is_outside():
    boxes = np.array([[-2.0, 0, 2, 4], [8, 0, 12, 4], [4, 0, 6, 4]])
    patch = np.array([0.0, 0, 10, 10])
    assert holds_centre(patch, boxes).tolist() == [True, False, True]
    assert holds_centre(patch, NO_BOXES).shape == (0,)


# --- flips -----------------------------------------------------------------------------------


@given(boxes_in_image())
def test_flip_is_its_own_inverse(boxes):
    for flip, transform in (
        (flip_horizontally, HorizontalFlip(probability=1.0)),
        (flip_vertically, VerticalFlip(probability=1.0)),
    ):
        once = flip(_draft(boxes), transform, _rng())
        twice = flip(once, transform, _rng())
        np.testing.assert_allclose(twice.boxes, boxes, atol=1e-9)
        np.testing.assert_allclose(twice.placement.matrix, np.eye(3), atol=1e-9)


def test_flips_mirror_each_its_own_axis():
    box = [[10, 20, 50, 90]]
    across = flip_horizontally(_draft(box), HorizontalFlip(probability=1.0), _rng())
    down = flip_vertically(_draft(box), VerticalFlip(probability=1.0), _rng())
    np.testing.assert_array_equal(across.boxes, [[150, 20, 190, 90]])
    np.testing.assert_array_equal(down.boxes, [[10, 10, 50, 80]])


def test_flip_happens_as_often_as_asked():
    rng, transform = _rng(), HorizontalFlip(probability=0.3)
    drafts = (flip_horizontally(_draft(), transform, rng) for _ in range(1000))
    assert 250 < sum(draft.placement.matrix[0, 0] < 0 for draft in drafts) < 350


# --- spatial ---------------------------------------------------------------------------------


def test_shift_is_by_whole_pixels_to_either_side():
    rng, transform = _rng(), Spatial(max_shift_x=3.0, max_shift_y=1.0)
    matrices = [draw_movement(SIZE, transform, rng) for _ in range(200)]
    assert {matrix[0, 2] for matrix in matrices} == {-3, -2, -1, 0, 1, 2, 3}
    assert {matrix[1, 2] for matrix in matrices} == {-1, 0, 1}


@pytest.mark.parametrize("shrink", [0.5, 1.0, 1.6])
def test_zoomed_copy_lies_in_the_canvas_or_covers_it(shrink):
    rng, transform = _rng(), Spatial(min_shrink=shrink, max_shrink=shrink)
    lefts = []
    for _ in range(100):
        x1, y1, x2, y2 = move_boxes(draw_movement(SIZE, transform, rng), [[0, 0, 200, 100]])[0]
        assert (x2 - x1, y2 - y1) == pytest.approx((200 / shrink, 100 / shrink))
        outer, inner = ((0, 0, 200, 100), (x1, y1, x2, y2))[:: 1 if shrink >= 1 else -1]
        assert outer[0] - 1e-9 <= inner[0] <= inner[2] <= outer[2] + 1e-9
        assert outer[1] - 1e-9 <= inner[1] <= inner[3] <= outer[3] + 1e-9
        lefts.append(x1)
    if shrink != 1:
        assert max(lefts) - min(lefts) > 0.8 * abs(200 - 200 / shrink)


def test_rotation_is_in_radians_around_the_middle():
    rng, transform = _rng(), Spatial(max_rotation=0.4)
    angles = []
    for _ in range(300):
        matrix = draw_movement(SIZE, transform, rng)
        np.testing.assert_allclose(move_points(matrix, [[100, 50]]), [[100, 50]], atol=1e-9)
        angles.append(math.atan2(matrix[0, 1], matrix[0, 0]))
    assert -0.4 <= min(angles) < -0.35
    assert 0.35 < max(angles) <= 0.4


def test_rotation_happens_as_often_as_asked():
    rng, transform = _rng(), Spatial(max_rotation=0.4, rotation_probability=0.25)
    turned = sum(draw_movement(SIZE, transform, rng)[0, 1] != 0 for _ in range(1000))
    assert 200 < turned < 300


def test_published_order_is_shift_zoom_rotation():
    # One of each, composed by hand: output pixel -> input pixel as row vectors.
    shift = np.array([[1, 0, 0], [0, 1, 0], [7, -4, 1]], float)  # xs = xd + 7, ys = yd - 4
    zoom = np.array([[1.25, 0, 0], [0, 1.25, 0], [-1.25 * 11, -1.25 * 6, 1]])
    sine, cosine = math.sin(0.3), math.cos(0.3)
    turn = np.array(
        [
            [cosine, sine, 0],
            [-sine, cosine, 0],
            [50 * sine - 100 * cosine + 100, -50 * cosine + 50 - 100 * sine, 1],
        ]
    )
    to_input = turn @ zoom @ shift

    class Draws:
        """What the generator would draw."""

        shares = iter((11 / 40, 6 / 20, 0.0))

        def integers(self, low, high, endpoint):
            return {(-9, 9, True): 7, (-5, 5, True): -4}[low, high, endpoint]

        def uniform(self, low, high):
            return {(1.25, 1.25): 1.25, (-0.3, 0.3): 0.3}[low, high]

        def random(self):
            return next(self.shares)

    transform = Spatial(
        min_shrink=1.25, max_shrink=1.25, max_shift_x=9, max_shift_y=5, max_rotation=0.3
    )
    matrix = draw_movement(SIZE, transform, Draws())
    points = np.array([[0.0, 0], [200, 100], [33, 81]])
    there = move_points(matrix, points)
    back = np.concatenate([there, np.ones((3, 1))], axis=1) @ to_input
    np.testing.assert_allclose(back[:, :2], points, atol=1e-9)


@given(seeds)
def test_movement_happens_on_the_network_input(seed):
    transform = Spatial(max_rotation=0.5, max_shift_x=10, min_shrink=0.8, max_shrink=1.2)
    draft = move_about(_draft([[20, 20, 180, 80]], network(64, 48)), transform, _rng(seed))
    assert draft.size == (64, 48)
    assert (draft.boxes >= 0).all()
    assert (draft.boxes <= (64, 48, 64, 48)).all()


# --- scale jitter ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "place", "size", "offset"),
    [
        (1.5, (0.5, 0.5), (768, 576), (128, 32)),
        (0.5, (0.5, 0.5), (256, 192), (0, 0)),
        (0.5, (0.9, 0.9), (256, 192), (0, 0)),
    ],
    ids=["larger", "smaller", "smaller, anywhere"],
)
def test_jitter_has_the_published_values(scale, place, size, offset):
    matrix = jittered((640, 480), (512, 512), scale, place)
    found = move_boxes(matrix, [[0, 0, 640, 480]])[0]
    left, top = -offset[0], -offset[1]
    np.testing.assert_allclose(found, [left, top, left + size[0], top + size[1]])


@given(seeds, st.floats(0.1, 2), st.integers(1, 700), st.integers(1, 700))
def test_jittered_image_starts_in_the_corner_or_covers_its_side(seed, scale, width, height):
    draft = Draft.begin((width, height), NO_BOXES, network(100, 60, resize="fit"))
    draft = jitter_scale(draft, ScaleJitter(min_scale=scale, max_scale=scale), _rng(seed))
    assert draft.size == (100, 60)
    (x1, y1), (x2, y2) = draft.placement.visible.min(axis=0), draft.placement.visible.max(axis=0)
    assert (x1, y1) == pytest.approx((0, 0), abs=1e-9)
    whole = move_boxes(draft.placement.matrix, [[0, 0, width, height]])[0]
    assert x2 == pytest.approx(min(100, whole[2]))
    assert y2 == pytest.approx(min(60, whole[3]))
    if whole[2] - whole[0] >= 100:
        assert x2 == 100


# --- colours ---------------------------------------------------------------------------------

COLORS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]]], np.uint8)


def test_maps_that_change_nothing():
    for colors in (contrast_map(0, 0.5), hue_saturation_map(0, 1), shift_map(0)):
        np.testing.assert_array_equal(apply_map(COLORS, colors), COLORS)


def test_contrast_leaves_its_centre_and_spreads_the_rest():
    grey = np.array([[[51] * 3, [102] * 3, [153] * 3]], np.uint8)
    changed = apply_map(grey, contrast_map(0.5, 0.4))
    assert changed[0, :, 0].tolist() == [26, 102, 178]  # 102 + 1.5 * (v - 102), even at a half


def test_saturation_of_zero_is_grey_by_bt_601():
    changed = apply_map(COLORS, hue_saturation_map(0, 0))
    assert changed[0, :, 0].tolist() == [76, 150, 29, 128]
    assert (changed[..., :1] == changed).all()


def test_hue_of_grey_does_not_turn():
    for degrees in (-90, 30, 180):
        assert np.abs(apply_map(COLORS, hue_saturation_map(degrees, 1))[0, 3] - 128.0).max() <= 1


def test_hue_turned_by_120_degrees_leads_from_colour_to_colour():
    turned = apply_map(COLORS[:, :3], hue_saturation_map(120, 1))
    # The map keeps luma, so that colours are not pure any more; the strongest channel moves on.
    assert turned[0].argmax(axis=1).tolist() in ([1, 2, 0], [2, 0, 1])


def test_shift_moves_all_channels_alike_and_is_clipped():
    changed = apply_map(COLORS, shift_map(0.2))
    assert changed[0, 3].tolist() == [179] * 3
    assert changed[0, 0].tolist() == [255, 51, 51]


@given(seeds)
def test_colour_shift_stays_within_two_deviations(seed):
    (change,) = draw_color_shift(ColorShift(shift_stddev=0.05), _rng(seed))
    moved = change(COLORS)[0, 3].astype(int) - 128
    assert abs(moved).max() <= round(0.1 * 255) + 1
    assert moved.min() == moved.max()


@given(seeds)
def test_colour_shift_without_strength_changes_nothing(seed):
    (change,) = draw_color_shift(ColorShift(), _rng(seed))
    np.testing.assert_array_equal(change(COLORS), COLORS)


def test_contrast_comes_first_and_brightness_last():
    transform = ColorShift(
        shift_stddev=0.05, max_saturation_shift=0.9, max_contrast_scale=0.5, max_hue_rotation=40
    )
    (change,) = draw_color_shift(transform, _rng(5))
    rng = _rng(5)

    def normal():
        while abs(value := rng.standard_normal()) > 2:
            pass
        return value

    shift, hue = 0.05 * normal(), 20 * normal()
    saturation = 1 + rng.uniform(-0.9, 0.9)
    contrast = 0.25 * normal()
    pixels = np.full((1, 1, 3), (140, 100, 120), np.uint8)
    value = pixels[0, 0] / 255
    value = value + contrast * (value - 0.5)
    value = value @ hue_saturation_map(hue, saturation)[:3, :3]
    value = value + shift
    np.testing.assert_allclose(change(pixels)[0, 0], value * 255, atol=0.51)
