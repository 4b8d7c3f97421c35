"""Precision against recall, and which class is taken for which, as pictures.

Drawn by matplotlib, without a window.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from detforge.evaluation.voc import curve_of
from detforge.inference.chart_text import DPI, shortened, text_artist
from detforge.inference.drawing import text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from detforge.evaluation.scorer import Outcomes
    from detforge.requests import EvaluateReport

_INK, _FAINT = "#333333", "#c8c8c8"
_COLORS = (
    *("#3b6ea5", "#e08a2e", "#5a9367", "#a05195", "#c0392b"),
    *("#2a9d8f", "#8d6e63", "#7f7f7f", "#d4a017", "#17becf"),
)
_TEXT_PX, _TITLE_PX = 15, 20
_NONE = "nothing there"
_MISSED = "missed"
_MOST_CLASSES = 40
# Inches: of a cell of the confusion matrix, and of numbers that can be read in one.
_LARGEST_CELL, _SMALLEST_CELL, _READABLE_CELL, _MATRIX = 0.9, 0.26, 0.42, 9.0


def draw_curves(outcomes: Sequence[Outcomes], report: EvaluateReport) -> bytes:
    """Return a PNG file with the precision-recall curve of each class, at the first IoU.

    Args:
        outcomes: what became of the detections of each class.
        report: its names, average precisions and thresholds.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = _figure(11.5, 6.2)
    panel = figure.add_axes((0.065, 0.1, 0.57, 0.76))
    names = list(report.ap)
    known = [k for k, found in enumerate(outcomes) if found.objects[0]]
    worst = sorted(known, key=lambda k: report.ap[names[k]] or 0.0)[: len(_COLORS)]
    for k in set(known) - set(worst):
        _draw_curve(panel, outcomes[k], _FAINT, linewidth=0.8)
    for place, k in enumerate(worst):
        color = _COLORS[place]
        _draw_curve(panel, outcomes[k], color, report.counted_from)
        y = 0.97 - 0.065 * place
        frame = {"transform": panel.transAxes, "clip_on": False}
        panel.plot([1.03, 1.07], [y, y], color=color, linewidth=3, **frame)
        words = f"AP {report.ap[names[k]]:.3f}  {shortened(names[k])}"
        panel.add_artist(text_artist(words, _TEXT_PX, (1.09, y), (0.0, 0.5), "axes fraction"))
    panel.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    panel.grid(color="#ececec", linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(colors=_INK)
    few = f", the {len(worst)} classes of lowest AP in colour" if len(known) > len(worst) else ""
    over = f" over IoU to {report.matching_ious[-1]:g}" if len(report.matching_ious) > 1 else ""
    _head(
        figure,
        f"Precision and recall at IoU {report.matching_iou:g}",
        f"{report.images} images, mAP{over} {report.mean_ap:.3f} ({report.mode}); "
        f"dots: detections from score {report.counted_from:g} on{few}",
    )
    return _png(figure)


def draw_confusion(report: EvaluateReport) -> bytes:
    """Return a PNG file with the confusion matrix of a report.

    Raises:
        ImportError: matplotlib is not installed.
    """
    names, counts = _largest_classes(list(report.ap), np.array(report.confusion))
    size = len(counts)
    cell = min(max(_MATRIX / size, _SMALLEST_CELL), _LARGEST_CELL)
    rows, columns = [*names, _NONE], [*names, _MISSED]
    widest_row, widest_column = (
        max(text_width(shortened(name), _TEXT_PX) for name in some) / DPI
        for some in (rows, columns)
    )
    upwards = widest_column > cell * 0.95
    left, below, top = widest_row + 0.4, 0.3, 0.9 + (widest_column if upwards else 0.2)
    width, height = max(left + size * cell + 0.3, 6.5), below + size * cell + top
    figure = _figure(width, height)
    panel = figure.add_axes(
        (left / width, below / height, size * cell / width, size * cell / height)
    )
    panel.imshow(_shades(counts), extent=(0, size, size, 0), interpolation="nearest")
    gap = 0.06 / (size * cell)
    for k, name in enumerate(rows):
        place, frame = (-gap, k + 0.5), ("axes fraction", "data")
        panel.add_artist(text_artist(shortened(name), _TEXT_PX, place, (1.0, 0.5), frame))
    for k, name in enumerate(columns):
        place, frame = (k + 0.5, 1 + gap), ("data", "axes fraction")
        panel.add_artist(
            text_artist(shortened(name), _TEXT_PX, place, (0.5, 0.0), frame, upwards=upwards)
        )
    if cell >= _READABLE_CELL:
        _write_counts(panel, counts)
    for edge in range(size + 1):
        heavy = 1.6 if edge == size - 1 else 0.6
        panel.axhline(edge, color="white", linewidth=heavy * 1.5)
        panel.axvline(edge, color="white", linewidth=heavy * 1.5)
    panel.set(xticks=[], yticks=[], xlim=(0, size), ylim=(size, 0))
    panel.spines[:].set_visible(False)
    _head(
        figure,
        "What objects (rows) were found as (columns)",
        f"from score {report.counted_from:g} on, IoU {report.matching_iou:g}; "
        "blue right, orange wrong; shade: share of the row",
    )
    return _png(figure)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _head(figure: Figure, title: str, explanation: str) -> None:
    height = figure.get_figheight()
    for text, size, inches in ((title, _TITLE_PX, 0.12), (explanation, 13, 0.42)):
        place = (0.15 / figure.get_figwidth(), 1 - inches / height)
        figure.add_artist(text_artist(text, size, place, (0.0, 1.0), "figure fraction"))


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def _draw_curve(
    panel: Axes,
    found: Outcomes,
    color: str,
    least_score: float | None = None,
    linewidth: float = 1.8,
) -> None:
    """Draw a curve, with a dot where it reaches a score."""
    curve = curve_of(found)
    if curve is None or not len(curve.recall):
        return
    recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)
    panel.plot(recall, precision, color=color, linewidth=linewidth, solid_joinstyle="round")
    points = 0 if least_score is None else np.count_nonzero(curve.scores >= least_score)
    if points:
        panel.plot(
            *(recall[points], precision[points], "o"),
            color=color,
            markersize=6,
            markeredgecolor="white",
            clip_on=False,
        )


