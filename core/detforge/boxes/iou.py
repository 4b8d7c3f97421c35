"""Intersection over union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    Tensor = Any

# The smallest normal float32: keeps the quotient of two empty boxes at 0 / something.
_TINY_AREA = 1.1754944e-38


def iou_matrix(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Return the intersection over union of every box of `a` with every box of `b`.

    Areas are continuous: no pixel is added to a side. A box without area (a side of 0 or
    less, such as the zeros that pad a batch) overlaps nothing, not even itself.

    Args:
        a_xyxy: (..., N, 4), pixels.
        b_xyxy: (..., M, 4), pixels; leading axes broadcast with those of `a`.

    Returns:
        float32 (..., N, M), in [0, 1].
    """
    # Side by side: elementwise work on an innermost axis of 4 is not vectorised on a CPU.
    a_x1, a_y1, a_x2, a_y2 = (side[..., :, None] for side in columns(a_xyxy))
    b_x1, b_y1, b_x2, b_y2 = (side[..., None, :] for side in columns(b_xyxy))
    width = ops.relu(ops.minimum(a_x2, b_x2) - ops.maximum(a_x1, b_x1))
    height = ops.relu(ops.minimum(a_y2, b_y2) - ops.maximum(a_y1, b_y1))
    intersection = width * height
    area_a = ops.maximum(ops.relu(a_x2 - a_x1) * ops.relu(a_y2 - a_y1), _TINY_AREA)
    area_b = ops.maximum(ops.relu(b_x2 - b_x1) * ops.relu(b_y2 - b_y1), _TINY_AREA)
    return intersection / (area_a + area_b - intersection)


def columns(rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four numbers of each row of (..., 4), float32 (...) each."""
    # float32 even under mixed precision: above 1024, a step of float16 is a whole pixel.
    rows = ops.cast(rows, "float32")
    return rows[..., 0], rows[..., 1], rows[..., 2], rows[..., 3]
