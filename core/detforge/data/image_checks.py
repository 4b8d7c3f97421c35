"""The check of an image at conversion: that training can use it, and what is unusual about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.images import check_complete
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.data.headers import ImageHeader
    from detforge.data.samples import Sample

# What is unusual, and what becomes of it wherever detforge reads the image.
GREY = "grey: becomes three equal channels"
PALETTE = "palette: becomes its colors"
CMYK = "CMYK: converted to RGB"
DEEP = "16 bits a channel: scaled to 8"
TRANSPARENT = "transparency: left out"
TURNED = "EXIF orientation: not applied"

# Orientations from here on swap width and height (EXIF 2.3, section 4.6).
_LYING = 5


def check_image(sample: Sample, *, decode: bool) -> tuple[str, ...]:
    """Make sure that training can use an image, and return what is unusual about it.

    Args:
        sample: the image and its labels.
        decode: decode it, the only proof that it can be; otherwise a JPEG or PNG file is held to
            its header and its end marker. Files of other formats are decoded in any case.

    Raises:
        DatasetError: it is cut off, damaged, no image, or of another size than its labels are
            for; names the file.
    """
    header = check_complete(sample.data(), sample.place)
    if header is not None:
        _check_header(sample, header)
    if decode or header is None:
        sample.image()
    return tuple(_unusual(header)) if header else ()


def _check_header(sample: Sample, header: ImageHeader) -> None:
    if header.format == "jpeg" and header.bits != 8:
        raise DatasetError(
            f"{sample.place} is a JPEG file of {header.bits} bits a channel, which must be 8; "
            "PNG files may have 16"
        )
    if (header.width, header.height) == (sample.width, sample.height):
        return
    lying = (header.height, header.width)
    if header.orientation >= _LYING and lying == (sample.width, sample.height):
        raise DatasetError(
            f"{sample.place} is {header.width}x{header.height} pixels as stored, but its "
            f"annotation is for {sample.width}x{sample.height}: its EXIF orientation "
            f"({header.orientation}) turns it when it is shown, and its boxes were drawn on what "
            "was shown. Pixels are used as stored, so turn them, for example with "
            "'mogrify -auto-orient'"
        )
    sample.check_size(header.width, header.height)


def _unusual(header: ImageHeader) -> Iterator[str]:
    if header.color == "grey":
        yield GREY
    elif header.color == "palette":
        yield PALETTE
    elif header.color == "cmyk":
        yield CMYK
    if header.bits == 16:
        yield DEEP
    if header.has_alpha:
        yield TRANSPARENT
    if header.orientation != 1:
        yield TURNED
