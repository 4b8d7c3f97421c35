from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.data.data_builders import SSD_CHAIN, network

from detforge.data.augment import Augmenter
from detforge.data.images import to_network_input
from detforge.data.masks import crop_mask
from detforge.data.rendering import render_mask
from detforge.recipe import Expand, HorizontalFlip, IouCrop, Photometric

seeds = st.integers(0, 2**32)
GEOMETRY = SSD_CHAIN[1:]
NO_BOXES = np.zeros((0, 4), np.float32)


def _noise(width=64, height=48):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _rng(seed=0):
    return np.random.default_rng(seed)


@st.composite
def rectangles(draw, width=160, height=120):
    x, y = draw(st.integers(0, width - 30)), draw(st.integers(0, height - 30))
    return x, y, draw(st.integers(x + 25, width)), draw(st.integers(y + 25, height))


def test_without_transforms_it_is_the_view_of_evaluation():
    image = _noise(100, 80)
    boxes = np.array([[10, 20, 50, 60]], np.float32)
    view = Augmenter((), network())(image, boxes, _rng())
    np.testing.assert_array_equal(view.image.astype(np.float32), to_network_input(image, network()))
    np.testing.assert_allclose(view.boxes, [[6.4, 12, 32, 36]], rtol=1e-6)
    assert view.kept.tolist() == [0]


@given(seeds, st.integers(0, 3))
def test_flipping_twice_is_identity(seed, pairs):
    image = _noise()
    boxes = np.array([[1, 2, 30, 40], [20, 5, 64, 48]], np.float32)
    flips = (HorizontalFlip(probability=1.0),) * (2 * pairs)
    view = Augmenter(flips, network())(image, boxes, _rng(seed))
    np.testing.assert_array_equal(view.image, image)
    np.testing.assert_array_equal(view.boxes, boxes)


def test_flip_mirrors_pixels_and_boxes():
    image = _noise()
    boxes = np.array([[1, 2, 30, 40]], np.float32)
    view = Augmenter((HorizontalFlip(probability=1.0),), network())(image, boxes, _rng())
    np.testing.assert_array_equal(view.image, image[:, ::-1])
    np.testing.assert_array_equal(view.boxes, [[34, 2, 63, 40]])


@given(seeds)
def test_boxes_stay_inside_the_network_input(seed):
    rng = _rng(seed)
    starts = rng.uniform(0, [60, 44], (6, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(1, 30, (6, 2))], axis=1)
    boxes = np.clip(boxes, 0, [64, 48, 64, 48]).astype(np.float32)
    view = Augmenter(SSD_CHAIN, network(40, 40))(_noise(), boxes, rng)
    assert view.image.shape == (40, 40, 3)
    assert view.image.dtype == np.uint8
    assert len(view.boxes) == len(view.kept) <= 6
    assert (view.boxes >= 0).all()
    assert (view.boxes <= 40).all()
    assert (view.boxes[:, 2:] - view.boxes[:, :2] >= 1).all()


@given(seeds)
def test_image_without_boxes_keeps_none(seed):
    view = Augmenter(SSD_CHAIN, network())(_noise(), NO_BOXES, _rng(seed))
    assert view.boxes.shape == (0, 4)
    assert view.boxes.dtype == np.float32


@settings(max_examples=200)
@given(seeds, rectangles())
def test_box_follows_the_pixels_of_its_object(seed, rectangle):
    x1, y1, x2, y2 = rectangle
    image = np.zeros((120, 160, 3), np.uint8)
    image[y1:y2, x1:x2] = 255
    box = np.array([rectangle], np.float32)
    format = network(128, 128, mean=(1.0, 1.0, 1.0))
    view = Augmenter(GEOMETRY, format)(image, box, _rng(seed))
    if not len(view.boxes):
        return
    rows, columns = np.nonzero(view.image[..., 0] > 127)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found, view.boxes[0], atol=2)


@settings(max_examples=100)
@given(seeds)
def test_mask_follows_the_pixels_of_its_object(seed):
    image = np.zeros((120, 160, 3), np.uint8)
    cv2.ellipse(image, (80, 60), (60, 40), 20, 0, 360, (255, 255, 255), -1)
    mask = (image[..., 0] > 0).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    view = Augmenter(GEOMETRY, network(128, 128, mean=(1.0, 1.0, 1.0)))(image, box, _rng(seed))
    if not len(view.boxes):
        return
    crop = render_mask(mask, view.placement, view.boxes[0], 56)
    seen = (view.image[..., 0] > 127).astype(np.uint8)
    expected = crop_mask(seen, view.boxes[0], 56)
    # The two are sampled from grids of different coarseness: they differ along the outline.
    side = (view.boxes[0, 2:] - view.boxes[0, :2]).min()
    assert np.mean(crop != expected) < 6 / side


