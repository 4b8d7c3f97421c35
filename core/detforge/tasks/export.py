"""Default of the task `export`: a checkpoint to a verified ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import ExportReport, ExportRequest


@hookimpl(trylast=True)
def export(request: ExportRequest) -> ExportReport:
    """Build, compare with the checkpoint, and only then write."""
    from detforge.export.run import run_export

    return run_export(request)
