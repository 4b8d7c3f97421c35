"""Writing a file so that a crash leaves either the old one or the new one, complete."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from pathlib import Path

from detforge.errors import CheckpointError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
# Nobody is at one file that long; the clocks of two hosts do not differ as much.
_STALE_SECONDS = 3600


def write_atomically(path: Path, data: bytes, *, flush: bool = True) -> None:
    """Write a file in one step, as seen by everybody else.

    The bytes go to a temporary name in the same folder and reach the disk before they take
    the place of what was there. Missing folders are made.

    Args:
        path: the file to write or to replace.
        data: its whole content.
        flush: wait for the disk. Without, a process that is killed still leaves the old file or
            the new one, but a power cut may not: for the many files that are easily made again.

    Raises:
        CheckpointError: the file cannot be written; what was there before is unchanged.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, temporary, data, flush=flush)
    except OSError as err:
        raise CheckpointError(
            f"{path} cannot be written: {err.strerror or err}. A file that was there before is "
            "unchanged; free some space or choose another folder, and run again"
        ) from err
    if not flush:
        return
    try:
        _sync_folder(path.parent)
    except OSError as err:
        raise CheckpointError(
            f"{path} is written, but its folder cannot be flushed to the disk: "
            f"{err.strerror or err}. The file may be lost if the machine stops now"
        ) from err


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of `write_atomically` that killed processes left an hour ago or more.

    No reader takes them for a file of ours; all they do is fill the disk.
    """
    oldest = time.time() - _STALE_SECONDS
    with contextlib.suppress(OSError):  # they are in nobody's way
        for path in folder.iterdir():
            if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < oldest:
                path.unlink()


def _replace(path: Path, temporary: Path, data: bytes, *, flush: bool) -> None:
    try:
        _write_new(temporary, data, flush=flush)
        temporary.replace(path)
    except BaseException:
        # Also on Ctrl-C. If even this fails, the first error is the one to tell.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _write_new(path: Path, data: bytes, *, flush: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    if os.name == "nt":  # Windows has no handle to flush a folder with
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
