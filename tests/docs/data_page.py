"""The blocks of docs/data.md: what the program says about drawn scenes, and what it looks for."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tempfile
from collections.abc import Callable, Mapping
from functools import partial

from detforge.cli import main
from tests.docs.console import fenced

# How long something took is not the same twice.
_TIMES = re.compile(r"(?m)^.* images in [\d.]+ s, .*\n")


def session(*lines: str) -> str:
    """Return command lines, run one after the other in a new folder, and what each shows."""
    shown = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for line in lines:
            screen = io.StringIO()
            with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
                main(shlex.split(line)[1:])
            shown.append(f"$ {line}\n{_TIMES.sub('', screen.getvalue())}")
    return fenced("\n".join(shown), "console")


BLOCKS: Mapping[str, Callable[[], str]] = {
    "stats": partial(
        session,
        "detforge data scenes scenes --images 40",
        "detforge data stats scenes/instances.json -r stats",
    ),
    "convert": partial(
        session,
        "detforge data scenes scenes --images 40",
        "detforge efficientdet dataset_convert -i scenes/images -a scenes/instances.json"
        " -o records -t train -s 4",
    ),
    "wrong": partial(
        session,
        "detforge data scenes sets/train --images 1",
        "detforge data stats sets",
        "detforge data stats sets/train/images",
    ),
}
"""Name -> what makes the block."""