def test_lazy_zoom_out_is_a_canvas_with_the_image_on_it():
    y, x = np.mgrid[0:96, 0:128]
    image = np.stack([x, y * 2, x // 2 + y], axis=-1).astype(np.uint8)
    box = np.array([[10, 10, 100, 90]], np.float32)
    transforms = (Expand(min_ratio=2.0, max_ratio=2.0),)
    augment = Augmenter(transforms, network(128, 96, mean=(9.0, 20.0, 30.0)))
    view = next(
        view
        for view in (augment(image, box, _rng(seed)) for seed in range(20))
        if view.placement.target != (0, 0, 128, 96)
    )
    left, top, right, bottom = view.placement.target
    assert (right - left, bottom - top) == (64, 48)
    canvas = np.full((192, 256, 3), (9, 20, 30), np.uint8)
    canvas[2 * top : 2 * top + 96, 2 * left : 2 * left + 128] = image
    naive = cv2.resize(canvas, (128, 96), interpolation=cv2.INTER_AREA)
    difference = np.abs(naive.astype(int) - view.image)
    assert difference.max() <= 4  # The interpolation is drawn; on a ramp they nearly agree.
    np.testing.assert_allclose(view.boxes[0], box[0] / 2 + [left, top, left, top], atol=1e-5)


def test_area_around_a_zoomed_out_image_is_zero_in_the_network():
    format = network(64, 48, color_order="bgr", mean=(104.0, 117.0, 124.0))
    augment = Augmenter((Expand(min_ratio=4.0, max_ratio=4.0),), format)
    views = [augment(_noise(), NO_BOXES, _rng(seed)) for seed in range(8)]
    zoomed = [view for view in views if view.placement.target != (0, 0, 64, 48)]
    assert zoomed
    for view in zoomed:
        pixels = to_network_input(view.image, format)
        left, top, right, bottom = view.placement.target
        pixels[top:bottom, left:right] = 0
        assert (pixels == 0).all()


def test_object_whose_centre_is_cut_away_goes():
    boxes = np.array([[0, 0, 8, 8], [40, 30, 60, 46]], np.float32)
    crop = IouCrop(min_scale=0.5, max_scale=0.5, min_aspect_ratio=0.5, max_aspect_ratio=2.0)
    augment = Augmenter((crop,), network())
    kept = {tuple(augment(_noise(), boxes, _rng(seed)).kept.tolist()) for seed in range(40)}
    assert {(0,), (1,)} <= kept
    assert kept <= {(0,), (1,), (0, 1)}


def test_object_smaller_than_a_pixel_goes():
    boxes = np.array([[5, 5, 5.9, 40], [10, 10, 30, 30]], np.float32)
    view = Augmenter((), network())(_noise(), boxes, _rng())
    assert view.kept.tolist() == [1]


def test_same_draws_give_the_same_view_in_any_thread():
    augment = Augmenter(SSD_CHAIN, network())
    boxes = np.array([[5, 5, 40, 40]], np.float32)

    def views(workers):
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(lambda seed: augment(_noise(), boxes, _rng(seed)), range(40)))

    for one, other in zip(views(1), views(4), strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)


def _colour(image, seed, **strengths):
    strengths = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0} | strengths
    return Augmenter((Photometric(**strengths),), network())(image, NO_BOXES, _rng(seed)).image


@given(seeds)
def test_photometric_without_strength_changes_nothing(seed):
    np.testing.assert_array_equal(_colour(_noise(), seed), _noise())


@given(seeds)
def test_brightness_shifts_all_pixels_alike(seed):
    image = _noise() // 2 + 64
    shift = _colour(image, seed, brightness=20).astype(int) - image
    assert shift.min() == shift.max()
    assert abs(shift[0, 0, 0]) <= 20


@given(seeds)
def test_contrast_turns_around_mid_grey(seed):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 127
    image[:, 32:] = 155
    changed = _colour(image, seed, contrast=0.5).astype(int)
    assert abs(changed[0, 0] - 127).max() <= 1
    assert 127 + 13 <= changed[0, -1, 0] <= 127 + 43


@given(seeds)
def test_saturation_and_hue_leave_grey_alone(seed):
    grey = np.repeat(_noise()[..., :1], 3, axis=-1)
    changed = _colour(grey, seed, saturation=0.5, hue=18).astype(int)
    np.testing.assert_allclose(changed, grey, atol=1)


def test_each_colour_change_happens_half_of_the_time():
    image = np.full((48, 64, 3), (180, 60, 90), np.uint8)
    for strength in ({"brightness": 32}, {"contrast": 0.5}, {"saturation": 0.5}, {"hue": 18}):
        changed = sum(
            np.abs(_colour(image, seed, **strength).astype(int) - image).max() > 1
            for seed in range(200)
        )
        assert 60 < changed < 130


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_channel_order_of_the_network_does_not_change_the_view(order):
    mean = (1.0, 2.0, 3.0) if order == "rgb" else (3.0, 2.0, 1.0)
    views = Augmenter(SSD_CHAIN, network(color_order=order, mean=mean))(_noise(), NO_BOXES, _rng(4))
    other = Augmenter(SSD_CHAIN, network(mean=(1.0, 2.0, 3.0)))(_noise(), NO_BOXES, _rng(4))
    np.testing.assert_array_equal(views.image, other.image)


def test_transform_that_does_not_exist_is_not_passed_over():
    with pytest.raises(TypeError, match="no augmentation str"):
        Augmenter(("mosaic",), network())(_noise(), NO_BOXES, _rng())
