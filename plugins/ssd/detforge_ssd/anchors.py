"""Anchors of all feature maps (the paper calls them default boxes).

SSD, section 2.2 (arXiv:1512.02325). Aspect ratios are width / height. Shape legend: M feature
maps, A anchors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge_ssd import spec_pb2

    Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchorConfig:
    """Which anchors each feature map has, and how boxes are coded against them.

    Attributes:
        aspect_ratios: of each of M maps.
        scales: M + 1 sizes over the shorter input side; the last one serves only the second
            square of the last map.
        two_boxes_for_ar1: a second square of the geometric mean of this scale and the next.
        steps: (vertical, horizontal) distance of anchor centres in pixels, of each map; None
            for input size over map size.
        offsets: (vertical, horizontal) place of the first centre in steps, of each map; None
            for the middle of the first cell.
        clip_boxes: keep anchors inside the image.
        variances: divisors of the box deltas, in the order cx, cy, w, h.
    """

    aspect_ratios: tuple[tuple[float, ...], ...]
    scales: tuple[float, ...]
    two_boxes_for_ar1: bool = False
    steps: tuple[Pair, ...] | None = None
    offsets: tuple[Pair, ...] | None = None
    clip_boxes: bool = False
    variances: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2)


def anchors_per_cell(config: AnchorConfig) -> tuple[int, ...]:
    """Return the number of anchors at each position of each feature map."""
    return tuple(
        len(ratios) + config.two_boxes_for_ar1 * ratios.count(1.0)
        for ratios in config.aspect_ratios
    )


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


def anchor_config(config: spec_pb2.SsdConfig, n_maps: int = 6) -> AnchorConfig:
    """Return the anchors that an `ssd_config` asks for.

    Args:
        config: the message, absent fields filled with their defaults.
        n_maps: feature maps of the model.

    Raises:
        SpecError: a list has the wrong length or nesting, or is missing; all such problems.
    """
    lists = _SpecLists(config, n_maps)
    result = AnchorConfig(
        aspect_ratios=lists.aspect_ratios(),
        scales=lists.scales(),
        two_boxes_for_ar1=config.two_boxes_for_ar1,
        steps=lists.pairs("steps"),
        offsets=lists.pairs("offsets"),
        clip_boxes=config.clip_boxes,
        variances=lists.numbers("variances", 4, "cx, cy, w and h"),
    )
    if lists.problems:
        raise SpecError(lists.problems)
    return result


class _SpecLists:
    """Reads the lists of an `ssd_config`; what is wrong with them gathers in `problems`."""

    def __init__(self, config: spec_pb2.SsdConfig, n_maps: int) -> None:
        self.config = config
        self.n_maps = n_maps
        self.problems: list[Problem] = []

    def aspect_ratios(self) -> tuple[tuple[float, ...], ...]:
        if self.config.aspect_ratios:
            rows = self._read("aspect_ratios", self.n_maps, "feature maps")
            if not all(isinstance(row, tuple) and row and _all_numbers(row) for row in rows):
                self._report("aspect_ratios", "must hold a list of numbers for each feature map")
            return rows
        if self.config.aspect_ratios_global:
            return (self.numbers("aspect_ratios_global"),) * self.n_maps
        self._report("aspect_ratios", "is missing; give it, or aspect_ratios_global")
        return ()

    def scales(self) -> tuple[float, ...]:
        count = self.n_maps + 1
        if self.config.scales:
            scales = self.numbers("scales", count, f"{self.n_maps} feature maps and one more")
            self._check_scales(scales)
            return scales
        low, high = self.config.min_scale, self.config.max_scale
        if not low or not high:
            self._report("scales", "is missing; give it, or both min_scale and max_scale")
        elif low > high:
            self._report("min_scale", f"is {low:g}, above max_scale, {high:g}; swap the two")
        return tuple(np.linspace(low, high, count).tolist())

    def _check_scales(self, scales: tuple[Any, ...]) -> None:
        # The last one only widens the second square of the last map; 1.05 is common.
        large = [scale for scale in scales[: self.n_maps] if not isinstance(scale, tuple)]
        if large and max(large) > 1:
            self._report(
                "scales",
                f"has {max(large):g} among the first {self.n_maps}; an anchor is at most as large "
                "as the shorter side, 1 (only the one more, at the end, may exceed it)",
            )

    def pairs(self, name: str) -> tuple[Pair, ...] | None:
        """Return one (vertical, horizontal) pair per map, None for an absent field."""
        if not getattr(self.config, name):
            return None
        items = self._read(name, self.n_maps, "feature maps")
        pairs = tuple(item if isinstance(item, tuple) else (item, item) for item in items)
        if not all(len(pair) == 2 and _all_numbers(pair) for pair in pairs):
            self._report(name, "must hold a number or [vertical, horizontal] for each feature map")
        return pairs

    def numbers(self, name: str, count: int | None = None, meaning: str = "") -> Any:
        """Return one flat list; of any length but 0 when no count is given."""
        items = self._read(name, count, meaning)
        if not _all_numbers(items):
            self._report(name, "must be one list of numbers, without inner lists")
        return items

    def _read(self, name: str, count: int | None, meaning: str) -> tuple[Any, ...]:
        """Return the list, empty after a report when it is not one or has the wrong length."""
        from detforge.spec import parse_list

        try:
            items = parse_list(getattr(self.config, name))
        except ValueError as err:
            self._report(name, str(err))
            return ()
        if count is not None and len(items) != count:
            self._report(name, f"has {len(items)} items; it needs {count}, for {meaning}")
            return ()
        if not items:
            self._report(name, "is an empty list; it needs a number at least")
        return items

    def _report(self, name: str, message: str) -> None:
        self.problems.append(Problem(f"ssd_config.{name}", message))


def _all_numbers(items: tuple[Any, ...]) -> bool:
    return not any(isinstance(item, tuple) for item in items)
