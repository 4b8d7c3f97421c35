"""Checks that the recipes of several detectors share: sizes, lists in strings, order, classes.

Each yields what is wrong with a field and nothing where all is well, so that a recipe collects
the problems of a whole spec. Lists are those of `parse_list`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec.fields import element_path, join, listing
from detforge.spec.floats import shortest
from detforge.spec.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message

    from detforge.spec.lists import Nested

_KEYS_SHOWN = 8


def check_size(
    path: str, size: tuple[int, int], *, least: int, divisor: int, reason: str = ""
) -> Iterator[Problem]:
    """Find sides of a network input that are too short or do not divide evenly.

    Args:
        path: of the field, for the messages.
        size: height and width, pixels.
        least: the shortest side that works.
        divisor: what each side has to be a multiple of.
        reason: what it follows from: "2^max_level".
    """
    multiple = f"{divisor} ({reason})" if reason else str(divisor)
    for name, side in zip(("height", "width"), size, strict=True):
        if side < least:
            yield Problem(path, f"the {name}, {side}, is too small; use at least {least} px")
        elif side % divisor:
            below = side - side % divisor
            near = listing(str(n) for n in (below, below + divisor) if n >= least)
            yield Problem(path, f"the {name}, {side}, is no multiple of {multiple}; use {near}")


def check_order(
    block: Message, path: str, low: str, high: str, *, apart: bool = False
) -> Iterator[Problem]:
    """Find a lower limit above its upper limit.

    Args:
        block: holds both fields.
        path: of the block.
        low: name of the field that may not be more than the other.
        high: name of the other.
        apart: the two may not be equal either.
    """
    least, most = shortest(getattr(block, low)), shortest(getattr(block, high))
    if least > most:
        message = f"{least:g} is more than {high}, which is {most:g}; swap or change them"
        yield Problem(join(path, low), message)
    elif apart and least == most:
        yield Problem(join(path, low), f"{least:g} is as much as {high}; it has to be less")


def check_keys(path: str, keys: Iterable[str], wanted: set[str], owner: str) -> Iterator[Problem]:
    """Find a map whose keys are not those that there should be.

    Args:
        path: of the field.
        keys: those it has.
        wanted: those it should have.
        owner: who takes them, as the start of a sentence: "a box".
    """
    if (given := set(keys)) != wanted:
        # A damaged spec has keys of any number and length.
        found = ", ".join(shown(key) for key in sorted(given)[:_KEYS_SHOWN])
        found += ", ..." if len(given) > _KEYS_SHOWN else ""
        expected = listing(sorted(wanted), "and")
        yield Problem(path, f"has the keys {found}; {owner} takes {expected}")


def check_numbers(
    path: str,
    elements: Sequence[Nested],
    *,
    whole: bool = False,
    ascending: bool = False,
) -> Iterator[Problem]:
    """Find the first element of a list that is not the number it should be.

    Args:
        path: of the field.
        elements: the list.
        whole: numbers have no fraction.
        ascending: each number is above the one before.
    """
    before: float | None = None
    for index, element in enumerate(elements):
        place = element_path(path, index)
        if isinstance(element, tuple):
            yield Problem(place, "is a list; a number should stand here")
            return
        if whole and element % 1:
            yield Problem(place, f"{element:g} is not a whole number")
            return
        if ascending and before is not None and element <= before:
            yield Problem(place, f"{element:.15g} is not above {before:.15g}, the number before it")
            return
        before = element


def check_length(
    path: str, elements: Sequence[Nested], length: int, reason: str
) -> Iterator[Problem]:
    """Find a list with too many or too few elements.

    Args:
        path: of the field.
        elements: the list.
        length: how many there should be.
        reason: why, as the end of a sentence: "one for each of learning_rate_steps".
    """
    if len(elements) != length:
        yield Problem(path, f"holds {len(elements)} instead of {length}, {reason}")


def check_pairs(path: str, elements: Sequence[Nested], example: str) -> Iterator[Problem]:
    """Find what keeps a list from being one of pairs of numbers, with at least one.

    Args:
        path: of the field.
        elements: the list.
        example: of a right list, "[(1.0, 1.0), (1.4, 0.7)]".
    """
    if not elements:
        yield Problem(path, f"is empty; write a list of pairs such as {example}")
    for index, element in enumerate(elements):
        if not isinstance(element, tuple):
            found = f"{element:g} is not a pair"
        elif len(element) != 2:
            found = f"holds {len(element)} instead of 2 numbers"
        elif any(isinstance(number, tuple) for number in element):
            found = "holds a list instead of 2 numbers"
        else:
            continue
        yield Problem(element_path(path, index), f"{found}; write a list such as {example}")
        return


def check_blocks(
    path: str, blocks: Sequence[Nested], known: range, owner: str
) -> Iterator[Problem]:
    """Find block numbers that a backbone does not have.

    Args:
        path: of the field that freezes blocks.
        blocks: the numbers.
        known: those that the backbone has.
        owner: the backbone, as it is called in a message.
    """
    for index, block in enumerate(blocks):
        if block not in known:
            name = "list" if isinstance(block, tuple) else f"block {block:g}"
            message = f"{owner} has no {name}; its blocks are {known[0]} to {known[-1]}"
            yield Problem(element_path(path, index), message)


def check_pattern(path: str, pattern: str) -> Iterator[Problem]:
    """Find a regular expression that cannot be read.

    Args:
        path: of the field.
        pattern: the expression.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as err:
        hint = '; ".*" stands for any text' if "*" in pattern else ""
        yield Problem(path, f'"{shown(pattern)}" is no regular expression: {err}{hint}')


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
    yield from _check_spellings(path, mapping)
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


def _check_spellings(path: str, mapping: Mapping[str, str]) -> Iterator[Problem]:
    labels: dict[str, str] = {}
    for label in sorted(mapping):
        labels.setdefault(mapping[label], label)
    spellings: dict[str, str] = {}
    for target, label in labels.items():
        twin = spellings.setdefault(target.lower(), target)
        if twin != target:
            message = f'the classes "{twin}" and "{target}" differ only by case; write one of them'
            yield Problem(element_path(path, label), message)
