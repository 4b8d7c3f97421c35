"""Features of a region, sampled to a fixed size.

Shape legend: B images, h x w feature map, C channels, R regions, P samples a side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.iou import columns

if TYPE_CHECKING:
    Tensor = Any


def crop_and_resize(
    features: Tensor,
    boxes_xyxy: Tensor,
    *,
    size: int,
    height: float | Tensor,
    width: float | Tensor,
) -> Tensor:
    """Return P x P bilinear samples of each region, the first and last ones on its borders.

    The image's borders lie on the centres of the outermost cells, as for TensorFlow's
    `crop_and_resize` with boxes relative to the image.

    Args:
        features: (B, h, w, C).
        boxes_xyxy: (B, R, 4), pixels, inside the image.
        size: P. One sample lies in the middle of the region.
        height: of the image, pixels.
        width: of the image, pixels.

    Returns:
        (B, R, P, P, C), of the features' dtype. Only the features get a gradient.
    """
    x1, y1, x2, y2 = columns(ops.stop_gradient(boxes_xyxy))
    rows, columns_ = (ops.cast(ops.shape(features)[axis], "float32") for axis in (1, 2))
    y = _between(y1, y2, size) * ((rows - 1) / height)
    x = _between(x1, x2, size) * ((columns_ - 1) / width)
    return sample_grid(features, y, x)


def sample_grid(features: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return bilinear samples on a grid of rows and columns for each region.

    Args:
        features: (B, h, w, C).
        y: float32 (B, R, P), row of the feature map; 0 is the centre of the first one. Rows
            outside are moved to the border.
        x: float32 (B, R, Q), column likewise.

    Returns:
        (B, R, P, Q, C), of the features' dtype.
    """
    images, height, width = (ops.shape(features)[axis] for axis in (0, 1, 2))
    channels = features.shape[3]
    top, bottom, weight_y = _neighbours(y, height)
    left, right, weight_x = _neighbours(x, width)
    image = ops.reshape(ops.arange(images, dtype="int32"), (-1, 1, 1, 1)) * (height * width)
    cells = ops.reshape(features, (-1, channels))
    weight_y = ops.cast(weight_y, features.dtype)[:, :, :, None, None]
    weight_x = ops.cast(weight_x, features.dtype)[:, :, None, :, None]

    def along(row: Tensor) -> Tensor:
        """Return the samples on whole rows (B, R, P): (B, R, P, Q, C)."""
        start = image + (row * width)[:, :, :, None]
        west = ops.take(cells, start + left[:, :, None, :], axis=0)
        east = ops.take(cells, start + right[:, :, None, :], axis=0)
        return west + (east - west) * weight_x

    north, south = along(top), along(bottom)
    return north + (south - north) * weight_y


def _between(first: Tensor, last: Tensor, size: int) -> Tensor:
    """Return `size` evenly spaced numbers from `first` to `last`, (B, R, P)."""
    if size == 1:
        return ((first + last) / 2)[:, :, None]
    share = ops.arange(size, dtype="float32") / (size - 1)
    return first[:, :, None] + (last - first)[:, :, None] * share


def _neighbours(place: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the cells before and behind, int32, and the weight of the latter."""
    place = ops.clip(place, 0.0, ops.cast(length - 1, "float32"))
    before = ops.floor(place)
    behind = ops.minimum(ops.cast(before, "int32") + 1, length - 1)
    return ops.cast(before, "int32"), behind, place - before
