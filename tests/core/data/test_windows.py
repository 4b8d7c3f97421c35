from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.data.windows import (
    Window,
    draw_expansion,
    draw_iou_crop,
    holds_centre,
    place,
)
from detforge.recipe import Expand, IouCrop

CROP = IouCrop(min_scale=0.3, max_scale=1.0, min_aspect_ratio=0.5, max_aspect_ratio=2.0)
IMAGE = Window(0.0, 0.0, 200.0, 100.0)
seeds = st.integers(0, 2**32)


@st.composite
def boxes_in_image(draw, most=5):
    rows = []
    for _ in range(draw(st.integers(1, most))):
        x, y = draw(st.floats(0, 190)), draw(st.floats(0, 90))
        rows.append([x, y, draw(st.floats(x + 1, 200)), draw(st.floats(y + 1, 100))])
    return np.array(rows)


@given(seeds, st.floats(1, 3), st.floats(0, 3))
def test_expansion_holds_the_window_and_keeps_its_shape(seed, least, more):
    transform = Expand(min_ratio=least, max_ratio=least + more)
    window = draw_expansion(IMAGE, transform, np.random.default_rng(seed))
    if window == IMAGE:
        return
    assert window.x1 <= 1e-6
    assert window.y1 <= 1e-6
    assert window.x2 >= 200 - 1e-6
    assert window.y2 >= 100 - 1e-6
    assert least - 1e-6 <= window.width / 200 <= least + more + 1e-6
    assert window.width / window.height == pytest.approx(2)


def test_expansion_happens_half_of_the_time():
    rng = np.random.default_rng(0)
    transform = Expand(min_ratio=1.5, max_ratio=4)
    changed = sum(draw_expansion(IMAGE, transform, rng) != IMAGE for _ in range(1000))
    assert 440 < changed < 560


@given(seeds, boxes_in_image())
def test_crop_lies_in_the_window_and_holds_the_centre_of_an_object(seed, boxes):
    crop = draw_iou_crop(IMAGE, boxes, CROP, np.random.default_rng(seed))
    assert crop.x1 >= 0
    assert crop.y1 >= 0
    assert crop.x2 <= 200 + 1e-6
    assert crop.y2 <= 100 + 1e-6
    assert holds_centre(crop, boxes).any()
    if crop != IMAGE:
        assert 0.5 <= crop.width / crop.height <= 2.0
        assert 0.3 - 1e-9 <= crop.width / 200 <= 1
        assert 0.3 - 1e-9 <= crop.height / 100 <= 1


@given(seeds)
def test_crop_of_an_image_without_objects_is_the_image(seed):
    crop = draw_iou_crop(IMAGE, np.zeros((0, 4)), CROP, np.random.default_rng(seed))
    assert crop == IMAGE


def test_crops_reach_every_overlap():
    rng = np.random.default_rng(1)
    box = np.array([[60.0, 20.0, 140.0, 80.0]])
    overlaps = []
    for _ in range(400):
        crop = draw_iou_crop(IMAGE, box, CROP, rng)
        if crop != IMAGE:
            width = min(crop.x2, 140) - max(crop.x1, 60)
            height = min(crop.y2, 80) - max(crop.y1, 20)
            shared = width * height
            overlaps.append(shared / (crop.width * crop.height + 4800 - shared))
    assert 200 < len(overlaps) < 399
    assert min(overlaps) > 0
    counts, _ = np.histogram(overlaps, [0, 0.3, 0.5, 0.7, 1])
    assert (counts > 10).all()


def test_shape_that_cannot_be_cropped_gives_the_window():
    tall_only = IouCrop(min_scale=1, max_scale=1, min_aspect_ratio=0.1, max_aspect_ratio=0.2)
    box = np.array([[60.0, 20.0, 140.0, 80.0]])
    assert draw_iou_crop(IMAGE, box, tall_only, np.random.default_rng(0)) == IMAGE


def test_centre_on_the_far_edge_is_outside():
    boxes = np.array([[-2.0, 0, 2, 4], [8, 0, 12, 4], [4, 0, 6, 4]])
    assert holds_centre(Window(0, 0, 10, 10), boxes).tolist() == [True, False, True]
    assert holds_centre(Window(0, 0, 10, 10), np.zeros((0, 4))).shape == (0,)


def test_whole_image_is_placed_on_the_whole_network_input():
    placement = place(IMAGE, (200, 100), (50, 50))
    assert placement.source == (0, 0, 200, 100)
    assert placement.target == (0, 0, 50, 50)
    moved = placement.to_network(np.array([[20.0, 10, 100, 60]]))
    np.testing.assert_allclose(moved, [[5, 5, 25, 30]])


def test_window_beyond_the_image_leaves_room_around_it():
    placement = place(Window(-200, -100, 200, 100), (200, 100), (80, 40))
    assert placement.source == (0, 0, 200, 100)
    assert placement.target == (40, 20, 80, 40)


@st.composite
def windows(draw):
    x, y = draw(st.floats(-300, 190)), draw(st.floats(-300, 90))
    x2 = draw(st.floats(max(x, 0) + 5, 500))
    y2 = draw(st.floats(max(y, 0) + 5, 500))
    return Window(x, y, x2, y2)


@given(windows(), st.booleans())
def test_placement_stays_within_image_and_network(window, flipped):
    placement = place(window, (200, 100), (30, 60), flipped=flipped)
    for (x1, y1, x2, y2), (width, height) in (
        (placement.source, (200, 100)),
        (placement.target, (30, 60)),
    ):
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


@given(windows(), st.booleans(), boxes_in_image())
def test_boxes_go_to_the_network_and_back(window, flipped, boxes):
    placement = place(window, (200, 100), (30, 60), flipped=flipped)
    back = placement.to_source(placement.to_network(boxes))
    np.testing.assert_allclose(back, boxes, atol=1e-6)


@given(windows(), boxes_in_image())
def test_mirroring_twice_is_identity(window, boxes):
    plain = place(window, (200, 100), (30, 60))
    mirrored = place(window, (200, 100), (30, 60), flipped=True).to_network(boxes)
    x1, y1, x2, y2 = mirrored.T
    twice = np.stack([30 - x2, y1, 30 - x1, y2], axis=1)
    np.testing.assert_allclose(twice, plain.to_network(boxes), atol=1e-9)
