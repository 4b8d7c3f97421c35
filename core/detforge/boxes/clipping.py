"""Boxes and the borders of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.iou import columns

if TYPE_CHECKING:
    Tensor = Any


def clip_boxes(boxes_xyxy: Tensor, height: float | Tensor, width: float | Tensor) -> Tensor:
    """Return the part of each box that lies in the image.

    Args:
        boxes_xyxy: (..., 4), pixels.
        height: of the image, pixels.
        width: of the image, pixels.

    Returns:
        float32 (..., 4); without area where a box lies outside.
    """
    sides = zip(columns(boxes_xyxy), (width, height, width, height), strict=True)
    return ops.stack([ops.clip(side, 0.0, limit) for side, limit in sides], axis=-1)


def is_inside(boxes_xyxy: Tensor, height: float | Tensor, width: float | Tensor) -> Tensor:
    """Return which boxes do not reach beyond the image, bool (...); arguments as `clip_boxes`."""
    x1, y1, x2, y2 = columns(boxes_xyxy)
    return (x1 >= 0) & (y1 >= 0) & (x2 <= width) & (y2 <= height)


def has_area(boxes_xyxy: Tensor, side: float = 0.0) -> Tensor:
    """Return which boxes (..., 4) are wider and higher than ``side`` pixels, bool (...)."""
    x1, y1, x2, y2 = columns(boxes_xyxy)
    return (x2 - x1 > side) & (y2 - y1 > side)
