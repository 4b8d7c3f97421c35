"""``detforge data``: look at data sets, or draw one to try things out with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detforge.cli import doors, logs
from detforge.cli.commands import Group
from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.parameters import checked_values
from detforge.cli.task_command import TaskCommand
from detforge.cli.value_types import FOLDER, PATH, ImageSize
from detforge.cli.words import CONTEXT
from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DETECTOR = Option(
    name="detector",
    spellings=("--detector",),
    help="Whose spec it is; without it the one that reads it",
    metavar="NAME",
    group="reads",
)

_SEED = Option(
    name="seed",
    spellings=("--seed",),
    help="Another seed, other images",
    type=click.IntRange(min=0),
)

STATS_OPTIONS = (
    Option(
        name="data",
        spellings=(),
        help="Records (a file, a folder, a prefix or a quoted pattern), a folder with images and "
        "KITTI labels, a COCO file, or an experiment spec",
        multiple=True,
        metavar="PATH_OR_SPEC",
        group="reads",
        example="spec.txt",
    ),
    Option(
        name="images",
        spellings=("-i", "--images", "--image_dir"),
        help="Folder of the images of a COCO file, or of KITTI labels",
        type=FOLDER,
        group="reads",
    ),
    Option(
        name="labels",
        spellings=("-l", "--labels", "--label_dir"),
        help="Folder of KITTI labels",
        type=FOLDER,
        group="reads",
    ),
    _DETECTOR,
    shared.CHANGES,
    Option(
        name="hash",
        spellings=("--hash",),
        help="Look for images that are there twice, which reads all of every image",
        type=bool,
    ),
    Option(
        name="json",
        spellings=("--json",),
        help="Print JSON instead of tables",
        type=bool,
    ),
    Option(
        name="results_dir",
        spellings=("-r", "--results_dir", "-o", "--output", "--output_dir"),
        help="Folder for stats.json, stats.png and a list of all suspicious labels",
        type=PATH,
        metavar="FOLDER",
        group="writes",
        example="stats",
    ),
    *shared.MESSAGES,
)

PREVIEW_OPTIONS = (
    shared.SPEC,
    _DETECTOR,
    shared.CHANGES,
    Option(
        name="output",
        spellings=("-o", "--output", "--output_file"),
        help="Image to write",
        type=PATH,
        default="preview.png",
        metavar="FILE",
        group="writes",
        example="preview.png",
    ),
    Option(
        name="images",
        spellings=("-n", "--images"),
        help="How many",
        type=click.IntRange(1, 400),
        default=16,
    ),
    Option(
        name="epoch",
        spellings=("--epoch",),
        help="Epoch to begin with",
        type=click.IntRange(min=1),
        default=1,
    ),
    Option(
        name="seed",
        spellings=("--seed",),
        help="Seed of order and augmentation; without it the spec's",
        type=click.IntRange(min=0),
    ),
    Option(
        name="validation",
        spellings=("--validation",),
        help="Show the validation images, which are not augmented",
        type=bool,
    ),
    Option(
        name="plain",
        spellings=("--plain",),
        help="Show each image without augmentation beside it",
        type=bool,
    ),
    *shared.MESSAGES,
)

SCENES_OPTIONS = (
    Option(
        name="folder",
        spellings=(),
        help="Made if need be",
        type=PATH,
        required=True,
        metavar="FOLDER",
        group="writes",
        example="scenes",
    ),
    Option(
        name="images",
        spellings=("--images",),
        help="How many",
        type=click.IntRange(min=1),
        default=100,
    ),
    Option(
        name="seed",
        spellings=("--seed",),
        help="Another seed, other scenes",
        type=click.IntRange(min=0),
        default=0,
    ),
    Option(
        name="size",
        spellings=("--size",),
        help="Of each image",
        type=ImageSize(),
        default=(320, 240),
    ),
    *shared.MESSAGES,
)
