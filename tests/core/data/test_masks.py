from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.core.data.image_files import palette_png

from detforge.data.masks import crop_mask, decode_mask, encode_mask
from detforge.errors import DatasetError


@given(arrays(np.uint8, (9, 13), elements=st.integers(0, 1)))
def test_png_gives_the_mask_back(mask):
    np.testing.assert_array_equal(decode_mask(encode_mask(mask), 13, 9, "x"), mask)


def test_masks_of_0_and_1_are_read_too():
    """As TAO writes them."""
    mask = np.eye(9, 13, 2, dtype=np.uint8)
    png = cv2.imencode(".png", mask)[1].tobytes()
    np.testing.assert_array_equal(decode_mask(png, 13, 9, "x"), mask)


def test_colours_of_a_mask_are_the_object():
    stripes = palette_png(13, 9, [(0, 0, 0), (128, 0, 0)])
    wanted = np.tile(np.arange(13) % 2, (9, 1))
    np.testing.assert_array_equal(decode_mask(stripes, 13, 9, "x"), wanted)


def test_mask_of_another_size_is_an_error():
    png = encode_mask(np.zeros((9, 13), np.uint8))
    with pytest.raises(DatasetError, match="a mask has 13x9 pixels, the image 14x9"):
        decode_mask(png, 14, 9, "x")


def test_mask_that_is_no_image_is_an_error():
    with pytest.raises(DatasetError, match="not a PNG image"):
        decode_mask(b"no", 14, 9, "x")


@given(arrays(np.uint8, (6, 6), elements=st.integers(0, 1)), st.integers(1, 4))
def test_crop_at_whole_pixels_repeats_each_pixel(mask, factor):
    padded = np.pad(mask, 3)
    crop = crop_mask(padded, np.array([3.0, 3.0, 9.0, 9.0]), 6 * factor)
    np.testing.assert_array_equal(crop, np.kron(mask, np.ones((factor, factor))))


def test_cell_is_set_where_half_of_it_or_more_is_covered():
    mask = np.zeros((4, 4), np.uint8)
    mask[0, :2] = 1  # half of the first 2 x 2 cell
    mask[3, 3] = 1  # a quarter of the last one
    crop = crop_mask(mask, np.array([0.0, 0.0, 4.0, 4.0]), 2)
    np.testing.assert_array_equal(crop, [[1, 0], [0, 0]])


def test_box_between_pixels_weighs_them_by_what_it_covers():
    mask = np.zeros((1, 10), np.uint8)
    mask[:, 5:] = 1
    # Two cells, [4.2, 5.2] and [5.2, 6.2]: 0.2 and 1.0 covered.
    crop = crop_mask(mask, np.array([4.2, 0.0, 6.2, 1.0]), 2)
    np.testing.assert_array_equal(crop, [[0, 1], [0, 1]])


@given(st.floats(0, 20), st.floats(0, 20), st.floats(0.05, 12), st.floats(0.05, 12))
def test_full_mask_stays_full_in_any_box(x, y, width, height):
    mask = np.ones((32, 32), np.uint8)
    crop = crop_mask(mask, np.array([x, y, x + width, y + height]), 7)
    assert crop.shape == (7, 7)
    assert crop.all()
