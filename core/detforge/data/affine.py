"""Maps of the plane: what a resize, a shift, a mirror or a rotation does to points and boxes.

A map is float64 (3, 3) and takes columns (x, y, 1). Coordinates are continuous: pixel i covers
the range from i to i + 1. Shape legend: N boxes, K points.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Map = NDArray[np.float64]


def scaling(x: float, y: float) -> Map:
    """Return the map that multiplies by x across and by y down; negative numbers mirror."""
    return np.array([[x, 0, 0], [0, y, 0], [0, 0, 1]], np.float64)


def shifting(x: float, y: float) -> Map:
    """Return the map that moves by x to the right and by y down."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def rotation(angle: float, centre: tuple[float, float]) -> Map:
    """Return the map that turns around a point, counter-clockwise as the image is seen.

    Args:
        angle: radians.
        centre: x and y.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    turn = np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float64)
    return shifting(*centre) @ turn @ shifting(-centre[0], -centre[1])


def inverse(matrix: Map) -> Map:
    """Return the map back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def move_points(matrix: Map, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return where points, (..., 2), go."""
    return np.asarray(points, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]


def move_boxes(matrix: Map, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return where boxes, (N, 4) xyxy, go: the upright hull of their four corners."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    moved = move_points(matrix, corners.reshape(-1, 4, 2))
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def rectangle(x1: float, y1: float, x2: float, y2: float) -> NDArray[np.float64]:
    """Return the corners of an upright rectangle, float64 (4, 2), in turn."""
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)


def clip_polygon(points: NDArray[np.float64], width: float, height: float) -> NDArray[np.float64]:
    """Return the part of a convex polygon inside the rectangle from 0, 0 to width, height.

    I. E. Sutherland and G. W. Hodgman, "Reentrant polygon clipping", CACM 17(1), 1974.

    Args:
        points: float64 (K, 2), corners in turn.
        width: of the rectangle.
        height: of the rectangle.

    Returns:
        float64 (K', 2); (0, 2) when no area is left.
    """
    if (points >= 0).all() and (points <= (width, height)).all():
        return points
    for axis, sign, limit in ((0, 1, 0.0), (0, -1, width), (1, 1, 0.0), (1, -1, height)):
        inside = sign * (points[:, axis] - limit)  # at least 0 where a corner stays
        kept = []
        for index, point in enumerate(points):
            before, here = inside[index - 1], inside[index]
            if before * here < 0:
                share = before / (before - here)
                cut = points[index - 1] + share * (point - points[index - 1])
                cut[axis] = limit  # exactly
                kept.append(cut)
            if here >= 0:
                kept.append(point)
        points = np.array(kept, np.float64).reshape(-1, 2)
    has_area = len(points) > 2 and (np.ptp(points, axis=0) > 0).all()
    return points if has_area else np.zeros((0, 2))
