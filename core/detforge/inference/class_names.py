"""Class names from a file, for models whose spec gives only their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.data.images import read_bytes
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

_BACKGROUND = ("bg", "background")


def read_class_names(path: Path, count: int) -> tuple[str, ...]:
    """Return the class names of a file, one a line in the order of the labels.

    A first line "BG" or "background" is read over: label files for DeepStream begin with it.

    Args:
        path: the file.
        count: number of classes of the model.

    Raises:
        DatasetError: it is no text, has an empty line between names, or another number of names.
    """
    try:
        lines = read_bytes(path).decode("utf-8-sig").rstrip().splitlines()
    except UnicodeDecodeError as err:
        raise DatasetError(f"{path} is not UTF-8 text; it holds one class name a line") from err
    names = [line.strip() for line in lines]
    if len(names) == count + 1 and names[0].lower() in _BACKGROUND:
        del names[0]
    if "" in names:
        raise DatasetError(f"{path} line {names.index('') + 1} is empty; every class has a name")
    if len(names) != count:
        raise DatasetError(f"{path} names {len(names)} classes, and the model has {count}")
    return tuple(names)
