"""Anchors of all feature maps (the paper calls them default boxes).

SSD, section 2.2 (arXiv:1512.02325). Aspect ratios are width / height. Shape legend: M feature
maps, A anchors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge_ssd.anchor_config import AnchorConfig


def generate_anchors(
    config: AnchorConfig,
    feature_maps: Sequence[tuple[int, int]],
    image_height: int,
    image_width: int,
) -> np.ndarray:
    """Return all anchors, in the order in which the heads predict.

    That is map by map, then row, column, and anchor: aspect ratios as listed, the second
    square right after the first.

    Args:
        config: what each map has.
        feature_maps: (height, width) of each map.
        image_height: of the network input, pixels.
        image_width: of the network input, pixels.

    Returns:
        float32 (A, 4), xyxy, pixels of the network input.
    """
    image = np.array([image_height, image_width], np.float64)
    sizes = _anchor_sizes(config, shorter_side=float(image.min()))
    anchors = []
    for i, shape in enumerate(feature_maps):
        step = np.asarray(config.steps[i] if config.steps else image / shape)
        offset = np.asarray(config.offsets[i] if config.offsets else (0.5, 0.5))
        anchors.append(_map_anchors(shape, step, offset, sizes[i]))
    boxes = np.concatenate(anchors)
    if config.clip_boxes:
        boxes = _clip(boxes, image_height, image_width)
    return boxes.astype(np.float32)


def _anchor_sizes(config: AnchorConfig, shorter_side: float) -> list[np.ndarray]:
    """Return (width, height) in pixels of the anchors of a cell, float64 (n, 2) per map."""
    sizes = []
    for i, ratios in enumerate(config.aspect_ratios):
        scale, next_scale = config.scales[i], config.scales[i + 1]
        shapes = []
        for ratio in ratios:
            shapes.append((scale * ratio**0.5, scale / ratio**0.5))
            if ratio == 1 and config.two_boxes_for_ar1:
                shapes.append(((scale * next_scale) ** 0.5,) * 2)
        sizes.append(np.array(shapes, np.float64) * shorter_side)
    return sizes


def _map_anchors(
    shape: tuple[int, int], step: np.ndarray, offset: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Return float64 (height * width * n, 4), xyxy, pixels, of one feature map."""
    y, x = ((np.arange(shape[axis]) + offset[axis]) * step[axis] for axis in (0, 1))
    centres = np.stack(np.meshgrid(x, y), axis=-1)[:, :, None]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1)
    return boxes.reshape(-1, 4)


def _clip(boxes: np.ndarray, image_height: int, image_width: int) -> np.ndarray:
    """Return the boxes inside the image, by the rule that SSD specs have been trained with."""
    # A side outside moves to the last pixel, one less than the width: not the continuous rule
    # of the rest of detforge, but models and their specs carry these anchors.
    limits = np.array([image_width, image_height] * 2, np.float64)
    return np.maximum(np.where(boxes >= limits, limits - 1, boxes), 0.0)
