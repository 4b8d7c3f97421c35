"""What an encoded image says about itself, and whether it has its end, without decoding it.

Decoders differ in what they make of a file that ends too early: some fill the rest with grey and
say nothing, others only say that it is no image. The markers tell.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

Color = Literal["rgb", "grey", "palette", "cmyk"]

_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_APP1 = 0xE1
# Start-of-frame markers: C0 to CF without DHT, JPG and DAC (ITU-T T.81, table B.1).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_COLORS: dict[int, Color] = {1: "grey", 3: "rgb", 4: "cmyk"}

_PNG_START = b"\x89PNG\r\n\x1a\n"
# Length, kind and checksum of the last chunk.
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
# By color type (PNG specification, section 11.2.1).
_PNG_COLORS: dict[int, Color] = {0: "grey", 2: "rgb", 3: "palette", 4: "grey", 6: "rgb"}
_PNG_WITH_ALPHA = (4, 6)

_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112


class TruncatedImageError(ValueError):
    """The data ends before the image does."""


class ImageHeader(NamedTuple):
    """What an encoded image says about itself.

    Attributes:
        format: "jpeg" or "png".
        width: pixels, as stored (no EXIF rotation).
        height: pixels.
        color: what its channels are.
        bits: of a channel, or of a palette's index.
        has_alpha: says which pixels are transparent.
        orientation: EXIF's, 1 to 8: how the stored pixels are meant to be turned; 1 is not at all.
    """

    format: Literal["jpeg", "png"]
    width: int
    height: int
    color: Color = "rgb"
    bits: int = 8
    has_alpha: bool = False
    orientation: int = 1


def image_format(data: bytes) -> Literal["jpeg", "png"] | None:
    """Return the format of an encoded image by its first bytes, None for any other."""
    if data.startswith(_JPEG_START):
        return "jpeg"
    return "png" if data.startswith(_PNG_START) else None


def read_header(data: bytes) -> ImageHeader | None:
    """Return the header of a complete JPEG or PNG file, None for any other format.

    Args:
        data: the whole file.

    Raises:
        TruncatedImageError: the end marker is missing.
    """
    format = image_format(data)
    if format is None:
        return None
    try:
        return _read_jpeg(data) if format == "jpeg" else _read_png(data)
    except (struct.error, IndexError) as err:
        raise TruncatedImageError from err


def _read_jpeg(data: bytes) -> ImageHeader:
    frame: tuple[int, int, int, int] | None = None
    orientation = 1
    position, marker = 2, 0
    while marker != _START_OF_SCAN:
        position, marker = _jpeg_marker(data, position)
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _FRAME_MARKERS and frame is None:
            frame = struct.unpack_from(">BHHB", data, position + 2)
        elif marker == _APP1 and data.startswith(_EXIF, position + 2):
            orientation = _orientation(data[position + 2 + len(_EXIF) : position + length])
        position += length
    # Inside a scan 0xff is followed by a zero or a restart marker (ITU-T T.81, section B.1.1), so
    # that this is the end of the image and of no thumbnail.
    if frame is None or data.rfind(_JPEG_END, position) < 0:
        raise TruncatedImageError
    bits, height, width, channels = frame
    color = _JPEG_COLORS.get(channels, "rgb")
    return ImageHeader("jpeg", width, height, color, bits, orientation=orientation)


def _jpeg_marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the marker at a position, after fill bytes, and where its segment begins."""
    if data[position] != 0xFF:
        raise TruncatedImageError
    while data[position] == 0xFF:
        position += 1
    return position + 1, data[position]


def _read_png(data: bytes) -> ImageHeader:
    """Walk the chunks to the first of the image itself (PNG specification, section 5.3)."""
    position = len(_PNG_START)
    width, height, bits, color = struct.unpack_from(">IIBB", data, position + 8)
    has_alpha, orientation, kind = color in _PNG_WITH_ALPHA, 1, b""
    while kind not in (b"IDAT", b"IEND"):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"tRNS":
            has_alpha = True
        elif kind == b"eXIf":
            orientation = _orientation(data[position + 8 : position + 8 + length])
        position += 12 + length
    if not data.endswith(_PNG_END) and data.rfind(_PNG_END, position) < 0:
        raise TruncatedImageError
    return ImageHeader(
        "png", width, height, _PNG_COLORS.get(color, "rgb"), bits, has_alpha, orientation
    )


def _orientation(tiff: bytes) -> int:
    """Return the orientation in EXIF data (EXIF 2.3, section 4.6), 1 when it has none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * entry)
            if tag == _ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # EXIF data are often cut short, and the image is none the worse for it
    return 1
