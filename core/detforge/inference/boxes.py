"""Detections of the network input, in the pixels of the source image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from detforge.recipe import InputFormat


def source_boxes(
    boxes_xyxy: np.ndarray, input_format: InputFormat, width: int, height: int
) -> np.ndarray:
    """Return boxes of the network input in source pixels; the image was stretched to fit.

    Args:
        boxes_xyxy: (..., 4), network-input pixels.
        input_format: size of the network input.
        width: of the source image, pixels.
        height: of the source image, pixels.

    Returns:
        float32 (..., 4), xyxy, source pixels; not clipped.
    """
    across, down = width / input_format.width, height / input_format.height
    factors = np.array([across, down, across, down], np.float32)
    return np.asarray(boxes_xyxy, np.float32) * factors
