"""The summary of a network as text for people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from detforge.text_table import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from detforge.inspection.network import LayerRow, Network, Totals
    from detforge.recipe import InputFormat

_TRAINS = {"all": "yes", "gamma_beta": "partly", "nothing": "frozen", None: ""}
_SHORTER = {"BatchNormalization": "BatchNorm"}


def describe(network: Network, title: str, *, variables: bool) -> str:
    """Return layers or weights, feature maps and totals as lines of text.

    Args:
        network: what to show.
        title: which detector and files it is of.
        variables: show weights instead of layers.
    """
    sections = [
        "\n".join(_head(network, title)),
        _variables(network) if variables else "\n\n".join(_parts(network)),
        _levels(network),
        _totals(network),
    ]
    return "\n\n".join(section for section in sections if section)


def _head(network: Network, title: str) -> Iterator[str]:
    yield title
    if network.backbone:
        yield f"Backbone: {network.backbone}"
    yield f"Input: {_input(network.input)}"
    yield f"Classes: {', '.join(network.classes.names)}"


def _input(form: InputFormat) -> str:
    channels = f"{form.channels} {'channel' if form.channels == 1 else 'channels'}"
    if form.shorter_side:
        limit = f", longer side at most {form.longer_side}" if form.longer_side else ""
        return f"shorter side of {form.shorter_side} pixels{limit}, {channels}"
    return f"{form.width}x{form.height} pixels, {channels}"


def _parts(network: Network) -> Iterator[str]:
    """Yield the table of the layers of each part; numbers run on from part to part."""
    names = list(dict.fromkeys(row.cost.part for row in network.layers))
    digits, is_pruned = len(str(len(network.layers))), network.totals_before is not None
    numbered = enumerate(network.layers, 1)
    for name, members in groupby(numbered, lambda member: member[1].cost.part):
        rows = [
            [f"{number:>{digits}} {row.cost.layer}", *_cells(row, is_pruned=is_pruned)]
            for number, row in members
        ]
        first = f"{'':{digits}} {'layer' if len(names) == 1 else f'layer of {name}'}"
        before = ["before"] if is_pruned else []
        header = [first, "", "size", *before, "parameters", "mult-adds", "trains"]
        yield table(header, rows, left=2)


def _cells(row: LayerRow, *, is_pruned: bool) -> list[str]:
    cost = row.cost
    before = [str(row.channels_before or "")] if is_pruned else []
    return [
        _SHORTER.get(cost.kind, cost.kind),
        _size(cost.output_shapes),
        *before,
        f"{cost.parameters:,}" if row.trains else "",
        _millions(cost.multiply_adds) if cost.multiply_adds else "",
        _TRAINS[row.trains],
    ]


def _size(shapes: Sequence[tuple[int, ...]]) -> str:
    """Return height, width and channels, of a layer with several calls those of the first."""
    rows, *rest = shapes[0]
    times = f"{rows} of " if rows != 1 else ""
    more = f" and {len(shapes) - 1} more" if len(shapes) > 1 else ""
    return f"{times}{_shape(rest)}{more}"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _variables(network: Network) -> str:
    digits = len(str(len(network.variables)))
    rows = [
        [
            f"{number:>{digits}} {row.name}",
            _shape(row.shape),
            row.dtype,
            f"{row.parameters:,}",
            "yes" if row.trains else "no",
        ]
        for number, row in enumerate(network.variables, 1)
    ]
    header = [f"{'':{digits}} weight", "shape", "type", "parameters", "trains"]
    return table(header, rows)


def _levels(network: Network) -> str:
    if not network.levels:
        return ""
    rows = [
        [
            level.layer,
            f"{level.height}x{level.width}",
            str(level.channels),
            str(level.anchors_per_cell),
            f"{level.anchors:,}",
        ]
        for level in network.levels
    ]
    rows.append(["all", "", "", "", f"{sum(level.anchors for level in network.levels):,}"])
    return table(["feature map", "size", "channels", "anchors a cell", "anchors"], rows)


def _totals(network: Network) -> str:
    now, before = _figures(network.totals), network.totals_before
    if before is None:
        return table(["all layers", ""], [[name, shown] for name, (shown, _) in now.items()])
    rows = [
        [name, shown, now[name][0], f"{now[name][1] / value:.1%}"]
        for name, (shown, value) in _figures(before).items()
    ]
    return table(["all layers", "before", "now", ""], rows)


def _figures(totals: Totals) -> dict[str, tuple[str, int]]:
    """Return name -> the number as text, and the number."""
    return {
        "parameters": (f"{totals.parameters / 1e6:.2f} M", totals.parameters),
        "that train": (f"{totals.trainable_parameters / 1e6:.2f} M", totals.trainable_parameters),
        "multiply-adds": (f"{totals.multiply_adds / 1e9:.2f} G", totals.multiply_adds),
        "weights": (f"{totals.weight_bytes / 1e6:.1f} MB", totals.weight_bytes),
    }


def _millions(value: int) -> str:
    return f"{value / 1e6:,.1f} M" if value >= 1e5 else f"{value / 1e6:.3f} M"
