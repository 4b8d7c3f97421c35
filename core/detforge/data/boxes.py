"""Boxes as numpy arrays: what is wrong with one, clipping, overlap.

Boxes are xyxy, pixels, continuous (width = x2 - x1). `detforge.boxes` has the same on tensors, and
needs Keras.
"""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

NOT_FINITE = "not finite"
INVERTED = "inverted"
ZERO_SIZE = "zero size"
OUTSIDE = "outside the image"


def box_fault(box: Sequence[float], width: float = inf, height: float = inf) -> str:
    """Return why an xyxy box cannot be used, or an empty string.

    Args:
        box: xyxy, pixels.
        width: of the image, where it is known already.
        height: of the image.
    """
    x1, y1, x2, y2 = box
    if not (isfinite(x1) and isfinite(y1) and isfinite(x2) and isfinite(y2)):
        return NOT_FINITE
    if x2 < x1 or y2 < y1:
        return INVERTED
    if x2 == x1 or y2 == y1:
        return ZERO_SIZE
    if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
        return OUTSIDE
    return ""


def clip_boxes(
    boxes: Sequence[Sequence[float]] | NDArray[np.floating], width: float, height: float
) -> NDArray[np.float32]:
    """Return xyxy boxes clipped to an image, as float32 (N, 4); N may be 0."""
    limit = np.array([width, height, width, height], np.float64)
    return np.clip(np.array(boxes, np.float64).reshape(-1, 4), 0, limit).astype(np.float32)


def box_areas(boxes_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return the areas of boxes, square pixels; 0 for a box with a side of 0 or less.

    Args:
        boxes_xyxy: (..., 4).

    Returns:
        float64 (...).
    """
    boxes = np.asarray(boxes_xyxy, np.float64)
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return sides[..., 0] * sides[..., 1]


def iou_matrix_numpy(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return the intersection over union of every box of `a` with every box of `b`.

    A box without area (a side of 0 or less) overlaps nothing, not even itself.

    Args:
        a_xyxy: (N, 4); N may be 0.
        b_xyxy: (M, 4), in the same pixels; M may be 0.

    Returns:
        float64 (N, M), in [0, 1].
    """
    a = np.asarray(a_xyxy, np.float64).reshape(-1, 1, 4)
    b = np.asarray(b_xyxy, np.float64).reshape(1, -1, 4)
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    intersection = box_areas(np.concatenate([low, high], axis=-1))
    union = box_areas(a) + box_areas(b) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
