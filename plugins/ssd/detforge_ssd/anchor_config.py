"""Which anchors a spec asks for. Loads no numpy: specs are checked without it.

Aspect ratios are width / height. Shape legend: M feature maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detforge.errors import Problem, SpecError
from detforge.spec import parse_list
from detforge.spec.fields import element_path
from detforge.spec.floats import shortest

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def anchor_config(
    config: spec_pb2.SsdConfig, n_maps: int = 6, *, block: str = "ssd_config"
) -> AnchorConfig:
    """Return the anchors that an `ssd_config` or `dssd_config` asks for.

    Args:
        config: the message, absent fields filled with their defaults.
        n_maps: feature maps of the model.
        block: name of the message in the spec.

    Raises:
        SpecError: a list has the wrong length or nesting, or is missing; all such problems.
    """
    lists = _SpecLists(config, n_maps, block)
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


def check_centres(
    anchors: AnchorConfig, height: int, width: int, *, block: str = "ssd_config"
) -> Iterator[Problem]:
    """Yield steps that put all anchors of a feature map outside the image.

    Args:
        anchors: what the spec asks for.
        height: of the network input, pixels.
        width: of the network input, pixels.
        block: name of the message in the spec.
    """
    for index, step in enumerate(anchors.steps or ()):
        offset = anchors.offsets[index] if anchors.offsets else (0.5, 0.5)
        sides = (("output_height", height), ("output_width", width))
        for axis, (side, size) in enumerate(sides):
            first = offset[axis] * step[axis]
            if first >= size:
                message = (
                    f"puts the first anchor {first:g} px into an input whose {side} is {size}; "
                    "write smaller steps, or none for input size over map size"
                )
                yield Problem(element_path(f"{block}.steps", index), message)
                break


class _SpecLists:
    """Reads the lists of a network's message; what is wrong with them gathers in `problems`."""

    def __init__(self, config: spec_pb2.SsdConfig, n_maps: int, block: str) -> None:
        self.config = config
        self.n_maps = n_maps
        self.block = block
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
        low, high = shortest(self.config.min_scale), shortest(self.config.max_scale)
        if not low or not high:
            self._report("scales", "is missing; give it, or both min_scale and max_scale")
        elif low > high:
            self._report("min_scale", f"is {low:g}, above max_scale, {high:g}; swap the two")
        return tuple(low + i * (high - low) / (count - 1) for i in range(count))

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
        self.problems.append(Problem(f"{self.block}.{name}", message))


def _all_numbers(items: tuple[Any, ...]) -> bool:
    return not any(isinstance(item, tuple) for item in items)
