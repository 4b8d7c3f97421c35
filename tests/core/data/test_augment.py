from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.data.data_builders import DETECTNET_CHAIN, JITTER_CHAIN, SSD_CHAIN, network

from detforge.data.augment import Augmenter
from detforge.data.framing import network_size
from detforge.data.images import normalize, to_network_input
from detforge.data.masks import crop_mask
from detforge.data.rendering import render_mask
from detforge.recipe import (
    ColorShift,
    Expand,
    HorizontalFlip,
    IouCrop,
    Photometric,
    RandomInterpolation,
    Spatial,
    VerticalFlip,
)

seeds = st.integers(0, 2**32)
NO_BOXES = np.zeros((0, 4), np.float32)


def _noise(width=64, height=48):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _rng(seed=0):
    return np.random.default_rng(seed)


def test_without_transforms_it_is_the_view_of_evaluation():
    image = _noise(100, 80)
    boxes = np.array([[10, 20, 50, 60]], np.float32)
    view = Augmenter((), network())(image, boxes, _rng())
    np.testing.assert_array_equal(view.image.astype(np.float32), to_network_input(image, network()))
    np.testing.assert_allclose(view.boxes, [[6.4, 12, 32, 36]], rtol=1e-6)
    assert view.kept.tolist() == [0]


@given(st.lists(st.sampled_from([HorizontalFlip, VerticalFlip]), max_size=4))
def test_flipping_twice_is_identity(kinds):
    image = _noise()
    boxes = np.array([[1, 2, 30, 40], [20, 5, 64, 48]], np.float32)
    flips = tuple(kind(probability=1.0) for kind in (*kinds, *reversed(kinds)))
    view = Augmenter(flips, network())(image, boxes, _rng())
    np.testing.assert_array_equal(view.image, image)
    np.testing.assert_array_equal(view.boxes, boxes)
    mask = (image[..., 0] > 127).astype(np.uint8)
    np.testing.assert_array_equal(
        render_mask(mask, view.placement, boxes[0], 14), crop_mask(mask, boxes[0], 14)
    )


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


# Colours would blur what the pixels of an object are.
COLORS = (Photometric, ColorShift)
EVERY_MOVE = tuple(
    transform
    for transform in (*SSD_CHAIN, *DETECTNET_CHAIN[1:], JITTER_CHAIN[1])
    if not isinstance(transform, COLORS)
)


def _moves(chain):
    return tuple(transform for transform in chain if not isinstance(transform, COLORS))


@st.composite
def chains(draw):
    """The chains of the detectors, and any others of the same transforms in any order."""
    known = [_moves(chain) for chain in (SSD_CHAIN, DETECTNET_CHAIN, JITTER_CHAIN)]
    if draw(st.booleans()):
        return draw(st.sampled_from(known))
    order = draw(st.permutations(EVERY_MOVE))
    return tuple(order[: draw(st.integers(0, len(order)))])


forms = st.builds(
    network,
    st.just(128),
    st.just(96),
    resize=st.sampled_from(["stretch", "fit", "pad"]),
    window=st.sampled_from([None, (10, 8, 138, 104)]),
)


def _object(seed, shape="rectangle"):
    """An image that is black but for an object, its mask and its box."""
    rng = _rng(seed)
    mask = np.zeros((120, 160), np.uint8)
    centre, reach = rng.integers([50, 40], [110, 80]), rng.integers(20, 40, 2)
    if shape == "ellipse":
        cv2.ellipse(mask, centre.tolist(), reach.tolist(), 20, 0, 360, 1, -1)
    else:
        (x1, y1), (x2, y2) = centre - reach, centre + reach
        mask[y1:y2, x1:x2] = 1
    image = np.repeat(mask[..., np.newaxis] * np.uint8(255), 3, axis=2)
    return image, mask, _hull(mask)[np.newaxis].astype(np.float32)


def _hull(seen):
    rows, columns = np.nonzero(seen)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@settings(max_examples=300)
