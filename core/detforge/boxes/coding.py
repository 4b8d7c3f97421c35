"""Boxes as deltas against anchors, and back.

Faster R-CNN, section 3.1.2 (arXiv:1506.01497), with the variances of SSD: the deltas are
divided by them, so that all four targets have about unit spread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.iou import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any

# Untrained or diverging models ask for boxes whose corners would overflow. Sides grow at most by
# this factor, the limit of torchvision and Mask R-CNN; centres move at most by so many anchor
# sides, which is beyond any image.
MAX_LOG_GROWTH = math.log(1000 / 16)
MAX_SHIFT = 1000.0


def encode_boxes(boxes_xyxy: Tensor, anchors_xyxy: Tensor, variances: Sequence[float]) -> Tensor:
    """Return the deltas that move each anchor onto its box.

    `decode_boxes` is the inverse.

    Args:
        boxes_xyxy: (..., A, 4), pixels, width and height above 0.
        anchors_xyxy: (..., A, 4), pixels, width and height above 0; row i belongs to box i.
        variances: divisors in the order cx, cy, w, h.

    Returns:
        float32 (..., A, 4) as (dx, dy, log dw, log dh) over the variances; dx and dy are in
        anchor widths and heights.
    """
    x, y, width, height = _centres(boxes_xyxy)
    anchor_x, anchor_y, anchor_width, anchor_height = _centres(anchors_xyxy)
    deltas = (
        (x - anchor_x) / anchor_width / variances[0],
        (y - anchor_y) / anchor_height / variances[1],
        ops.log(width / anchor_width) / variances[2],
        ops.log(height / anchor_height) / variances[3],
    )
    return ops.stack(deltas, axis=-1)


def decode_boxes(deltas: Tensor, anchors_xyxy: Tensor, variances: Sequence[float]) -> Tensor:
    """Return the anchors moved by the deltas; not clipped to the image.

    Finite for all finite deltas: see `MAX_LOG_GROWTH` and `MAX_SHIFT`.

    Args:
        deltas: (..., A, 4) as `encode_boxes` returns them.
        anchors_xyxy: (..., A, 4), pixels.
        variances: the divisors used to encode.

    Returns:
        float32 (..., A, 4), xyxy, pixels.
    """
    dx, dy, log_width, log_height = columns(deltas)
    anchor_x, anchor_y, anchor_width, anchor_height = _centres(anchors_xyxy)
    x = anchor_x + _shift(dx * variances[0]) * anchor_width
    y = anchor_y + _shift(dy * variances[1]) * anchor_height
    half_width = _growth(log_width * variances[2]) * anchor_width / 2
    half_height = _growth(log_height * variances[3]) * anchor_height / 2
    corners = (x - half_width, y - half_height, x + half_width, y + half_height)
    return ops.stack(corners, axis=-1)


def _shift(sides: Tensor) -> Tensor:
    return ops.clip(sides, -MAX_SHIFT, MAX_SHIFT)


def _growth(exponent: Tensor) -> Tensor:
    return ops.exp(ops.minimum(exponent, MAX_LOG_GROWTH))


def _centres(boxes_xyxy: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return centre x, centre y, width and height, float32 (...) each."""
    x1, y1, x2, y2 = columns(boxes_xyxy)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
