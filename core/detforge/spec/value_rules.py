"""The rules about one value: range, choices, lists of numbers, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detforge.nearest import nearest
from detforge.roadmap import arrival
from detforge.spec.choices import choice_aliases_of, find_choice
from detforge.spec.fields import (
    FLOATS,
    later_choices_of,
    listing,
    range_in_words,
    range_of,
    rules_of,
    value_field,
)
from detforge.spec.floats import shortest
from detforge.spec.lists import parse_list
from detforge.spec.sizes import parse_size
from detforge.spec.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.descriptor import FieldDescriptor

    from detforge.spec.lists import Nested


def check_value(field: FieldDescriptor, value: Any) -> tuple[Any, str]:
    """Hold a scalar against the rules of its field.

    Args:
        field: what it is for; a list or a map stands for each of its elements.
        value: as the spec has it.

    Returns:
        The value as the message should have it, a choice in its proper spelling; and what is
        wrong with it, or "".

    Raises:
        PluginError: the rules themselves are wrong.
    """
    rules = rules_of(field)
    if rules.choices:
        return _check_choice(field, value)
    if rules.size:
        return value, _check_size(field, value)
    if rules.list:
        try:
            return value, _check_range(field, _flat(parse_list(value)))
        except ValueError as err:
            return value, f'is no list of numbers such as "[0.5, 1.0/3]": {err}'
    if range_of(field):
        is_float = value_field(field).cpp_type in FLOATS
        return value, _check_range(field, [shortest(value) if is_float else value])
    return value, ""


def _check_choice(field: FieldDescriptor, word: str) -> tuple[str, str]:
    choice, later = find_choice(field, word), later_choices_of(field)
    choices = rules_of(field).choices
    if choice is None:
        known = {**{other: other for other in choices}, **choice_aliases_of(field)}
        near = nearest(word, known)
        hint = f'; did you mean "{known[near]}"?' if near else ""
        return word, f'"{shown(word)}" is no choice here; use {_quoted(choices)}{hint}'
    if choice in later:
        works = _quoted(other for other in choices if other not in later)
        return choice, f'"{choice}" {arrival(later[choice])}; until then use {works}'
    return choice, ""


def _check_size(field: FieldDescriptor, text: str) -> str:
    try:
        return _check_range(field, parse_size(text))
    except ValueError as err:
        return f'is no height and width such as "512, 512" or "640x480" (width x height): {err}'


def _check_range(field: FieldDescriptor, numbers: Iterable[float]) -> str:
    allowed = range_of(field)
    for number in numbers:
        if allowed is not None and number not in allowed:
            return f"{number:.15g} is out of range; allowed: {range_in_words(field)}"
    return ""


def _flat(nested: tuple[Nested, ...]) -> Iterator[float]:
    for element in nested:
        if isinstance(element, tuple):
            yield from _flat(element)
        else:
            yield element


def _quoted(words: Iterable[str]) -> str:
    return listing(f'"{word}"' for word in words)
