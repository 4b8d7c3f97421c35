"""Detections of the network input, in the pixels of the source image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.framing import still_placement

if TYPE_CHECKING:
    from detforge.recipe import InputFormat


def source_boxes(
    boxes_xyxy: np.ndarray, input_format: InputFormat, width: int, height: int
) -> np.ndarray:
    """Return boxes of the network input in source pixels.

    Args:
        boxes_xyxy: (N, 4), network-input pixels.
        input_format: how the image came into the network input.
        width: of the source image, pixels.
        height: of the source image, pixels.

    Returns:
        float32 (N, 4), xyxy, source pixels; not clipped.
    """
    placement = still_placement(input_format, width, height)
    return placement.to_source(boxes_xyxy).astype(np.float32)
