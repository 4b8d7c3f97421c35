"""Checks of ``target_class_mapping``: label in the data -> class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec.fields import element_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def check_class_mapping(
    path: str, mapping: Mapping[str, str], *, has_background: bool = False
) -> Iterator[Problem]:
    """Yield what is wrong with a mapping of labels to classes.

    Labels are compared without case everywhere, so two spellings of one label must lead to one
    class; and two classes that differ only by case are one class misspelt.

    Args:
        path: of the field.
        mapping: label as written in the spec -> class.
        has_background: the head has a channel for what is no object, so that no class can be
            called that.
    """
    yield from _check_classes(path, mapping)
    labels: dict[str, str] = {}
    for label in sorted(mapping):
        place, target = element_path(path, label), mapping[label]
        if not label.strip() or not target.strip():
            yield Problem(place, "label and class may not be empty")
        elif has_background and target.lower() == "background":
            message = f'"{target}" is what no object is called; give the class another name'
            yield Problem(place, message)
        twin = labels.setdefault(label.lower(), label)
        if mapping[twin] != target:
            message = (
                f'labels are compared without case, and "{twin}" is mapped to "{mapping[twin]}"; '
                "remove one of the two"
            )
            yield Problem(place, message)


def _check_classes(path: str, mapping: Mapping[str, str]) -> Iterator[Problem]:
    spellings: dict[str, str] = {}
    for target in sorted(set(mapping.values())):
        twin = spellings.setdefault(target.lower(), target)
        if twin != target:
            message = f'the classes "{twin}" and "{target}" differ only by case; write one of them'
            yield Problem(path, message)