@given(seeds, chains(), forms)
def test_box_follows_the_pixels_of_its_object(seed, chain, form):
    image, _, box = _object(seed)
    view = Augmenter(chain, form)(image, box, _rng(seed))
    seen = view.image[..., 0] > 127
    if not len(view.boxes) or not seen.any():
        return
    # What is one pixel of the image is several of the network where it is magnified.
    blur = 2 * max(1, np.abs(view.placement.matrix[:2, :2]).max())
    inside = _hull(seen) - view.boxes[0]
    assert (inside[:2] >= -blur).all()
    assert (inside[2:] <= blur).all()
    if view.placement.is_upright:
        np.testing.assert_allclose(_hull(seen), view.boxes[0], atol=blur)


@settings(max_examples=300)
@given(seeds, chains(), forms, st.sampled_from(["rectangle", "ellipse"]))
def test_mask_follows_the_pixels_of_its_object(seed, chain, form, shape):
    image, mask, box = _object(seed, shape)
    view = Augmenter(chain, form)(image, box, _rng(seed))
    if not len(view.boxes):
        return
    cells = 28
    crop = render_mask(mask, view.placement, view.boxes[0], cells)
    assert crop.shape == (cells, cells)
    assert crop.dtype == np.float32
    seen = (view.image[..., 0] > 127).astype(np.uint8)
    expected = crop_mask(seen, view.boxes[0], cells)
    # The two are sampled from grids of different coarseness: they differ along the outline.
    side = (view.boxes[0, 2:] - view.boxes[0, :2]).min()
    blur = max(1, np.abs(view.placement.matrix[:2, :2]).max())
    assert np.mean(crop != expected) < 6 * blur / min(side, cells)


@settings(max_examples=200)
@given(seeds, chains(), forms)
def test_mask_fills_the_box_that_it_belongs_to(seed, chain, form):
    image, mask, box = _object(seed)
    view = Augmenter(chain, form)(image, box, _rng(seed))
    if not len(view.boxes) or not view.placement.is_upright:
        return
    assert render_mask(mask, view.placement, view.boxes[0], 28).all()


def test_flip_and_rotation_of_a_mask_are_those_of_the_image():
    image, mask, box = _object(3, "ellipse")
    turned = Spatial(max_rotation=0.5)
    for seed in range(10):
        view = Augmenter((HorizontalFlip(probability=1.0), turned), network(160, 120))(
            image, box, _rng(seed)
        )
        x1, y1, x2, y2 = np.round(view.boxes[0]).astype(int)
        size = 80
        crop = render_mask(mask, view.placement, np.array([x1, y1, x2, y2]), size)
        pasted = cv2.resize(crop, (int(x2 - x1), int(y2 - y1)), interpolation=cv2.INTER_AREA)
        seen = view.image[y1:y2, x1:x2, 0] / 255
        assert np.abs(pasted - seen).mean() < 0.03


@given(seeds, chains(), forms)
def test_any_chain_keeps_boxes_inside(seed, chain, form):
    rng = _rng(seed)
    starts = rng.uniform(0, [150, 110], (6, 2))
    boxes = np.concatenate([starts, starts + rng.uniform(1, 60, (6, 2))], axis=1)
    boxes = np.clip(boxes, 0, [160, 120, 160, 120]).astype(np.float32)
    view = Augmenter(chain, form)(_noise(160, 120), boxes, rng)
    assert view.image.shape == (96, 128, 3)
    assert view.boxes.dtype == np.float32
    assert len(view.boxes) == len(view.kept)
    assert np.isin(view.kept, range(6)).all()
    assert (np.diff(view.kept) > 0).all()
    assert (view.boxes >= 0).all()
    assert (view.boxes <= [128, 96, 128, 96]).all()
    assert (view.boxes[:, 2:] - view.boxes[:, :2] >= 1).all()


