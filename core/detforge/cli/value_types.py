"""Kinds of values that options take, beyond click's own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detforge.nearest import did_you_mean
from detforge.requests import IMAGENET

if TYPE_CHECKING:
    from collections.abc import Mapping

_MANY_FILES = 1000  # comparing with each takes a second or more

_MIB = 2**20
_UNITS: Mapping[str, int] = {"": 1, "k": 2**10, "m": _MIB, "g": 2**30}


class Existing(click.Path):
    """A path that must exist; of an absent one the message has the name that was meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        path = Path(value)
        if not os.access(path, os.F_OK):
            self.fail(f"{value} does not exist{_instead_of(path)}", param, ctx)
        if path.is_dir() and not self.dir_okay:
            self.fail(f"{value} is a folder; name a file", param, ctx)
        if not path.is_dir() and not self.file_okay:
            self.fail(f"{value} is a file; name a folder", param, ctx)
        if not os.access(path, os.R_OK):
            self.fail(f"{value} cannot be read: no permission", param, ctx)
        return path


def _instead_of(absent: Path) -> str:
    """Return the end of a message: the name that was meant, or the folder that is absent too."""
    try:
        names = [file.name for file in absent.parent.iterdir()]
    except OSError:
        return f": there is no folder {absent.parent}"
    near = did_you_mean(absent.name, names) if len(names) < _MANY_FILES else ""
    return f".{near}" if near else ""


class Weights(Existing):
    """A file with weights, or the word that stands for published ones."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path, or the word as one."""
        return Path(value) if str(value) == IMAGENET else super().convert(value, param, ctx)


FILE = Existing(exists=True, dir_okay=False, readable=True, path_type=Path)
WEIGHTS = Weights(exists=True, dir_okay=False, readable=True, path_type=Path)
FOLDER = Existing(exists=True, file_okay=False, readable=True, path_type=Path)
FILE_OR_FOLDER = Existing(exists=True, readable=True, path_type=Path)
PATH = click.Path(path_type=Path)
PRECISION = click.Choice(["fp32", "fp16", "int8"], case_sensitive=False)


class ByteSize(click.ParamType):
    """A number of bytes, with or without a unit: ``1073741824``, ``1G``, ``512MiB``."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes.

        K, M and G count in steps of 1024, as they do in TensorRT's own tools. A bare number
        below 1 MiB is refused: some tools take it for gibibytes.
        """
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", value.strip().lower())
        if not found:
            self.fail(f"{value!r} is no size; write bytes, or 512M, or 1G", param, ctx)
        size = int(float(found[1]) * _UNITS[found[2]])
        if not found[2] and size < _MIB:
            self.fail(
                f"{value} bytes are too few to work in, and tools differ in what a bare number "
                f"counts; write the unit: {found[1]}G or {found[1]}M",
                param,
                ctx,
            )
        return size


class Dimensions(click.ParamType):
    """The size of an engine's input without its batch: ``3,576,960``."""

    name = "C,H,W"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return channels, height and width."""
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9]\d*,[1-9]\d*,[1-9]\d*", value):
            self.fail(f"{value!r} is no input size; write C,H,W, like 3,576,960", param, ctx)
        return tuple(map(int, value.split(",")))


class Profile(click.ParamType):
    """Shapes that an engine takes: ``images,1x3x300x300,8x3x300x300,16x3x300x300``."""

    name = "NAME,MIN,OPT,MAX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text once it is an input's name and three shapes of one rank."""
        _, *shapes = value.split(",")
        are_shapes = all(re.fullmatch(r"\d+(x\d+)*", shape) for shape in shapes)
        ranks = {shape.count("x") for shape in shapes}
        if len(shapes) != 3 or not are_shapes or len(ranks) != 1:
            self.fail(
                f"{value!r} is no profile; write NAME,MIN,OPT,MAX with shapes like 1x3x300x300",
                param,
                ctx,
            )
        return value
