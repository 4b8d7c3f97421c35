"""``detforge data``: look at data sets, or draw one to try things out with."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from detforge.cli.commands import Group
from detforge.cli.option_table import shared
from detforge.cli.options import Option
from detforge.cli.task_command import TaskCommand
from detforge.cli.value_types import FOLDER, PATH
from detforge.cli.words import CONTEXT

SUMMARIES = {
    "stats": "Say what is in a data set, and which labels look wrong.",
    "preview": "Draw training images as the network sees them.",
    "scenes": "Draw images of shapes with KITTI and COCO labels.",
}


class Pixels(NamedTuple):
    """The size of an image."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Size(click.ParamType):
    """Two positive numbers with an x between them: ``320x240``."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Pixels:
        """Return width and height."""
        if isinstance(value, Pixels):
            return value
        found = re.fullmatch(r"([1-9]\d*)[xX\u00d7]([1-9]\d*)", value)
        if not found:
            self.fail(f"{value!r} is no size; write WIDTHxHEIGHT, like 320x240", param, ctx)
        return Pixels(int(found[1]), int(found[2]))


_DETECTOR = Option(
    name="detector",
    spellings=("--detector",),
    help="Whose spec it is; without it the one that reads the spec",
    metavar="NAME",
    group="reads",
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
    replace(
        _DETECTOR,
        help="Whose spec it is, without it the one that reads the spec; or who brings a reader "
        "for the data",
    ),
    shared.CHANGES,
    Option(
        name="hash",
        spellings=("--hash",),
        help="Look for images that are there twice, which reads all of every image",
        type=bool,
    ),
    shared.JSON,
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
        default=Path("preview.png"),
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
        type=Size(),
        default=Pixels(320, 240),
        metavar="WxH",
    ),
    *shared.MESSAGES,
)

OPTIONS = {"stats": STATS_OPTIONS, "preview": PREVIEW_OPTIONS, "scenes": SCENES_OPTIONS}


class DataGroup(Group):
    """``detforge data``: its commands need no detector, or find it by the spec."""

    def rows(self) -> list[tuple[str, str]]:
        """Return the commands and what they do."""
        return list(SUMMARIES.items())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; nothing of what it needs is loaded."""
        return DataCommand(cmd_name) if cmd_name in SUMMARIES else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(self.rows())


class DataCommand(TaskCommand):
    """``detforge data <command>``."""

    def __init__(self, name: str) -> None:
        super().__init__(name, OPTIONS[name], self._start, SUMMARIES[name])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and a command line that does it."""
        from detforge.cli.help import write_example

        super().format_help_text(ctx, formatter)
        write_example(formatter, ctx.command_path, self.options)

    def _start(self, given: dict[str, Any]) -> None:
        from detforge.cli import data_runs
        from detforge.cli.parameters import checked_values

        getattr(data_runs, f"run_{self.name}")(checked_values(self.options, given))


data_group = DataGroup(
    "data", help="Look at data sets, or draw one to try things out with.", context_settings=CONTEXT
)
