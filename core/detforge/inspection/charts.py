"""The statistics of a data set as one picture.

Drawn by matplotlib, without a window. Names are drawn by OpenCV, whose fonts have the letters that
those of matplotlib lack.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detforge.inference.chart_text import DPI, shortened, text_artist
from detforge.inspection.summary import COCO_LARGE, COCO_SMALL, box_measures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from detforge.inspection.measures import Measures
    from detforge.inspection.summary import Summary
    from detforge.recipe import InputFormat

    Values = Mapping[str, Mapping[str, NDArray[np.floating]]]

_COLORS = ("#3b6ea5", "#e08a2e", "#5a9367", "#a05195")
_INK = "#333333"
_TEXT_PX = 15
_ROW_INCHES, _TITLE_INCHES = 4.1, 0.45
_MOST_BARS = 24
_ROOM_FOR_LEGEND = 1.2
_LEAST_BINS, _MOST_BINS = 8, 40
# Of a scale that doubles: a wider one has room for a tick at each power of two only.
_FEW_OCTAVES = 5


class Part(NamedTuple):
    """A part of the data set as it is drawn."""

    measures: Measures
    summary: Summary


def draw_charts(parts: Mapping[str, Part], title: str, format: InputFormat | None = None) -> bytes:
    """Return a PNG file with the histograms of a data set.

    Args:
        parts: name of the part -> its numbers.
        title: what the data are.
        format: the network's input, to show sizes in there too.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    summaries = {name: part.summary for name, part in parts.items()}
    values = {name: dict(box_measures(part.measures, format)) for name, part in parts.items()}
    heights = [_bars_height(summaries), _ROW_INCHES, _ROW_INCHES]
    room = (0, 0, 1, 1 - _TITLE_INCHES / sum(heights))
    layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.2, rect=room)
    figure = Figure(figsize=(15, sum(heights)), dpi=DPI, layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 2, height_ratios=heights).ravel()
    classes, sources, per_image, sides, shapes, extents = panels
    _draw_classes(classes, summaries)
    _draw_sources(sources, summaries)
    _draw_per_image(per_image, {name: part.measures.counts for name, part in parts.items()})
    _draw_sides(sides, values)
    _draw_shapes(shapes, values)
    _draw_extents(extents, values, format)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(colors=_INK)
    corner = (0.012, 1 - 0.1 / sum(heights))
    figure.add_artist(text_artist(title, 22, corner, (0.0, 1.0), "figure fraction"))
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _bars_height(summaries: Mapping[str, Summary]) -> float:
    """Return the inches that the bars of all classes, or of all sources, take."""
    classes = {name for summary in summaries.values() for name in summary.classes}
    sources = sum(len(summary.sources) for summary in summaries.values())
    bars = max(min(len(classes), _MOST_BARS) * len(summaries), min(sources, _MOST_BARS))
    return max(_ROW_INCHES, 1.2 + 0.2 * bars)


def _draw_classes(panel: Axes, summaries: Mapping[str, Summary]) -> None:
    totals: dict[str, int] = {}
    for summary in summaries.values():
        for name, found in summary.classes.items():
            totals[name] = totals.get(name, 0) + found.objects
    names = sorted(totals, key=lambda name: -totals[name])
    shown = names[:_MOST_BARS]
    rest = f" ({len(shown)} of {len(names)} classes)" if len(names) > len(shown) else ""
    _title(panel, f"Objects of each class{rest}")
    counts = {
        part: [summary.classes[name].objects if name in summary.classes else 0 for name in shown]
        for part, summary in summaries.items()
    }
    _draw_bars(panel, shown, counts)


def _draw_sources(panel: Axes, summaries: Mapping[str, Summary]) -> None:
    rows = [(part, source) for part, found in summaries.items() for source in found.sources]
    shown = rows[:_MOST_BARS]
    rest = f" ({len(shown)} of {len(rows)} sources)" if len(rows) > len(shown) else ""
    _title(panel, f"Images of each source{rest}")
    counts = {
        part: [source.images if owner == part else 0 for owner, source in shown]
        for part in summaries
    }
    _draw_bars(panel, [source.name for _, source in shown], counts, stacked=True)


def _draw_bars(
    panel: Axes, names: Sequence[str], counts: Mapping[str, Sequence[int]], *, stacked: bool = False
) -> None:
    """Draw a row of bars for each name, a bar for each part; the first name on top."""
    height = 0.8 if stacked else 0.8 / len(counts)
    rows = range(len(names))
    most = max((max(values, default=0) for values in counts.values()), default=0)
    for number, (part, values) in enumerate(counts.items()):
        offset = 0 if stacked else (number - (len(counts) - 1) / 2) * height
        color = _COLORS[number % len(_COLORS)]
        places = [row + offset for row in rows]
        panel.barh(places, values, height * 0.92, color=color, label=part)
        for place, value in zip(places, values, strict=True):
            if value or not stacked:
                panel.text(value + most * 0.01, place, f"{value:,}", va="center", size=9)
    panel.set(ylim=(max(len(names), 6) - 0.5, -0.5), xlim=(0, most * 1.14 or 1), yticks=[])
    _whole_ticks(panel.xaxis)
    for row, name in zip(rows, names, strict=True):
        panel.add_artist(
            text_artist(
                shortened(name), _TEXT_PX, (-0.01, row), (1.0, 0.5), ("axes fraction", "data")
            )
        )
    if len(counts) > 1:
        panel.legend(framealpha=0.85, edgecolor="none", loc="lower right")


