"""Options of ``engine``, with the letters of the older ``tao-converter``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import FILE, PATH, PRECISION, ByteSize, Dimensions, Profile
from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (
    Option(
        name="model",
        spellings=(),
        help="Exported model",
        type=FILE,
        required=True,
        metavar="MODEL",
        group="reads",
        example="model.onnx",
    ),
    Option(
        name="cal_cache_file",
        spellings=("-c", "--cal_cache_file"),
        help="Calibration cache, for int8",
        type=PATH,
        metavar="FILE",
        default=Path("cal.bin"),
        group="reads",
    ),
    Option(
        name="engine_file",
        spellings=("-e", "--engine_file"),
        help="TensorRT engine to write",
        type=PATH,
        metavar="FILE",
        default=Path("saved.engine"),
        group="writes",
        example="model.engine",
    ),
    shared.FORCE,
    Option(
        name="data_type",
        spellings=("-t", "--data_type"),
        help="Precision",
        type=PRECISION,
        default="fp32",
        example="fp16",
    ),
    Option(
        name="input_dims",
        spellings=("-d", "--input_dims"),
        help="Size of the input; without it the model's own",
        type=Dimensions(),
    ),
    Option(
        name="input_order",
        spellings=("-i", "--input_order"),
        help="Order of the input's axes",
        type=click.Choice(["nchw", "nhwc", "nc"], case_sensitive=False),
        default="nchw",
    ),
    Option(
        name="output_nodes",
        spellings=("-o", "--output_nodes"),
        help="Outputs, with commas between them; without it the model's own",
        metavar="NAME,...",
    ),
    Option(
        name="max_batch_size",
        spellings=("-m", "--max_batch_size"),
        help="Largest batch",
        type=click.IntRange(min=1),
        default=16,
    ),
    Option(
        name="batch_size",
        spellings=("-b", "--batch_size"),
        help="Batch size of the calibration",
        type=click.IntRange(min=1),
        default=8,
    ),
    Option(
        name="optimization_profile",
        spellings=("-p", "--optimization_profile"),
        help="Smallest, usual and largest shape of an input; once for each input",
        type=Profile(),
        repeated=True,
    ),
    Option(
        name="max_workspace_size",
        spellings=("-w", "--max_workspace_size"),
        help="Memory to build in: bytes, or with a unit, 512M or 1G",
        type=ByteSize(),
        default=2**30,
    ),
    Option(
        name="strict_type_constraints",
        spellings=("-s", "--strict_type_constraints"),
        help="Let no layer run in another precision",
        type=bool,
    ),
    Option(
        name="dla_core",
        spellings=("-u", "--dla_core"),
        help="DLA core to build for",
        type=click.IntRange(min=0),
    ),
    *shared.COMMON,
)


def check(options: Mapping[str, Option], values: Mapping[str, Any]) -> None:
    """Keep the engine off a spec: elsewhere -e is the spec, here the file to write."""
    path = values["engine_file"]
    if _is_text(path):
        raise UsageError(
            f"{options['engine_file'].title} (-e) is {path}, a text file: here -e names the engine "
            "to write, as it did in tao-converter. An engine is built from the exported model "
            "alone, without a spec"
        )


def _is_text(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(1024)
    except OSError:
        return False  # there is none, or it cannot be written either, which is checked later
    return start != b"" and b"\0" not in start
