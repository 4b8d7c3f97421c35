from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import make_sample
from tests.core.data.image_files import cmyk_jpeg, jpeg, palette_png, png, turned

from detforge.data import image_checks
from detforge.data.image_checks import check_image
from detforge.data.images import read_image
from detforge.errors import DatasetError

PICTURE = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
GREY = PICTURE[..., 0]
DEEP = PICTURE.astype(np.uint16) * 257
CMYK = cmyk_jpeg(64, 48, (200, 100, 50, 128))
PALETTE = palette_png(64, 48, [(250, 0, 0), (0, 9, 0)], transparent=True)


def _sample(encoded, width=64, height=48):
    sample = make_sample([(1, 1, 9, 9)], ["a"])
    return replace(sample, name="x.jpg", encoded=encoded, width=width, height=height)


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    ("encoded", "unusual"),
    [
        (jpeg(PICTURE), []),
        (png(PICTURE), []),
        (cv2.imencode(".bmp", PICTURE)[1].tobytes(), []),
        (jpeg(GREY), [image_checks.GREY]),
        (png(DEEP), [image_checks.DEEP]),
        (png(DEEP[..., 0]), [image_checks.GREY, image_checks.DEEP]),
        (CMYK, [image_checks.CMYK]),
        (PALETTE, [image_checks.PALETTE, image_checks.TRANSPARENT]),
        (png(np.dstack([PICTURE, GREY])), [image_checks.TRANSPARENT]),
        (turned(jpeg(PICTURE), 6), [image_checks.TURNED]),
        (turned(jpeg(PICTURE), 3), [image_checks.TURNED]),
        (turned(jpeg(PICTURE), 1), []),
    ],
    ids=[
        "jpeg", "png", "bmp", "grey", "16 bits", "16-bit grey", "cmyk", "palette", "alpha",
        "turned right", "upside down", "upright",
    ],
)  # fmt: skip
def test_what_is_unusual_about_an_image_is_said(encoded, unusual, decode):
    assert list(check_image(_sample(encoded), decode=decode)) == unusual


def test_cmyk_becomes_rgb_as_printed_on_white():
    # Stored inverted, as Adobe does: red is what cyan and black let through.
    expected = np.array([200, 100, 50]) * 128 / 255
    np.testing.assert_allclose(read_image(CMYK)[0, 0], expected, atol=1.5)


def test_palette_becomes_its_colors():
    image = read_image(PALETTE)
    np.testing.assert_array_equal(image[:, :2], np.tile([[250, 0, 0], [0, 9, 0]], (48, 1, 1)))


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_drawn_on_the_turned_image_are_an_error_that_says_so(orientation, decode):
    lying = _sample(turned(jpeg(PICTURE), orientation), width=48, height=64)
    with pytest.raises(DatasetError, match=r"x\.jpg is 64x48 .* for 48x64: its EXIF orientation"):
        check_image(lying, decode=decode)


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_image_of_another_size_is_an_error(orientation, decode):
    lying = _sample(turned(jpeg(PICTURE), orientation), width=48, height=64)
    with pytest.raises(DatasetError, match=r"x\.jpg is 64x48 pixels, but its annotation is for 48"):
        check_image(lying, decode=decode)


@pytest.mark.parametrize("decode", [True, False])
@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        (jpeg(PICTURE)[:-200], "is truncated"),
        (png(PICTURE)[:-20], "is truncated"),
        (b"", "the file is empty"),
        (b"GIF89a is too old", "is not an image that can be read"),
        (jpeg(PICTURE).replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "12 bits a channel"),
    ],
    ids=["cut jpeg", "cut png", "empty", "another format", "12 bits"],
)
def test_file_that_training_could_not_use_is_an_error(encoded, message, decode):
    with pytest.raises(DatasetError, match=message) as caught:
        check_image(_sample(encoded), decode=decode)
    assert "x.jpg" in str(caught.value)


def test_only_decoding_finds_damage_between_header_and_end():
    damaged = bytearray(png(PICTURE))
    damaged[len(damaged) // 2] ^= 0xFF
    sample = _sample(bytes(damaged))
    assert check_image(sample, decode=False) == ()
    with pytest.raises(DatasetError, match="damaged PNG"):
        check_image(sample, decode=True)
