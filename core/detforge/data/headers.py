"""Size and completeness of an encoded image, from its own markers, without decoding it.

Decoders differ in what they make of a file that ends too early: some fill the rest with grey and
say nothing, others only say that it is no image. The markers tell.
"""

from __future__ import annotations

import re
import struct
from typing import Literal, NamedTuple

_JPEG_START = b"\xff\xd8\xff"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA
# Inside entropy-coded data 0xff is followed by a zero, a restart marker or another 0xff
# (ITU-T T.81, section B.1.1).
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Start-of-frame markers: C0 to CF without DHT, JPG and DAC (ITU-T T.81, table B.1).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class TruncatedImageError(ValueError):
    """The data ends before the image does."""


class ImageHeader(NamedTuple):
    """What an encoded image says about itself.

    Attributes:
        format: "jpeg" or "png".
        width: pixels, as stored (no EXIF rotation).
        height: pixels.
    """

    format: Literal["jpeg", "png"]
    width: int
    height: int


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of a complete JPEG or PNG file, None for any other format.

    Args:
        data: the whole file.

    Raises:
        TruncatedImageError: the end marker is missing.
    """
    if data.startswith(_JPEG_START):
        return _read_jpeg(data)
    if data.startswith(_PNG_START):
        return _read_png(data)
    return None


def _read_jpeg(data: bytes) -> ImageHeader:
    size: tuple[int, int] | None = None
    position = 2
    try:
        while True:
            position, marker = _jpeg_marker(data, position)
            if marker == _END_OF_IMAGE:
                break
            (length,) = struct.unpack_from(">H", data, position)
            if marker in _FRAME_MARKERS and size is None:
                size = struct.unpack_from(">HH", data, position + 3)
            position += length
            if marker == _START_OF_SCAN:
                found = _NEXT_MARKER.search(data, position)
                if found is None:
                    raise TruncatedImageError
                position = found.start()
    except (struct.error, IndexError) as err:
        raise TruncatedImageError from err
    if size is None:
        raise TruncatedImageError
    return ImageHeader("jpeg", size[1], size[0])


def _jpeg_marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker at a position, after fill bytes, and where its segment begins."""
    if data[position] != 0xFF:
        raise TruncatedImageError
    while data[position] == 0xFF:
        position += 1
    return position + 1, data[position]


def _read_png(data: bytes) -> ImageHeader:
    """Walk the chunks to IEND (PNG specification, section 5.3)."""
    position = len(_PNG_START)
    try:
        width, height = struct.unpack_from(">II", data, position + 8)
        while True:
            length, kind = struct.unpack_from(">I4s", data, position)
            position += 12 + length
            if position > len(data):
                raise TruncatedImageError
            if kind == b"IEND":
                return ImageHeader("png", width, height)
    except struct.error as err:
        raise TruncatedImageError from err
