from __future__ import annotations

import struct

import numpy as np
import pytest
from tests.core.data.image_files import (
    cmyk_jpeg,
    jpeg,
    palette_png,
    png,
    png_of_chunks,
    turned,
    with_segment,
)

from detforge.data.headers import ImageHeader, TruncatedImageError, read_header

PICTURE = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)
GREY = PICTURE[..., 0]
DEEP = PICTURE.astype(np.uint16) * 257
WITH_ALPHA = np.dstack([PICTURE, GREY])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (jpeg(PICTURE), ImageHeader("jpeg", 60, 40)),
        (jpeg(GREY), ImageHeader("jpeg", 60, 40, "grey")),
        (cmyk_jpeg(60, 40, (9, 8, 7, 6)), ImageHeader("jpeg", 60, 40, "cmyk")),
        (png(PICTURE), ImageHeader("png", 60, 40)),
        (png(GREY), ImageHeader("png", 60, 40, "grey")),
        (png(DEEP), ImageHeader("png", 60, 40, bits=16)),
        (png(DEEP[..., 0]), ImageHeader("png", 60, 40, "grey", bits=16)),
        (png(WITH_ALPHA), ImageHeader("png", 60, 40, has_alpha=True)),
        (palette_png(60, 40, [(1, 2, 3)]), ImageHeader("png", 60, 40, "palette")),
        (
            palette_png(60, 40, [(1, 2, 3)], transparent=True),
            ImageHeader("png", 60, 40, "palette", has_alpha=True),
        ),
        (
            png_of_chunks(struct.pack(">IIBBBBB", 60, 40, 8, 4, 0, 0, 0), []),
            ImageHeader("png", 60, 40, "grey", has_alpha=True),
        ),
    ],
    ids=[
        "jpeg", "grey jpeg", "cmyk jpeg", "png", "grey png", "16-bit png", "16-bit grey png",
        "rgba png", "palette png", "transparent palette", "grey png with alpha",
    ],
)  # fmt: skip
def test_header_says_what_the_channels_are(data, expected):
    assert read_header(data) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
def test_orientation_of_a_jpeg_is_found_in_either_byte_order(orientation, order):
    header = read_header(turned(jpeg(PICTURE), orientation, order))
    assert header == ImageHeader("jpeg", 60, 40, orientation=orientation)


def test_orientation_of_a_png_is_found():
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    size = struct.pack(">IIBBBBB", 60, 40, 8, 2, 0, 0, 0)
    assert read_header(png_of_chunks(size, [(b"eXIf", tiff)])).orientation == 6


@pytest.mark.parametrize(
    "content",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0" + struct.pack("<I", 9999),
        b"Exif\0\0II*\0" + struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, 9, 0),
        b"http://ns.adobe.com/xap/1.0/\0<x/>",
    ],
    ids=["empty", "beyond its end", "no such orientation", "other metadata"],
)
def test_metadata_without_an_orientation_leave_the_image_as_it_is(content):
    assert read_header(with_segment(jpeg(PICTURE), 0xE1, content)).orientation == 1


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm():
    assert read_header(jpeg(PICTURE) + b"\0" * 100) == ImageHeader("jpeg", 60, 40)


def test_jpeg_without_its_end_is_truncated_whatever_its_thumbnail_has():
    whole = with_segment(jpeg(PICTURE), 0xE1, jpeg(PICTURE[:8, :8]))
    with pytest.raises(TruncatedImageError):
        read_header(whole[:-2])


def test_other_formats_have_no_header():
    assert read_header(b"BM and so on") is None
    assert read_header(b"") is None
