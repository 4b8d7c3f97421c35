"""Names found in the data against the classes that a run knows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import SampleSource
    from detforge.recipe import Classes

# KITTI marks regions that were not annotated with a class of this name. It is no class to be
# found, so a mapping need not name it.
IGNORE_MARKER = "dontcare"

_NOTHING = {"training": "nothing to learn from", "validation": "nothing to score"}


def is_ignore_marker(name: str) -> bool:
    """Tell whether a name is KITTI's DontCare, in any spelling of case."""
    return name.lower() == IGNORE_MARKER


def to_labels(names: Sequence[str], classes: Classes) -> NDArray[np.int32]:
    """Return int32 (N,): the label of each name, -1 for one that the mapping lacks."""
    labels = [classes.label(name) for name in names]
    return np.array([-1 if label is None else label for label in labels], np.int32)


def unmapped_counts(counts: Mapping[str, int], mapping: Mapping[str, str]) -> dict[str, int]:
    """Return the classes with objects that a mapping does not name, without DontCare.

    Args:
        counts: class name as written in the data -> objects.
        mapping: lower-case name -> class.
    """
    return {
        name: count
        for name, count in sorted(counts.items())
        if count and name.lower() not in mapping and not is_ignore_marker(name)
    }


def explain_unmapped(unmapped: Mapping[str, int], mapping: Mapping[str, str]) -> str:
    """Return the unmapped names with their counts and the nearest names of the mapping."""
    parts = []
    for name, count in unmapped.items():
        near = difflib.get_close_matches(name.lower(), list(mapping), n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        parts.append(f"{name!r} ({count} object{'s' if count != 1 else ''}{hint})")
    return ", ".join(parts)


def check_labels(source: SampleSource, classes: Classes, what: str = "training") -> None:
    """Refuse data with a class that the mapping does not name, or without any object.

    Args:
        source: only its counts are asked for; no image is read.
        classes: of the run.
        what: "training" or "validation", for messages.

    Raises:
        DatasetError: lists the classes with counts and near names.
    """
    counts = source.class_counts()
    if unmapped := unmapped_counts(counts, classes.mapping):
        raise DatasetError(
            f"{source.name} has classes that target_class_mapping does not name: "
            f"{explain_unmapped(unmapped, classes.mapping)}. It names: "
            f"{', '.join(sorted(classes.mapping))}. Add the missing ones{source.drop_advice}"
        )
    if not any(count for name, count in counts.items() if name.lower() in classes.mapping):
        raise DatasetError(
            f"{source.name} has {len(source)} images and no labelled object; there is "
            f"{_NOTHING[what]}"
        )
