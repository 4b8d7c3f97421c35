"""What a command line shows, as the pages of docs/ have it."""

from __future__ import annotations

import contextlib
import io
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from detforge.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shown(NamedTuple):
    """What a command line came to.

    Attributes:
        code: exit code.
        text: output and messages, as a terminal has them.
    """

    code: int
    text: str


def run(line: str, files: Mapping[str, str]) -> Shown:
    """Run a command line in an empty folder that holds some files.

    Args:
        line: begins with ``detforge``.
        files: name -> text.
    """
    screen = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, text in files.items():
            Path(name).write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            code = main(shlex.split(line)[1:])
    return Shown(code, screen.getvalue())


def fenced(text: str, language: str = "text") -> str:
    """Return text as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"
