from __future__ import annotations

import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.data.data_builders import network

from detforge.data.headers import ImageHeader, read_header
from detforge.data.images import image_size, read_image, to_network_input
from detforge.errors import DatasetError


def _picture(height=40, width=60):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 4, y * 6, (x + y) * 2], axis=-1).astype(np.uint8)


def _encode(extension, image_rgb, *options):
    image = image_rgb[..., ::-1] if image_rgb.ndim == 3 else image_rgb
    return cv2.imencode(extension, image, list(options))[1].tobytes()


PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)


def test_png_comes_back_as_rgb(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(_encode(".png", _picture()))
    np.testing.assert_array_equal(read_image(path), _picture())


def test_sixteen_bits_are_scaled_to_eight():
    deep = _picture().astype(np.uint16) * 257
    image = read_image(_encode(".png", deep))
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, _picture())


def test_grey_becomes_three_equal_channels():
    grey = _picture()[..., 0]
    image = read_image(_encode(".png", grey))
    np.testing.assert_array_equal(image, np.dstack([grey] * 3))


def test_sixteen_bit_grey_is_both():
    grey = _picture()[..., 0]
    image = read_image(_encode(".png", grey.astype(np.uint16) * 257))
    np.testing.assert_array_equal(image, np.dstack([grey] * 3))


def test_alpha_is_dropped_and_not_blended():
    with_alpha = np.dstack([_picture()[..., ::-1], np.full((40, 60), 7, np.uint8)])
    image = read_image(cv2.imencode(".png", with_alpha)[1].tobytes())
    np.testing.assert_array_equal(image, _picture())


def test_exif_orientation_does_not_turn_the_image():
    plain = _encode(".jpg", _picture())
    # One IFD entry: orientation (0x0112), SHORT, count 1, value 6 (turn right).
    tiff = b"II*\0" + struct.pack("<IH HHII I", 8, 1, 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0" + tiff
    turned = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (60, 40, 3)
    np.testing.assert_array_equal(read_image(turned), read_image(plain))


@pytest.mark.parametrize(
    ("extension", "options"),
    [(".jpg", ()), (".jpg", PROGRESSIVE), (".jpg", RESTARTS), (".png", ())],
    ids=["jpeg", "progressive jpeg", "jpeg with restarts", "png"],
)
def test_header_tells_the_size_of_a_whole_file(extension, options):
    data = _encode(extension, _picture(), *options)
    kind = "png" if extension == ".png" else "jpeg"
    assert read_header(data) == ImageHeader(kind, 60, 40)


@pytest.mark.parametrize(
    ("extension", "options"),
    [(".jpg", ()), (".jpg", PROGRESSIVE), (".jpg", RESTARTS), (".png", ())],
    ids=["jpeg", "progressive jpeg", "jpeg with restarts", "png"],
)
@pytest.mark.parametrize("left", [0.3, 0.6, 0.95])
def test_truncated_image_is_an_error_that_names_it(tmp_path, extension, options, left):
    data = _encode(extension, _picture(), *options)
    path = tmp_path / f"cut{extension}"
    path.write_bytes(data[: int(len(data) * left)])
    with pytest.raises(DatasetError, match=r"cut\.\w+ is truncated"):
        read_image(path)


@given(st.data())
def test_every_cut_of_a_jpeg_is_noticed(data):
    whole = _encode(".jpg", _picture(16, 24))
    left = data.draw(st.integers(4, len(whole) - 1))
    with pytest.raises(DatasetError, match="truncated"):
        read_image(whole[:left], name="x")


def test_thumbnail_inside_a_jpeg_does_not_count_as_its_end():
    thumbnail = _encode(".jpg", _picture(8, 8))
    plain = _encode(".jpg", _picture())
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = plain[:2] + segment + plain[2:]
    assert read_header(whole) == ImageHeader("jpeg", 60, 40)
    with pytest.raises(DatasetError, match="truncated"):
        read_image(whole[: len(segment) + 200])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"hello, world", "is not an image that can be read")],
    ids=["empty", "text"],
)
def test_file_that_is_no_image_is_an_error_that_names_it(tmp_path, content, reason):
    path = tmp_path / "notes.jpg"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=reason) as caught:
        read_image(path)
    assert "notes.jpg" in str(caught.value)


