"""A spec file to text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from pathlib import Path

# Specs have a few kilobytes. Half a megabyte of single characters takes 160 MB to read.
_MAX_BYTES = 2**19
# How the files begin that are given by mistake: checkpoints, encrypted ones, Keras weights, images.
_OTHER_FILES = {
    b"PK\x03\x04": "is a checkpoint or another zip file",
    b"DETFORGE": "is an encrypted model",
    b"\x89HDF": "is an HDF5 file of weights",
    b"\x89PNG": "is an image",
    b"\xff\xd8\xff": "is an image",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path) -> str:
    """Return the text of a spec file.

    Raises:
        SpecError: it cannot be read, or is no text.
    """
    try:
        return _text_of(_bytes_of(path))
    except ValueError as err:
        raise SpecError(Problem("", str(err), str(path))) from err


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as err:
        raise ValueError("no such file") from err
    except IsADirectoryError as err:
        raise ValueError("is a folder; name the spec file itself") from err
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise ValueError(f"cannot be read: {reason}") from err


def _text_of(data: bytes) -> str:
    for start, kind in _OTHER_FILES.items():
        if data.startswith(start):
            raise ValueError(f"{kind}; a spec is a small text file")
    if len(data) > _MAX_BYTES:
        raise ValueError(f"has more than {_MAX_BYTES // 2**10} KiB; a spec is a small text file")
    if data.startswith(_UTF16):
        raise ValueError("is UTF-16 text; save it as UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        found = f"byte {data[err.start]:#04x} in line {line}"
        raise ValueError(f"is not UTF-8 text ({found}); save it as UTF-8") from err
