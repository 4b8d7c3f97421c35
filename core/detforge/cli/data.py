"""``detforge data``: data sets to try things out with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from detforge.cli import doors
from detforge.errors import UsageError


class Size(click.ParamType):
    """Two positive numbers with an x between them: ``320x240``."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (width, height) in pixels."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([1-9]\d*)[xX\u00d7]([1-9]\d*)", value)
        if not found:
            self.fail(f"{value!r} is no size; write WIDTHxHEIGHT, like 320x240", param, ctx)
        return int(found[1]), int(found[2])


@click.group("data")
def data_group() -> None:
    """Draw data sets to try things out with."""


@data_group.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--images", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--size", type=Size(), default="320x240", show_default=True, help="Of each image.")
def scenes(folder: Path, images: int, seed: int, size: tuple[int, int]) -> None:
    """Draw images of shapes with KITTI and COCO labels into FOLDER."""
    doors.check_folder(folder, "FOLDER")
    from detforge.data.scenes import draw_scenes

    try:
        draw_scenes(folder, images=images, seed=seed, size=size)
    except OSError as err:
        raise UsageError(f"{err.filename or folder} cannot be written: {err.strerror}") from err
    click.echo(f"{images} images in {folder}")
