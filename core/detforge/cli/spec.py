"""``detforge <detector> spec``: print a commented spec, check spec files, explain fields."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detforge.cli.commands import TaskCommand
from detforge.cli.option_table import OPTIONS
from detforge.cli.options import Option

if TYPE_CHECKING:
    from detforge.plugins import Detector

_COMMON = tuple(
    option
    for option in OPTIONS
    if option.name in ("log_file", "verbose", "debug") and option.common
)
SPEC_OPTIONS: tuple[Option, ...] = (
    Option(
        name="check",
        spellings=("--check",),
        help="Spec to check instead of printing one; several follow one another, - is stdin",
        type=click.Path(allow_dash=True, path_type=Path),
        multiple=True,
        metavar="FILE ...",
    ),
    *_COMMON,
)


def spec_command(name: str) -> click.Command:
    """Return the command for a detector.

    Raises:
        PluginError: the detector cannot be loaded.
    """
    from detforge.plugins import load_detector

    detector = load_detector(name)
    return TaskCommand("spec", SPEC_OPTIONS, lambda values: run(detector, values))


def run(detector: Detector, values: dict[str, Any]) -> None:
    """Check the files.

    Raises:
        DetforgeError: what the user can mend.
    """
    from detforge.cli import logs
    from detforge.spec import load_spec

    for path in values["check"]:
        spec = load_spec(path, detector.spec_schema())
        detector.recipe(spec)
        logs.say(f"{path}: correct")
