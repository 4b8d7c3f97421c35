"""Where words to the user go: results to stdout, everything else to stderr, all to a log file."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from detforge.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("detforge")

_ON_SCREEN = {"is_on_screen": True}
"""Marks a record that the terminal has seen already; only the log file wants it."""


class _Plain(logging.Formatter):
    """The message alone; a warning and worse says what it is."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return text if record.levelno < logging.WARNING else f"{record.levelname.title()}: {text}"


class _Once(logging.Filter):
    """Lets each warning through once.

    A message about other detectors loads them, and each load warns of a broken extension anew.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if record.levelno != logging.WARNING or text not in self._seen:
            self._seen.add(text)
            return True
        return False


def open_console() -> None:
    """Send log messages to stderr as plain lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    handler.addFilter(lambda record: not getattr(record, "is_on_screen", False))
    handler.addFilter(_Once())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    # TensorFlow's logging puts a handler of its own on the root: each line would come twice.
    log.propagate = False


def configure(*, verbose: bool, log_file: Path | None) -> None:
    """Set the level, and open the log file.

    Raises:
        UsageError: the log file cannot be written.
    """
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    if log_file is None:
        return
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file, encoding="utf-8")
    except OSError as err:
        raise UsageError(f"--log_file {log_file} cannot be written: {err.strerror}") from err
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_Once())
    log.addHandler(handler)


def close() -> None:
    """Undo `open_console` and `configure`."""
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.propagate = True


def say(text: str) -> None:
    """Write a result to stdout."""
    click.echo(text)
    log.info(text, extra=_ON_SCREEN)


def fail(text: str) -> None:
    """Write the last message of a command that failed to stderr."""
    click.echo(text, err=True)
    log.error(text, extra=_ON_SCREEN)


def show_traceback() -> None:
    """Write the traceback of the error being handled to stderr and the log file."""
    log.info("Traceback of the error:", exc_info=True)


def record_traceback() -> None:
    """Write the traceback of the error being handled to the log file; Python shows it."""
    log.critical("detforge stopped by an error of its own", exc_info=True, extra=_ON_SCREEN)
