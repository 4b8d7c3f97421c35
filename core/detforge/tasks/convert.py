"""Default of the task `dataset_convert`: labelled images to records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import ConvertReport, ConvertRequest


@hookimpl(trylast=True)
def convert(request: ConvertRequest) -> ConvertReport:
    """Convert with the core's readers and record format."""
    from detforge.data.convert import convert_dataset

    return convert_dataset(request)
