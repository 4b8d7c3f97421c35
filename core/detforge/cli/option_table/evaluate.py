"""Options of ``evaluate``."""

from __future__ import annotations

from dataclasses import replace

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    replace(shared.MODEL, help="Checkpoint, or an exported ONNX file"),
    Option(
        name="metric",
        spellings=("--metric",),
        help="Average precision to tell instead of the spec's: Pascal VOC's at 11 points (sample) "
        "or as an area (integrate), or COCO's twelve numbers",
        type=click.Choice(["sample", "integrate", "coco"], case_sensitive=False),
    ),
    replace(shared.FORCE, remark="a report is replaced without it"),
    *shared.COMMON,
)