def _draw_per_image(panel: Axes, counts: Mapping[str, NDArray[np.int32]]) -> None:
    _title(panel, "Objects in an image")
    most = max((int(found.max(initial=0)) for found in counts.values()), default=0)
    step = max(1, -(-(most + 1) // _MOST_BINS))
    _draw_histograms(panel, counts, np.arange(0, most + step + 1, step) - 0.5, of="images")
    _whole_ticks(panel.xaxis)


def _draw_sides(panel: Axes, values: Values) -> None:
    """Draw the sides of the boxes in both scales, in the image and in the network's input."""
    _title(panel, "Side of a box (root of its area), pixels")
    shown = {part: found["side"] for part, found in values.items()}
    inside = {
        f"{part}, in the network's input": found["network_side"]
        for part, found in values.items()
        if "network_side" in found
    }
    edges = _log_edges([*shown.values(), *inside.values()])
    panel.set_xscale("log", base=2)
    _draw_histograms(panel, shown, edges, outlines=inside)
    for area in (COCO_SMALL, COCO_LARGE):
        _mark(panel, area**0.5)
    panel.set_xlabel("dotted: where COCO's medium sizes begin and end")
    _log_ticks(panel.xaxis, edges)


def _draw_shapes(panel: Axes, values: Values) -> None:
    _title(panel, "Shape of a box (width / height)")
    shown = {part: found["aspect_ratio"] for part, found in values.items()}
    edges = _log_edges(list(shown.values()))
    panel.set_xscale("log", base=2)
    _draw_histograms(panel, shown, edges)
    _mark(panel, 1.0)
    _log_ticks(panel.xaxis, edges)


def _draw_extents(panel: Axes, values: Values, format: InputFormat | None) -> None:
    """Draw how frequent each width and height is, of all parts together."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm
    from matplotlib.ticker import LogLocator

    where, prefix = ("the network's input", "network_") if format else ("the image", "")
    _title(panel, f"Width and height of a box, pixels of {where}")
    width, height = (
        np.concatenate([found[f"{prefix}{side}"] for found in values.values()])
        for side in ("width", "height")
    )
    edges = _log_edges([width, height])
    panel.set_xscale("log", base=2)
    panel.set_yscale("log", base=2)
    counts, _, _ = np.histogram2d(width, height, [edges, edges])
    cells = np.ma.masked_equal(counts.T, 0)
    # Without the palest colours, which would be lost on white.
    colors = ListedColormap(colormaps["YlGnBu"](np.linspace(0.25, 1, 256)))
    scale = LogNorm(1, max(counts.max(), 2))
    mesh = panel.pcolormesh(edges, edges, cells, cmap=colors, norm=scale, rasterized=True)
    ticks = LogLocator(subs=(1, 2, 5))
    bar = panel.figure.colorbar(
        mesh, ax=panel, label="objects", pad=0.01, ticks=ticks, format="{x:.0f}"
    )
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    panel.plot(edges[[0, -1]], edges[[0, -1]], color=_INK, linewidth=0.8, linestyle=":")
    panel.set(xlabel="width", ylabel="height", xlim=edges[[0, -1]], ylim=edges[[0, -1]])
    _log_ticks(panel.xaxis, edges)
    _log_ticks(panel.yaxis, edges)


def _draw_histograms(
    panel: Axes,
    values: Mapping[str, NDArray[Any]],
    edges: NDArray[np.floating],
    *,
    of: str = "objects",
    outlines: Mapping[str, NDArray[Any]] | None = None,
) -> None:
    """Draw the share of the values in each bin: filled, and further ones as outlines."""
    names = [*values, *(outlines or {})]
    for number, (name, found) in enumerate({**values, **(outlines or {})}.items()):
        counts, _ = np.histogram(found, edges)
        shares = 100 * counts / max(len(found), 1)
        color = _COLORS[number % len(values) % len(_COLORS)]
        if name in values:
            panel.stairs(shares, edges, fill=True, color=color, alpha=0.55, label=name)
        else:
            panel.stairs(shares, edges, color=color, linewidth=1.6, label=name)
    panel.set(ylabel=f"% of the {of}", xlim=edges[[0, -1]])
    if len(names) > 1:
        panel.set_ylim(top=panel.get_ylim()[1] * _ROOM_FOR_LEGEND)
        panel.legend(frameon=False, loc="upper left", ncols=-(-len(names) // 2))


def _mark(panel: Axes, value: float) -> None:
    """Draw a line at a value, up to where a legend may begin."""
    top = 1 / _ROOM_FOR_LEGEND
    panel.axvline(value, ymax=top, color=_INK, linewidth=0.8, linestyle=":")


def _log_edges(values: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Return edges of bins of equal ratio that hold all values above 0.

    Twice the cubic root of the number of values (Rice's rule) keeps noise out of small sets.
    """
    most = max((len(found) for found in values), default=0)
    bins = min(max(round(2 * most ** (1 / 3)), _LEAST_BINS), _MOST_BINS)
    present = [found[found > 0] for found in values]
    low = min((float(found.min()) for found in present if len(found)), default=1.0)
    high = max((float(found.max()) for found in present if len(found)), default=1.0)
    return np.geomspace(low / 1.05, high * 1.05, bins + 1)


def _log_ticks(axis: Any, edges: NDArray[np.floating]) -> None:
    """Write plain numbers at the powers of two, and between them where there is room."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    is_narrow = np.log2(edges[-1] / edges[0]) < _FEW_OCTAVES
    axis.set_major_locator(LogLocator(base=2, subs=(1.0, 1.5) if is_narrow else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axis.set_minor_locator(NullLocator())


def _whole_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axis.set_major_formatter("{x:,.0f}")


def _title(panel: Axes, text: str) -> None:
    panel.set_title(text, loc="left", fontweight="bold", color=_INK, size=12)
