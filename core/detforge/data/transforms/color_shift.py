"""Shift, hue rotation, saturation and contrast as one map of colours, as in DetectNet-style specs.

A map of colours is float64 (4, 4) and takes rows (red, green, blue, 1) on the 0..1 range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detforge.data.rendering import PixelOperation
    from detforge.recipe import ColorShift

# Grey, and the two directions in which colour departs from it, of red, green and blue (a row
# each): P. Haeberli, "Matrix operations for image processing", 1993, with the weights of BT.601.
_GREY = np.array([[0.299] * 3, [0.587] * 3, [0.114] * 3])
_COLOR = np.eye(3) - _GREY
_ACROSS = np.array([[0.168, -0.328, 1.25], [0.330, 0.035, -1.05], [-0.497, 0.292, -0.203]])
# Draws beyond so many deviations are drawn again.
_TRUNCATION = 2.0


def draw_color_shift(transform: ColorShift, rng: np.random.Generator) -> list[PixelOperation]:
    """Return the colour change of one image."""
    shift = transform.shift_stddev * _draw_normal(rng)
    hue = transform.max_hue_rotation / 2 * _draw_normal(rng)
    saturation = 1 + rng.uniform(-transform.max_saturation_shift, transform.max_saturation_shift)
    contrast = transform.max_contrast_scale / 2 * _draw_normal(rng)
    colors = (
        contrast_map(contrast, transform.contrast_center)
        @ hue_saturation_map(hue, saturation)
        @ shift_map(shift)
    )
    return [lambda image: apply_map(image, colors)]


def contrast_map(change: float, center: float) -> NDArray[np.float64]:
    """Return the map that spreads colours around a grey value by a relative change."""
    colors = np.diag([1 + change] * 3 + [1.0])
    colors[3, :3] = -change * center
    return colors


def hue_saturation_map(degrees: float, saturation: float) -> NDArray[np.float64]:
    """Return the map that turns hues and multiplies the distance from grey."""
    angle = math.radians(degrees)
    colors = np.eye(4)
    turned = math.cos(angle) * _COLOR + math.sin(angle) * _ACROSS
    colors[:3, :3] = _GREY + saturation * turned
    return colors


def shift_map(amount: float) -> NDArray[np.float64]:
    """Return the map that makes everything brighter."""
    colors = np.eye(4)
    colors[3, :3] = amount
    return colors


def apply_map(image_rgb: NDArray[np.uint8], colors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an image, uint8 (H, W, 3), with its colours mapped, rounded and clipped once."""
    scale = np.array([1, 1, 1, 255.0])
    return np.asarray(cv2.transform(image_rgb, colors[:, :3].T * scale), np.uint8)


def _draw_normal(rng: np.random.Generator) -> float:
    while abs(value := rng.standard_normal()) > _TRUNCATION:
        pass
    return float(value)
