"""Pixels of an image and of its masks, moved by a placement; each is touched once.

Shape legend: H x W canvas, h x w image, m mask side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from detforge.data.affine import move_points, scaling, shifting
from detforge.data.masks import crop_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detforge.data.affine import Map
    from detforge.data.placement import Placement

    PixelOperation = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

# OpenCV draws polygons at 1/16 of a pixel.
_SHIFT = 4


def render_image(
    image_rgb: NDArray[np.uint8],
    placement: Placement,
    *,
    fill: Sequence[float] | NDArray[np.uint8] = (0, 0, 0),
    interpolation: int = cv2.INTER_LINEAR,
    operations: Sequence[PixelOperation] = (),
) -> NDArray[np.uint8]:
    """Return the canvas with the image on it.

    Args:
        image_rgb: uint8 (h, w, 3).
        placement: an upright one lies on whole pixels.
        fill: colour where there is no image.
        interpolation: an OpenCV flag.
        operations: changes of the image's pixels, which leave the fill as it is.

    Returns:
        uint8 (H, W, 3).
    """
    width, height = (int(side) for side in placement.size)
    if placement.is_empty:
        return np.full((height, width, 3), fill, np.uint8)
    if not placement.is_upright:
        canvas = _warp(image_rgb, placement, np.eye(3), (width, height), interpolation)
        canvas = _apply(canvas, operations)
        canvas[~_inside(placement.visible, width, height)] = fill
        return canvas
    left, top, right, bottom = placement.source
    x1, y1, x2, y2 = placement.target
    part = image_rgb[top:bottom, left:right]
    part = cv2.resize(part, (x2 - x1, y2 - y1), interpolation=interpolation)
    # After the resize, where there are several times fewer pixels to change.
    part = _mirror(_apply(np.asarray(part, np.uint8), operations), placement)
    around = y1, height - y2, x1, width - x2
    if any(around):
        color = [int(value) for value in fill]
        part = cv2.copyMakeBorder(part, *around, cv2.BORDER_CONSTANT, value=color)
    return part


def render_mask(
    mask: NDArray[np.uint8], placement: Placement, box: NDArray[np.floating], size: int
) -> NDArray[np.float32]:
    """Return the part of a mask inside a box of the canvas, stretched to a square.

    Neither the canvas nor anything else of the size of an image is drawn.

    Args:
        mask: uint8 (h, w), 0 or 1.
        placement: of the image.
        box: (4,), xyxy, canvas pixels, within the hull of what is visible.
        size: m.

    Returns:
        float32 (m, m), 0 or 1: a cell is 1 where the object covers half of it or more.
    """
    if placement.is_upright:
        limit = (*placement.image_size, *placement.image_size)
        source_box = np.clip(placement.to_source(box)[0], 0, limit)
        return _mirror(crop_mask(mask, source_box, size), placement)
    # As finely as the canvas, then the mean over each cell.
    x1, y1, x2, y2 = (float(side) for side in box)
    fineness = max(1, round(max(x2 - x1, y2 - y1) / size))
    cells = fineness * size
    to_cells = scaling(cells / (x2 - x1), cells / (y2 - y1)) @ shifting(-x1, -y1)
    drawn = _warp(mask, placement, to_cells, (cells, cells), cv2.INTER_LINEAR)
    drawn &= _inside(move_points(to_cells, placement.visible), cells, cells)
    covered = drawn.reshape(size, fineness, size, fineness).mean(axis=(1, 3))
    return (covered >= 0.5).astype(np.float32)


def _warp(
    pixels: NDArray[np.uint8],
    placement: Placement,
    further: Map,
    size: tuple[int, int],
    interpolation: int,
) -> NDArray[np.uint8]:
    """Return the visible part of an image on its canvas, moved further; edges are drawn out."""
    left, top, right, bottom = placement.source
    # OpenCV counts from the centres of pixels.
    to_part, to_centres = shifting(left + 0.5, top + 0.5), shifting(-0.5, -0.5)
    matrix = to_centres @ further @ placement.matrix @ to_part
    part = pixels[top:bottom, left:right]
    warped = cv2.warpAffine(
        part, matrix[:2], size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped, np.uint8)


def _apply(pixels: NDArray[np.uint8], operations: Sequence[PixelOperation]) -> NDArray[np.uint8]:
    for operation in operations:
        pixels = operation(pixels)
    return pixels


def _mirror(pixels: NDArray, placement: Placement) -> NDArray:
    across, down = (placement.matrix[axis, axis] < 0 for axis in (0, 1))
    if not (across or down):
        return pixels
    return cv2.flip(pixels, -1 if across and down else int(across))


def _inside(corners: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """Return bool (height, width): the pixels inside a convex polygon."""
    drawn = np.zeros((height, width), np.uint8)
    points = np.round((corners - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillConvexPoly(drawn, points, 1, shift=_SHIFT)
    return drawn.astype(bool)
