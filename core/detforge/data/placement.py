"""Which pixels of an image go to which pixels of the network input.

The one place that knows it: training moves boxes and masks by a placement, evaluation and
inference move detections back by it. Shape legend: N boxes, K corners.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.affine import clip_polygon, inverse, move_boxes, move_points, rectangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.affine import Map

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """An image on a canvas, which in the end is the network input.

    Attributes:
        matrix: float64 (3, 3), from source pixels to canvas pixels; see `affine`.
        image_size: (width, height) of the source image.
        size: (width, height) of the canvas.
        visible: float64 (K, 2), corners of the convex part of the canvas that shows the image;
            (0, 2) when nothing of it is left.
    """

    matrix: Map
    image_size: tuple[int, int]
    size: tuple[float, float]
    visible: NDArray[np.float64]

    @classmethod
    def whole(cls, width: int, height: int) -> Placement:
        """Return an image of a size, as it is."""
        corners = rectangle(0, 0, width, height)
        return cls(np.eye(3), (width, height), (width, height), corners)

    def then(self, matrix: Map, size: tuple[float, float]) -> Placement:
        """Return the placement moved on, onto another canvas; what lies beyond it is cut off.

        Args:
            matrix: from this canvas to the other.
            size: (width, height) of the other.
        """
        visible = clip_polygon(move_points(matrix, self.visible), *size)
        return Placement(matrix @ self.matrix, self.image_size, size, visible)

    @property
    def is_upright(self) -> bool:
        """Whether sides of the image are parallel to those of the canvas."""
        return self.matrix[0, 1] == self.matrix[1, 0] == 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the image is left."""
        return len(self.visible) == 0

    def to_network(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return boxes of the source, (N, 4) xyxy, in canvas pixels; not clipped."""
        return move_boxes(self.matrix, boxes)

    def to_source(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return boxes of the canvas, (N, 4) xyxy, in source pixels; not clipped.

        The inverse of `to_network` where the placement is upright; a hull of a hull otherwise.
        """
        return move_boxes(inverse(self.matrix), boxes)

    @property
    def target(self) -> Rectangle:
        """The whole canvas pixels that hold all that is visible, xyxy."""
        return _whole_pixels(self.visible, self.size)

    @property
    def source(self) -> Rectangle:
        """The whole source pixels that hold all that is visible, xyxy."""
        corners = move_points(inverse(self.matrix), self.visible)
        return _whole_pixels(corners, self.image_size)

    def clip_to_seen(self, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return boxes of the source, (N, 4) xyxy, clipped to what is visible of it, float32."""
        left, top, right, bottom = self.source
        return np.clip(boxes, (left, top, left, top), (right, bottom, right, bottom)).astype(
            np.float32
        )

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of the corner of the canvas beyond which there is no image."""
        return (1, 1) if self.is_empty else self.target[2:]

    def on_whole_pixels(self) -> Placement:
        """Return the placement moved by less than a pixel, from whole onto whole pixels.

        Boxes and a resize of the source part then move by exactly the same map. Only an upright
        placement can be moved so; another one stays.
        """
        if self.is_empty or not self.is_upright:
            return self
        source, target = self.source, self.target
        matrix = np.eye(3)
        for axis in (0, 1):
            start, stop = target[axis], target[axis + 2]
            if self.matrix[axis, axis] < 0:
                start, stop = stop, start
            scale = (stop - start) / (source[axis + 2] - source[axis])
            matrix[axis] *= scale
            matrix[axis, 2] = start - source[axis] * scale
        return replace(self, matrix=matrix, visible=rectangle(*target))


def _whole_pixels(corners: NDArray[np.float64], size: tuple[float, float]) -> Rectangle:
    """Return the hull, xyxy, on the nearest whole pixels within a size, one pixel at least."""
    if not len(corners):
        return 0, 0, 1, 1
    # Plain numbers: NumPy would take ten times as long for so few.
    xs, ys = corners.T.tolist()
    left, right = _whole_range(min(xs), max(xs), int(size[0]))
    top, bottom = _whole_range(min(ys), max(ys), int(size[1]))
    return left, top, right, bottom


def _whole_range(start: float, stop: float, length: int) -> tuple[int, int]:
    first = min(max(round(start), 0), length - 1)
    return first, max(min(round(stop), length), first + 1)
