"""Pixels in and out of the network's form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from detforge.data.framing import still_placement
from detforge.data.headers import ImageHeader, TruncatedImageError, read_header
from detforge.data.rendering import render_image
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.placement import Placement
    from detforge.recipe import InputFormat

IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp")

# ITU-R BT.601 luma of red, green and blue.
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)


def read_image(source: Path | bytes, *, name: str = "") -> NDArray[np.uint8]:
    """Return an image as uint8 (H, W, 3), RGB.

    Grey becomes three equal channels, 16 bits are scaled to 8, alpha is dropped. The EXIF
    orientation is ignored, because boxes are annotated in stored pixels.

    Args:
        source: a file, or its content.
        name: what to call the image in messages; the path where there is one.

    Raises:
        DatasetError: the file is missing, no image, or cut off.
    """
    if isinstance(source, Path):
        name = name or str(source)
        data = read_bytes(source)
    else:
        name = name or "the image"
        data = source
    check_complete(data, name)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as err:
        raise DatasetError(f"{name} cannot be decoded: {err.err}") from err
    if image is None:
        raise DatasetError(_why_unreadable(data, name))
    return np.asarray(image, np.uint8)


def read_bytes(path: Path) -> bytes:
    """Return the content of a file.

    Raises:
        DatasetError: it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise DatasetError(f"{path} does not exist") from err
    except OSError as err:
        raise DatasetError(f"{path} cannot be read: {err.strerror}") from err


def image_size(data: bytes, name: str) -> tuple[int, int]:
    """Return the stored width and height in pixels; JPEG and PNG are not decoded for it.

    Raises:
        DatasetError: no image, or cut off.
    """
    header = check_complete(data, name)
    if header is not None:
        return header.width, header.height
    height, width = read_image(data, name=name).shape[:2]
    return width, height


def check_complete(data: bytes, name: str) -> ImageHeader | None:
    """Return the header of a JPEG or PNG file that has its end, None for another format.

    Raises:
        DatasetError: the file is cut off.
    """
    try:
        return read_header(data)
    except TruncatedImageError as err:
        raise DatasetError(
            f"{name} is truncated: the file has {len(data)} bytes and ends before its image "
            "does. Copy it again from where it came from"
        ) from err


def _why_unreadable(data: bytes, name: str) -> str:
    if not data:
        return f"{name} is not an image: the file is empty"
    kind = read_header(data)
    if kind is None:
        start = data[:8].hex(" ")
        return f"{name} is not an image that can be read (JPEG, PNG, BMP); it begins with {start}"
    return f"{name} is a damaged {kind.format.upper()} file; copy it again from where it came from"


def to_network_input(image_rgb: NDArray[np.uint8], format: InputFormat) -> NDArray[np.float32]:
    """Return an image as evaluation and inference show it to the network.

    Args:
        image_rgb: uint8 (h, w, 3), RGB.
        format: what the network expects.

    Returns:
        float32 (H, W, C).
    """
    height, width = image_rgb.shape[:2]
    placement = still_placement(format, width, height)
    out = np.zeros((int(placement.size[1]), int(placement.size[0]), format.channels), np.float32)
    normalize(render_image(image_rgb, placement), placement, format, out)
    return out


def normalize(
    canvas_rgb: NDArray[np.uint8],
    placement: Placement,
    format: InputFormat,
    out: NDArray[np.float32],
) -> None:
    """Write ``scale * (image - mean)`` in the network's channel order; leave out what is no image.

    Args:
        canvas_rgb: uint8 (H, W, 3), RGB, at the network's size.
        placement: where the image lies on it.
        format: what the network expects.
        out: float32 (H or more, W or more, C), zeros.
    """
    if placement.is_empty:
        return
    x1, y1, x2, y2 = placement.target
    pixels: NDArray[Any] = canvas_rgb[y1:y2, x1:x2]
    if format.color_order == "grey":
        pixels = cv2.transform(pixels.astype(np.float32), _LUMA)[..., np.newaxis]
    elif format.color_order == "bgr":
        pixels = cv2.cvtColor(canvas_rgb[y1:y2, x1:x2], cv2.COLOR_RGB2BGR)
    # Over whole rows, where NumPy is five times faster than over the channels of a pixel.
    rows = out[y1:y2, x1:x2].reshape(y2 - y1, -1)
    mean = np.tile(np.array(format.mean, np.float32), x2 - x1)
    np.subtract(pixels.reshape(rows.shape), mean, out=rows, dtype=np.float32)
    if any(factor != 1.0 for factor in format.scale):
        rows *= np.tile(np.array(format.scale, np.float32), x2 - x1)
