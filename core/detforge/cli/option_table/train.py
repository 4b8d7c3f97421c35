"""Options of ``train``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import PATH, WEIGHTS
from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (
    shared.SPEC,
    shared.CHANGES,
    Option(
        name="resume_model_weights",
        spellings=("-m", "--resume_model_weights"),
        help="File to take the weights from, or imagenet for published ones; with --initial_epoch, "
        "checkpoint to go on from",
        type=WEIGHTS,
        group="reads",
    ),
    Option(
        name="results_dir",
        spellings=("-r", "--results_dir", "-d", "--model_dir"),
        help="Folder for checkpoints, metrics and the report",
        type=PATH,
        required=True,
        metavar="FOLDER",
        group="writes",
        example="results",
    ),
    replace(
        shared.FORCE,
        help="Start anew where an earlier run of the command would go on. Checkpoints that the run "
        "would meet are removed once its own first one is written",
    ),
    Option(
        name="initial_epoch",
        spellings=("--initial_epoch",),
        help="Epoch to go on with from the checkpoint of -m, optimiser and position included. An "
        "interrupted run needs none: repeat its command",
        type=click.IntRange(min=1),
        default=1,
    ),
    Option(
        name="gpus",
        spellings=("--gpus",),
        help="Number of GPUs",
        type=click.IntRange(min=1),
        default=1,
        arrives="multi_gpu",
        works=(1,),
    ),
    Option(
        name="num_processes",
        spellings=("-np", "--num_processes"),
        help="Number of processes, -1 for as many as GPUs",
        type=click.IntRange(min=-1),
        default=-1,
        arrives="multi_gpu",
        works=(-1, 1),
    ),
    Option(
        name="use_amp",
        spellings=("--use_amp",),
        help="Compute in half precision; the spec of some detectors can say it too",
        type=bool,
    ),
    Option(
        name="use_multiprocessing",
        spellings=("--use_multiprocessing",),
        help="Prepare batches in several processes; the spec can say it too",
        type=bool,
    ),
    shared.KEY,
    shared.KEY_FILE,
    replace(shared.GPU_INDEX, help="GPUs to use, as many as --gpus: 0 1, or 0,1"),
    *shared.MESSAGES,
)


def check(options: Mapping[str, Option], values: Mapping[str, Any]) -> None:
    """Hold the numbers of GPUs to how many there should be."""
    chosen, wanted = len(values["gpu_index"]), values["gpus"]
    if chosen and chosen != wanted:
        raise UsageError(
            f"{options['gpu_index'].title} names {chosen} GPUs, but {options['gpus'].title} is "
            f"{wanted}; make them agree"
        )
