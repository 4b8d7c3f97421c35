"""Anchors on the cells of a feature map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    from collections.abc import Sequence

    Tensor = Any


def grid_anchors(
    rows: int | Tensor,
    columns: int | Tensor,
    *,
    stride: float,
    sizes_wh: Sequence[tuple[float, float]],
) -> Tensor:
    """Return the same boxes around the centre of every cell of a map.

    Faster R-CNN, section 3.1.1 (arXiv:1506.01497).

    Args:
        rows: of the feature map; a number, or a scalar tensor where the shape is not known.
        columns: likewise.
        stride: distance of two cells, pixels of the network input.
        sizes_wh: width and height of each of the n anchors of a cell, pixels.

    Returns:
        float32 (rows * columns * n, 4), xyxy, pixels; row by row, then column, then anchor. Not
        clipped.
    """
    y, x = ((ops.cast(ops.arange(n), "float32") + 0.5) * stride for n in (rows, columns))
    sizes = ops.convert_to_tensor(sizes_wh, "float32")
    x, y = x[None, :, None], y[:, None, None]
    half_width, half_height = sizes[:, 0] / 2, sizes[:, 1] / 2
    sides = (x - half_width, y - half_height, x + half_width, y + half_height)
    shape = (ops.shape(y)[0], ops.shape(x)[1], len(sizes_wh))
    corners = ops.stack([ops.broadcast_to(side, shape) for side in sides], axis=-1)
    return ops.reshape(corners, (-1, 4))
