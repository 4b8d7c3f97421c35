"""Options of ``prune``."""

from __future__ import annotations

from dataclasses import replace

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.value_types import FILE_OR_FOLDER

OPTIONS = (
    shared.MODEL,
    replace(
        shared.SPEC,
        required=False,
        example="",
        help="Experiment spec; without it the one in the checkpoint counts",
    ),
    replace(shared.CHANGES, needs=("spec",)),
    Option(
        name="output",
        spellings=("-o", "--output", "--output_file", "--output_dir"),
        help="Pruned checkpoint: a file (--output_file), or a folder (--output_dir, or a / at the "
        "end) in which it is called model.tlt with a key, model.detforge without",
        required=True,
        unless="dry_run",
        metavar="FILE",
        group="writes",
        example="pruned.detforge",
        output="file",
        file_suffixes=(".tlt", ".detforge"),
    ),
    shared.FORCE,
    Option(
        name="dry_run",
        spellings=("--dry_run",),
        help="Show what would go and write no checkpoint; -o may be left out",
        type=bool,
        group="writes",
    ),
    Option(
        name="threshold",
        spellings=("-pth", "--pruning_threshold"),
        help="Filters whose normalised norm is at most this are removed",
        type=click.FloatRange(min=0),
        default=0.1,
        example="0.5",
    ),
    Option(
        name="target_ratio",
        spellings=("--target_ratio",),
        help="Share of the parameters to leave at most: looks for the lowest threshold that does, "
        "in the place of -pth",
        type=click.FloatRange(min=0, max=1, min_open=True),
        excludes=("threshold",),
    ),
    Option(
        name="normalizer",
        spellings=("-n", "--normalizer"),
        help="What the kernel norms of a layer are divided by: the largest, or their L2 norm",
        type=click.Choice(["max", "L2"], case_sensitive=False),
        default="max",
    ),
    Option(
        name="equalization_criterion",
        spellings=("-eq", "--equalization_criterion"),
        help="How layers whose outputs meet are made to agree",
        type=click.Choice(
            ["union", "intersection", "arithmetic_mean", "geometric_mean"], case_sensitive=False
        ),
        default="union",
    ),
    Option(
        name="granularity",
        spellings=("-pg", "--pruning_granularity", "-pruning_granularity"),
        help="Filters are kept in multiples of this",
        type=click.IntRange(min=1),
        default=8,
    ),
    Option(
        name="min_filters",
        spellings=("-nf", "--min_num_filters"),
        help="Least number of filters a layer keeps",
        type=click.IntRange(min=1),
        default=16,
    ),
    Option(
        name="excluded_layers",
        spellings=("-el", "--excluded_layers"),
        help="Layers left whole",
        multiple=True,
        metavar="NAME ...",
        misprints=("-i",),
    ),
    Option(
        name="check_images",
        spellings=("--check_images",),
        help="Folder of images, or one image: tells how what is found in them changes",
        type=FILE_OR_FOLDER,
        group="reads",
    ),
    *shared.COMMON,
)
