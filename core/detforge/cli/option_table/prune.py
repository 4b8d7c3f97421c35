"""Options of ``prune``."""

from __future__ import annotations

from dataclasses import replace

import click

from detforge.cli.option_table import shared
from detforge.cli.options import Option

OPTIONS = (
    shared.MODEL,
    replace(shared.SPEC, required=False, example="", arrives="pruning"),
    replace(shared.CHANGES, arrives="pruning"),
    Option(
        name="output",
        spellings=("-o", "--output", "--output_file", "--output_dir"),
        help="Pruned checkpoint: a file (--output_file), or a folder (--output_dir, or a / at the "
        "end) in which it is called model.tlt with a key, model.detforge without",
        required=True,
        metavar="FILE",
        group="writes",
        example="pruned.detforge",
        output="file",
        file_suffixes=(".tlt", ".detforge"),
    ),
    shared.FORCE,
    Option(
        name="threshold",
        spellings=("-pth", "--pruning_threshold"),
        help="Filters whose normalised norm is at most this are removed",
        type=click.FloatRange(min=0),
        default=0.1,
        example="0.5",
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
    *shared.COMMON,
)
