"""Default of the task `inference`: images to drawings and label files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import InferReport, InferRequest


@hookimpl(trylast=True)
def infer(request: InferRequest) -> InferReport:
    """Run a checkpoint or an ONNX file over images."""
    from detforge.inference.run import run_inference

    return run_inference(request)
