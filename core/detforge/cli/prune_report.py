"""The report of `prune` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.text_table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.requests import PruneReport

_HEADER = ("layer", "channels", "now", "parameters", "now", "multiply-adds", "now")


def describe_pruning(report: PruneReport) -> str:
    """Return a report as lines of text."""
    ratio = report.parameters_after / report.parameters_before
    lines = [
        table(_HEADER, list(_rows(report))),
        f"Pruning ratio (parameters of the pruned model / of the original): {ratio:.4f}",
        *_circumstances(report),
        f"Checkpoint: {report.checkpoint or 'none was written'}",
    ]
    return "\n".join(lines)


def _rows(report: PruneReport) -> Iterator[list[str]]:
    """Yield a row for each layer that has channels of its own, for the others, and for all."""
    before, after = report.parameters_before, report.parameters_after
    for name, channels in report.channels.items():
        parameters = report.layer_parameters.get(name)
        operations = report.layer_multiply_adds.get(name)
        yield [name, *_cells(channels), *_cells(parameters), *_cells(operations)]
        if parameters:
            before, after = before - parameters[0], after - parameters[1]
    if report.layer_parameters:
        yield ["other layers", *_cells(None), *_cells((before, after)), *_cells(None)]
    total = report.parameters_before, report.parameters_after
    operations = report.multiply_adds_before, report.multiply_adds_after
    yield ["all layers", *_cells(None), *_cells(total), *_cells(operations)]


def _cells(pair: tuple[int, int] | None) -> tuple[str, str]:
    return (f"{pair[0]:,}", f"{pair[1]:,}") if pair and pair[0] else ("", "")


def _circumstances(report: PruneReport) -> Iterator[str]:
    """Yield what a report says beside the layers; a detector's own may leave all of it out."""
    if report.threshold is not None:
        yield f"Threshold: {report.threshold}"
    if report.file_bytes_before:
        size, smaller = report.file_bytes_before / 1e6, report.file_bytes_after / 1e6
        state = report.optimizer_bytes / 1e6
        note = f", of which {state:.1f} MB were the optimiser's state" if state else ""
        yield f"File: {size:.1f} MB{note}; now {smaller:.1f} MB"
    if report.seconds:
        yield (
            f"Pruned in {report.seconds:.2f} s, after {report.seconds_to_build:.1f} s for reading "
            "the checkpoint and building its model"
        )
    if report.check:
        yield (
            "In {images} images {before} objects before, {after} after, {matched} of them the "
            "same: their scores differ by at most {largest_score_change:.3g}, their boxes have an "
            "IoU of {least_iou:.3g} or more"
        ).format(**report.check)