def test_damaged_png_is_an_error():
    data = bytearray(_encode(".png", _picture()))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(DatasetError, match="damaged PNG"):
        read_image(bytes(data), name="x.png")


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere\.png does not exist"):
        read_image(tmp_path / "nowhere.png")


def test_size_of_another_format_is_found_by_decoding():
    assert image_size(_encode(".bmp", _picture()), "a.bmp") == (60, 40)


def test_network_input_is_scaled_difference_to_the_mean():
    image = np.full((48, 64, 3), (10, 20, 30), np.uint8)
    format = network(color_order="bgr", mean=(1.0, 2.0, 3.0), scale=(0.5, 1.0, 2.0))
    pixels = to_network_input(image, format)
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[0, 0], [14.5, 18.0, 14.0])
    assert (pixels == pixels[0, 0]).all()


def test_network_input_in_grey_weighs_the_channels_and_keeps_fractions():
    image = np.full((48, 64, 3), (10, 20, 31), np.uint8)
    format = network(color_order="grey", mean=(2.0,), scale=(1.0,))
    pixels = to_network_input(image, format)
    assert pixels.shape == (48, 64, 1)
    np.testing.assert_allclose(pixels, 2.99 + 11.74 + 3.534 - 2.0, atol=1e-4)


def _left_dark():
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, 10:] = 200
    return image


def test_network_input_is_stretched():
    pixels = to_network_input(_left_dark(), network(64, 48))
    assert pixels.shape == (48, 64, 3)
    assert (pixels[:, :30] == 0).all()
    assert (pixels[:, 34:] == 200).all()


def test_fitted_network_input_keeps_its_shape_and_is_zero_beside_the_image():
    pixels = to_network_input(_left_dark(), network(64, 48, resize="fit", mean=(9.5, 9.5, 9.5)))
    assert (pixels[:32, :30] == -9.5).all()
    assert (pixels[:32, 34:] == 190.5).all()
    assert (pixels[32:] == 0).all()


def test_padded_network_input_has_the_pixels_of_the_image():
    image = np.random.default_rng(0).integers(0, 256, (40, 80, 3), dtype=np.uint8)
    pixels = to_network_input(image, network(64, 48, resize="pad"))
    np.testing.assert_array_equal(pixels[:40], image[:, :64])
    assert (pixels[40:] == 0).all()


def test_window_is_all_that_enters_the_network():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    pixels = to_network_input(image, network(64, 48, window=(30, 20, 94, 68)))
    np.testing.assert_array_equal(pixels, image[20:68, 30:94])


def test_window_beside_the_image_leaves_nothing_of_it():
    image = np.full((9, 12, 3), 200, np.uint8)
    assert not to_network_input(image, network(64, 48, window=(30, 20, 94, 68))).any()


def test_window_larger_than_the_image_is_zero_around_it():
    image = np.full((60, 70, 3), 200, np.uint8)
    pixels = to_network_input(image, network(64, 48, window=(30, 20, 94, 68)))
    assert (pixels[:40, :40] == 200).all()
    assert not pixels[40:].any()
    assert not pixels[:, 40:].any()


def test_shorter_side_decides_the_shape_of_the_network_input():
    form = network(0, 0, shorter_side=60, longer_side=100)
    shapes = [
        to_network_input(np.zeros((height, width, 3), np.uint8), form).shape
        for width, height in ((40, 30), (30, 40), (400, 100), (7, 7))
    ]
    assert shapes == [(60, 80, 3), (80, 60, 3), (25, 100, 3), (60, 60, 3)]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 4000), (4000, 3)], ids=str)
@pytest.mark.parametrize("resize", ["stretch", "fit", "pad"])
def test_image_of_any_shape_enters_the_network(size, resize):
    image = np.full((size[1], size[0], 3), 7, np.uint8)
    pixels = to_network_input(image, network(64, 48, resize=resize))
    assert pixels.shape == (48, 64, 3)
    assert (pixels[0, 0] == 7).all()
    assert set(np.unique(pixels)) <= {0, 7}


def test_data_room_imports_no_framework():
    code = (
        "import sys; import detforge.data.batches, detforge.data.convert, detforge.data.sources;"
        "print(sorted({'tensorflow','keras','albumentations','pycocotools','onnx'}"
        " & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
