"""Names found in the data against the classes that a run knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detforge.errors import DatasetError
from detforge.nearest import nearest

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
        near = nearest(name, mapping)
        hint = f", did you mean {near!r}?" if near else ""
        parts.append(f"{name!r} ({count} object{'s' if count != 1 else ''}{hint})")
    return ", ".join(parts)


def numbered_labels(classes: Classes) -> tuple[str, ...]:
    """Return the labels that TAO's class numbers 1, 2, ... stand for.

    The numbers count the classes in the order of their lower-case names. A class whose own name
    is no label of the mapping gets the first label that leads to it.
    """

    def label_of(name: str) -> str:
        if classes.mapping.get(name.lower()) == name:
            return name
        labels = (label for label, target in sorted(classes.mapping.items()) if target == name)
        return next(labels, name)

    return tuple(label_of(name) for name in sorted(classes.names, key=str.lower))


def name_classes(classes: Classes, categories: Mapping[int, str]) -> Classes:
    """Return classes that go by category ids with the names that the data have for them.

    Only names change: the data still write ids, and their order is that of the head. An id
    without a name, and one whose name another id has already, keeps the id in its name.

    Args:
        classes: others than by category id are returned as they are.
        categories: category id -> name.
    """
    if not classes.by_category_id:
        return classes
    ids = list(classes.mapping)
    names: list[str] = []
    for identity in ids:
        name = categories.get(int(identity), identity)
        names.append(f"{name} ({identity})" if name in names else name)
    return replace(classes, names=tuple(names), mapping=dict(zip(ids, names, strict=True)))


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
    unmapped = unmapped_counts(counts, classes.mapping)
    if unmapped and classes.by_category_id:
        raise DatasetError(_explain_ids(source, unmapped, classes))
    if unmapped:
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


def _explain_ids(source: SampleSource, unmapped: Mapping[str, int], classes: Classes) -> str:
    parts = [
        f"{identity} ({source.categories.get(int(identity), 'no name')}, {count} objects)"
        for identity, count in unmapped.items()
    ]
    largest = max(int(identity) for identity in unmapped)
    advice = (
        f"Set num_classes to {largest + 1} or more: the largest id, and the background"
        if largest > len(classes.names)
        else "Number the categories from 1: 0 is the background"
    )
    return (
        f"{source.name} has objects of the categories {', '.join(parts)}; num_classes has room for "
        f"the ids 1 to {len(classes.names)}. {advice}"
    )
