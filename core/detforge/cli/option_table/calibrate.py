"""Options of ``calibration_tensorfile``."""

from __future__ import annotations

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import PATH

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    Option(
        name="output",
        spellings=("-o", "--output", "--output_path"),
        help="Tensorfile to write",
        type=PATH,
        required=True,
        metavar="FILE",
        group="writes",
        example="calibration.tensorfile",
    ),
    shared.FORCE,
    Option(
        name="max_batches",
        spellings=("-m", "--max_batches"),
        help="Batches to write, -1 for all; the batch size is the spec's",
        type=click.IntRange(min=-1),
        required=True,
        example="10",
    ),
    Option(
        name="use_validation_set",
        spellings=("--use_validation_set",),
        help="Take images of the validation set instead of the training set",
        type=bool,
    ),
    *shared.COMMON,
)
