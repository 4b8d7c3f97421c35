"""Masks of objects: as PNG files, and as the small squares of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode_mask(mask: NDArray[np.uint8]) -> bytes:
    """Return a mask, uint8 (H, W) of 0 and 1, as a PNG file of 0 and 255."""
    # One bit a pixel takes half the time and half the bytes.
    options = [cv2.IMWRITE_PNG_BILEVEL, 1]
    return cv2.imencode(".png", mask * np.uint8(255), options)[1].tobytes()


def decode_mask(png: bytes, width: int, height: int, place: str) -> NDArray[np.uint8]:
    """Return the mask in a PNG file as uint8 (H, W), 0 or 1.

    Raises:
        DatasetError: no PNG, or of another size than the image.
    """
    mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE) if png else None
    if mask is None:
        raise DatasetError(f"{place}: a mask is not a PNG image; convert the data again")
    if mask.shape != (height, width):
        raise DatasetError(
            f"{place}: a mask has {mask.shape[1]}x{mask.shape[0]} pixels, the image "
            f"{width}x{height}"
        )
    return (mask > 0).astype(np.uint8)


def crop_mask(mask: NDArray[np.uint8], box: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """Return the part of a mask inside a box, stretched to a square.

    Args:
        mask: uint8 (H, W), 0 or 1.
        box: (4,), xyxy, pixels of the mask, within it.
        size: side of the result.

    Returns:
        float32 (size, size), 0 or 1: a cell is 1 where the object covers half of it or more.
    """
    height, width = mask.shape
    x1, y1, x2, y2 = (float(v) for v in box)
    left, top = int(np.floor(x1)), int(np.floor(y1))
    right, bottom = min(width, int(np.ceil(x2))), min(height, int(np.ceil(y2)))
    part = mask[top:bottom, left:right].astype(np.float32)
    columns = _cell_weights(x1 - left, x2 - left, part.shape[1], size)
    rows = _cell_weights(y1 - top, y2 - top, part.shape[0], size)
    # A hair below one half, so that rounding does not decide about cells covered exactly half.
    return (rows @ part @ columns.T >= 0.5 - 1e-4).astype(np.float32)


def _cell_weights(start: float, stop: float, pixels: int, cells: int) -> NDArray[np.float32]:
    """Return (cells, pixels): the share of each cell that each pixel covers, rows sum to 1."""
    edges = np.linspace(start, stop, cells + 1)
    low, high = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    left = np.arange(pixels)
    overlap = np.minimum(high, left + 1) - np.maximum(low, left)
    return (np.clip(overlap, 0, None) / ((stop - start) / cells)).astype(np.float32)
