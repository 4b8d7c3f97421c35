"""Which files a pattern for records means, and which fold each belongs to by its name."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from detforge.errors import DatasetError

# Files that lie beside records: ours, and the index and warning files of TAO.
_BESIDE = re.compile(
    r"\..*|idx-.*|.*\.(?:manifest\.json|dropped\.jsonl|jsonl?)|.*_warnings?(?:\.\w+)?"
)
# What may follow a prefix in the name of a shard.
_AFTER_PREFIX = re.compile(r"-(?:fold|of|shard)-.*|-\d+-of-\d+.*|\.(?:tfrecords?|records?)")

_FOLD = re.compile(r"fold-(\d+)-of-\d+")


def fold_of(file: Path) -> int | None:
    """Return the number of the fold that a record file belongs to by its name, None for none."""
    found = _FOLD.search(file.name)
    return int(found[1]) if found else None


def find_record_files(pattern: str, field: str = "") -> list[Path]:
    """Return the record files that a pattern names, sorted by name.

    Args:
        pattern: a file; a folder (all records in it); a glob pattern; or a prefix, followed in
            the file names by ``-fold-...`` or ``-00000-of-...``.
        field: the spec field that holds the pattern, for messages.

    Raises:
        DatasetError: nothing matches, or a folder cannot be read.
    """
    path = Path(pattern)
    try:
        if path.is_file():
            return [path]
        found = [candidate for candidate in _candidates(path) if _is_record(candidate)]
    except OSError as err:
        raise DatasetError(f"{pattern}{named_by(field)} cannot be read: {err.strerror}") from err
    if not found:
        raise DatasetError(
            f"no records match {pattern}{named_by(field)}; it may be a glob pattern, a prefix "
            "given to dataset_convert -o, a file or a folder"
        )
    return sorted(found)


def _candidates(path: Path) -> list[Path]:
    if path.is_dir():
        return list(path.iterdir())
    return _matching(path) or _following(path)


def _matching(pattern: Path) -> list[Path]:
    # A folder that is there is meant as it is written, whatever brackets are in its name.
    folder = pattern.parent if pattern.parent.is_dir() else None
    names = glob.glob(pattern.name if folder else str(pattern), root_dir=folder, recursive=True)  # noqa: PTH207
    return [folder / name if folder else Path(name) for name in names]


def _following(prefix: Path) -> list[Path]:
    siblings = prefix.parent.iterdir() if prefix.parent.is_dir() else ()
    return [
        child
        for child in siblings
        if child.name.startswith(prefix.name)
        and _AFTER_PREFIX.fullmatch(child.name[len(prefix.name) :])
    ]


def named_by(field: str) -> str:
    """Return the spec field that named something, for the middle of a message."""
    return f" ({field})" if field else ""


def _is_record(path: Path) -> bool:
    return path.is_file() and not _BESIDE.fullmatch(path.name)