def _largest_classes(
    names: Sequence[str], counts: NDArray[np.int64]
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the classes with the most objects, in their order, and the others as one."""
    if len(names) <= _MOST_CLASSES:
        return list(names), counts
    totals = counts[:-1].sum(axis=1)
    kept = np.sort(np.argsort(-totals, kind="stable")[: _MOST_CLASSES - 1])
    group = np.full(len(counts), len(kept))
    group[kept], group[-1] = np.arange(len(kept)), len(kept) + 1
    merged = np.zeros((len(kept) + 2, len(kept) + 2), np.int64)
    np.add.at(merged, (group[:, None], group[None, :]), counts)
    others = f"the other {len(names) - len(kept)}"
    return [*(names[k] for k in kept.tolist()), others], merged


def _shades(counts: NDArray[np.int64]) -> Any:
    """Return RGB of each cell: the share of its row in blue where it is right, else in orange."""
    from matplotlib import colormaps

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shades = colormaps["Oranges"](0.85 * shares)[..., :3]
    right = np.arange(len(counts) - 1)
    shades[right, right] = colormaps["Blues"](0.85 * shares[right, right])[..., :3]
    shades[counts == 0] = 0.97
    return shades


def _write_counts(panel: Axes, counts: NDArray[np.int64]) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shares[row, column] > 0.6 else _INK
            panel.text(column + 0.5, row + 0.5, f"{count:,}", ha="center", va="center", color=ink)
