"""The pictures of an evaluation, written into a folder."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from detforge.evaluation.plots import draw_confusion, draw_curves
from detforge.evaluation.worst_images import draw_worst
from detforge.files.atomic import write_atomically
from detforge.inference.sheets import write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.data.samples import SampleSource
    from detforge.evaluation.run import Measured

log = logging.getLogger("detforge")

CURVES, CONFUSION, WORST = "PR_curve.png", "confusion_matrix.png", "worst_images.png"


def write_artifacts(measured: Measured, source: SampleSource, folder: Path) -> dict[str, Path]:
    """Write all pictures; return what they show -> file.

    Args:
        measured: what to show.
        source: the images that were scored.
        folder: where to; made where it is absent.

    Raises:
        DatasetError: an image cannot be read again.
        CheckpointError: a file cannot be written.
    """
    report = measured.report
    files = write_curves(measured, folder / CURVES)
    if files:  # matplotlib is there
        files["confusion_matrix"] = folder / CONFUSION
        write_atomically(files["confusion_matrix"], draw_confusion(report))
    if measured.mistakes.worst:
        files["worst_images"] = folder / WORST
        picture = draw_worst(measured.mistakes, source, list(report.ap), report.matching_iou)
        write_picture(picture, files["worst_images"])
    return files


def write_curves(measured: Measured, path: Path) -> dict[str, Path]:
    """Write the precision-recall curves; return as `write_artifacts`, empty without matplotlib.

    Raises:
        CheckpointError: the file cannot be written.
    """
    try:
        picture = draw_curves(measured.outcomes, measured.report)
    except ImportError:
        log.warning(
            "precision-recall curves and the confusion matrix are not drawn: they need "
            "matplotlib; install it with 'pip install detforge[train]'"
        )
        return {}
    write_atomically(path, picture)
    return {"precision_recall_curves": path}