SIZES = [(1, 1), (1, 60), (60, 1), (2, 3000), (3000, 2)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@given(seeds, chains(), forms)
@settings(max_examples=30)
def test_image_of_any_shape_has_a_view(size, seed, chain, form):
    width, height = size
    boxes = np.array([[0, 0, width, height]], np.float32)
    view = Augmenter(chain, form)(_noise(width, height), boxes, _rng(seed))
    assert view.image.shape == (96, 128, 3)
    for box in view.boxes:
        mask = np.ones((height, width), np.uint8)
        assert render_mask(mask, view.placement, box, 7).shape == (7, 7)


@given(seeds, chains(), st.integers(1, 300), st.integers(1, 300))
def test_any_chain_keeps_the_size_that_follows_from_the_image(seed, chain, width, height):
    form = network(0, 0, shorter_side=40, longer_side=90)
    boxes = np.array([[0, 0, width, height]], np.float32)
    view = Augmenter(chain, form)(_noise(width, height), boxes, _rng(seed))
    assert view.image.shape[1::-1] == network_size(form, width, height)
    assert (view.boxes <= np.tile(view.image.shape[1::-1], 2)).all()


@given(seeds, chains(), forms)
def test_any_chain_takes_an_image_without_objects(seed, chain, form):
    view = Augmenter(chain, form)(_noise(), NO_BOXES, _rng(seed))
    assert view.boxes.shape == (0, 4)


def test_what_a_window_cut_off_does_not_come_back():
    image = np.full((120, 160, 3), 255, np.uint8)
    image[30:90, 40:120] = 100
    form = network(80, 60, window=(40, 30, 120, 90))
    augment = Augmenter(_moves(DETECTNET_CHAIN), form)
    for seed in range(30):
        view = augment(image, np.array([[0, 0, 160, 120]], np.float32), _rng(seed))
        assert view.image.max() == 100
        mask = (image[..., 0] == 255).astype(np.uint8)
        assert not render_mask(mask, view.placement, view.boxes[0], 20).any()


@pytest.mark.parametrize(
    "chain", [SSD_CHAIN, DETECTNET_CHAIN, JITTER_CHAIN], ids=["ssd", "detectnet", "jitter"]
)
def test_what_is_no_image_is_zero_in_the_network(chain):
    form = network(64, 48, color_order="bgr", mean=(103.5, 116.3, 123.7), scale=(0.1,) * 3)
    white = np.full((48, 64, 3), 255, np.uint8)
    augment, empty = Augmenter(_moves(chain), form), 0
    for seed in range(30):
        view = augment(white, NO_BOXES, _rng(seed))
        pixels = np.zeros((48, 64, 3), np.float32)
        normalize(view.image, view.placement, form, pixels)
        outside = np.abs(pixels).max(axis=2) < 5
        empty += outside.any()
        # A mean between two grey levels: where edges are slanted a half may be left.
        limit = 0 if view.placement.is_upright else 0.05 + 1e-6
        assert np.abs(pixels[outside]).max(initial=0) <= limit
        width, height = view.placement.extent
        assert not pixels[height:].any()
        assert not pixels[:, width:].any()
    assert empty > 5


def test_objects_smaller_than_asked_for_go():
    boxes = np.array([[5, 5, 12, 40], [10, 10, 30, 15], [10, 10, 30, 30]], np.float32)
    view = Augmenter((), network(), min_size=(8, 6))(_noise(), boxes, _rng())
    assert view.kept.tolist() == [2]


def test_interpolation_is_bilinear_unless_it_is_to_be_drawn():
    image = _noise(100, 80)
    plain = Augmenter((HorizontalFlip(probability=0.0),), network())
    drawn = Augmenter((RandomInterpolation(),), network())
    views = [drawn(image, NO_BOXES, _rng(seed)).image.tobytes() for seed in range(60)]
    assert len(set(views)) == 5
    assert {plain(image, NO_BOXES, _rng(seed)).image.tobytes() for seed in range(9)} < set(views)


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
        Augmenter(("mosaic",), network())
