"""What the labels of a data set are called in its records."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.labels import explain_unmapped, is_ignore_marker, unmapped_counts
from detforge.data.samples import Dropped, Sample
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

DONT_CARE = "DontCare"
UNMAPPED = "not in target_class_mapping"


def labels_as_classes(counts: Mapping[str, int]) -> dict[str, str]:
    """Return the mapping of data that nobody maps: labels are classes, but for KITTI's DontCare.

    Labels that differ in nothing but case are one class, as they are everywhere; it is called by
    the most frequent spelling, and it is said.

    Args:
        counts: label as written in the data -> objects.

    Returns:
        label, lower-case -> class.
    """
    spellings: dict[str, list[str]] = {}
    for label in sorted(label for label in counts if not is_ignore_marker(label)):
        spellings.setdefault(label.lower(), []).append(label)
    mapping = {key: max(found, key=counts.__getitem__) for key, found in spellings.items()}
    for key, found in spellings.items():
        if len(found) > 1:
            parts = ", ".join(f"{label!r} ({counts[label]})" for label in found)
            log.warning("labels that differ only by case are one class %r: %s", mapping[key], parts)
    return mapping


@dataclass(frozen=True, slots=True)
class Renaming:
    """Gives the objects of a sample the classes of the records, and drops those that have none.

    Attributes:
        mapping: label, lower-case -> class.
    """

    mapping: Mapping[str, str]

    def class_of(self, label: str) -> str | None:
        """Return the class of a label as written in the data, None for one that is left out."""
        return self.mapping.get(label.lower())

    @property
    def classes(self) -> tuple[str, ...]:
        """The class list: what the mapping leads to."""
        return tuple(sorted(set(self.mapping.values())))

    def check(self, counts: Mapping[str, int]) -> None:
        """Refuse labels that the mapping does not name.

        Args:
            counts: label -> objects.

        Raises:
            DatasetError: lists them with counts and near names.
        """
        if unmapped := unmapped_counts(counts, self.mapping):
            raise DatasetError(
                "the labels have classes that target_class_mapping does not name: "
                f"{explain_unmapped(unmapped, self.mapping)}. Add them to target_class_mapping, or "
                "leave their objects out with --drop_unmapped"
            )

    def __call__(self, sample: Sample) -> Sample:
        """Return a sample with the classes of the records."""
        classes = tuple(self.class_of(label) for label in sample.class_names)
        if classes == sample.class_names:
            return sample
        dropped = [
            Dropped(
                place=sample.place,
                class_name=label,
                reason=DONT_CARE if is_ignore_marker(label) else UNMAPPED,
                box=tuple(box.tolist()),
            )
            for label, name, box in zip(sample.class_names, classes, sample.boxes, strict=True)
            if name is None
        ]
        if dropped:
            sample = sample.select(np.array([name is not None for name in classes], bool))
        return replace(
            sample,
            class_names=tuple(name for name in classes if name is not None),
            dropped=(*sample.dropped, *dropped),
        )
