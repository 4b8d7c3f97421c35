"""Reports of tasks: as text for people, as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import singledispatch
from pathlib import Path
from typing import Any

from detforge.cli.prune_report import describe_pruning
from detforge.requests import (
    ConvertReport,
    EvaluateReport,
    ExportReport,
    InferReport,
    PruneReport,
    TrainReport,
)
from detforge.text_table import table


@singledispatch
def describe(report: Any) -> str:
    """Return a report as lines of text."""
    return "\n".join(f"{field.name}: {getattr(report, field.name)}" for field in fields(report))


@describe.register
def _(report: ConvertReport) -> str:
    folds = list(report.images)
    names = sorted({name for counts in report.objects.values() for name in counts})
    counts = [(report.objects[fold], report.class_images.get(fold, {})) for fold in folds]
    total = [(sum(report.objects[fold].values()), report.images[fold]) for fold in folds]
    rows = [["all", *(str(number) for pair in total for number in pair)]]
    for name in names:
        rows.append([name, *(str(count.get(name, 0)) for pair in counts for count in pair)])
    header = [cell for fold in folds for cell in (fold, "in images")]
    lines = [table(["", *header], rows), f"Manifest: {report.manifest}"]
    lines += [f"Left out: {count} ({reason})" for reason, count in report.dropped.items()]
    if report.dropped_file is not None:
        lines.append(f"Each one left out: {report.dropped_file}")
    lines += [f"Noted: {count} ({note})" for note, count in report.notes.items()]
    if report.warnings_file is not None:
        lines.append(f"Objects out of bounds: {report.warnings_file}")
    return "\n".join(lines)


@describe.register
def _(report: TrainReport) -> str:
    lines = [f"Checkpoint after {report.epochs} epochs: {report.checkpoint}"]
    return "\n".join(lines + [f"{name}: {value:.4f}" for name, value in report.metrics.items()])


@describe.register
def _(report: EvaluateReport) -> str:
    lines = [_precisions(report.ap, report.mean_ap), _conditions(report)]
    if report.mask_ap:
        lines[1:1] = ["Masks:", _precisions(report.mask_ap, report.coco["mask_AP"])]
    if report.coco:
        numbers = [[name, _number(value)] for name, value in report.coco.items()]
        lines.append(table(["COCO", ""], numbers))
    lines += [f"mAP@{iou}: {_number(mean)}" for iou, mean in report.mean_ap_by_iou.items()]
    if report.counts:
        lines.append(_counts(report))
    lines += [
        f"{name.replace('_', ' ').capitalize()}: {path}" for name, path in report.files.items()
    ]
    return "\n".join(lines)


def _precisions(ap: Mapping[str, float | None], mean: float) -> str:
    """Return a row for each class and one for the mean, between lines of stars."""
    from rich.cells import cell_len  # class names may hold wide characters

    width = max(14, *(cell_len(name) + 2 for name in ap))
    rows = [*ap.items(), ("", mean)]
    lines = [
        f"{name}{' ' * (width - cell_len(name))}{'AP' if name else 'mAP':6}{_number(value)}"
        for name, value in rows
    ]
    stars = "*" * max(map(cell_len, lines))
    return "\n".join([stars, *lines, stars])


def _conditions(report: EvaluateReport) -> str:
    ious = report.matching_ious or (report.matching_iou,)
    iou = f"{ious[0]:g}" + (f" to {ious[-1]:g}" if len(ious) > 1 else "")
    how = f"{report.images} images, IoU {iou}, {report.mode}"
    if report.without_objects:
        names = ", ".join(report.without_objects)
        how += f"; left out of the mean, as there is no object: {names}"
    return f"({how})"


def _counts(report: EvaluateReport) -> str:
    rows = [[name, *map(str, counts.values())] for name, counts in report.counts.items()]
    kinds = next(iter(report.counts.values()))
    header = [f"from score {report.counted_from:g} on", *(kind.replace("_", " ") for kind in kinds)]
    return table(header, rows)


def _number(value: float | None) -> str:
    return "no objects" if value is None or math.isnan(value) else f"{value:.3f}"


@describe.register
def _(report: PruneReport) -> str:
    return describe_pruning(report)


@describe.register
def _(report: InferReport) -> str:
    lines = [f"{report.detections} objects in {report.images} images"]
    places = {
        "Annotated images": report.annotated_dir,
        "Label files": report.labels_dir,
        "COCO results": report.detections_file,
    }
    lines += [f"{what}: {place}" for what, place in places.items() if place is not None]
    if report.unreadable:
        lines.append(f"Files not read: {len(report.unreadable)}; the warnings say why")
    return "\n".join(lines)


@describe.register
def _(report: ExportReport) -> str:
    batch = f"batches of {report.batch_size}" if report.batch_size else "any batch size"
    noise = "images of noise, as there are no validation images here"
    images = noise if report.compared_on == "noise" else report.compared_on
    return (
        f"Model: {report.model} ({report.target}, opset {report.opset}, {batch})\n"
        f"Compared with the checkpoint on {report.compared_images} {images}: boxes differ by at "
        f"most {report.max_box_difference:.3g} px, scores by at most "
        f"{report.max_score_difference:.3g}"
    )


def write_json(report: Any, path: Path, detector: str, task: str) -> None:
    """Write a report as JSON: its fields, and which detector and task it is of.

    Numbers that JSON cannot hold (a mean over no classes) are written as null.
    """
    from detforge.files import write_atomically

    content = {"detector": detector, "task": task}
    content |= {field.name: _plain(getattr(report, field.name)) for field in fields(report)}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None
