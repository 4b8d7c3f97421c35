"""Options of ``evaluate``."""

from __future__ import annotations

from dataclasses import replace

from detforge.cli.option_table import shared

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    replace(shared.MODEL, help="Checkpoint, or an exported ONNX file"),
    replace(shared.FORCE, remark="a report is replaced without it"),
    *shared.COMMON,
)
