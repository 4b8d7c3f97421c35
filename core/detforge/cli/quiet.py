"""Keeping TensorFlow's start-up notes off the user's terminal.

Its C++ libraries write a few lines ("could not find cuda drivers ...") to stderr before their
logging is set up; no environment variable stops those.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_NOTES = re.compile(
    rb"^(?:[IW]0000 .*|WARNING: All log messages before absl::InitializeLog.*)\n?", re.MULTILINE
)
_STDERR = 2


def quiet_import(name: str) -> None:
    """Drop the notes of C++ logging that the first import of a module writes to stderr.

    Everything else that the import writes is shown once it is done.
    """
    # 3, not 2: without a GPU TensorFlow calls that an error ("failed call to cuInit"). Errors of
    # its operators reach Python as exceptions, whatever the level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    waiting = [finder.name for finder in sys.meta_path if isinstance(finder, _Finder)]
    if name not in sys.modules and name not in waiting:
        sys.meta_path.insert(0, _Finder(name))


class _Finder(importlib.abc.MetaPathFinder):
    """Stands in front of the other finders until the module is asked for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as usual, and have it executed quietly."""
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_quietly(module: ModuleType) -> None:
                with without_notes():
                    execute(module)

            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Hold back what is written to the file descriptor of stderr, and show it without notes."""
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, _STDERR)
            os.close(terminal)
            held.seek(0)
            with contextlib.suppress(OSError):
                os.write(_STDERR, _NOTES.sub(b"", held.read()))
