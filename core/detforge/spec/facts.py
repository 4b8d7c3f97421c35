"""What a schema says about one field, in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from google.protobuf.descriptor import FieldDescriptor

from detforge.roadmap import arrival
from detforge.spec.fields import (
    FLOATS,
    later_choices_of,
    listing,
    range_of,
    rules_of,
    value_field,
)
from detforge.spec.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UNSIGNED = (FieldDescriptor.CPPTYPE_UINT32, FieldDescriptor.CPPTYPE_UINT64)


def sentence(text: str) -> str:
    """Return text with a capital letter and a full stop."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def kind_of(field: FieldDescriptor) -> str:
    """Return the kind of value of a field: of one element where it takes several."""
    rules, field = rules_of(field), value_field(field)
    if field.message_type is not None:
        return "block"
    if field.enum_type is not None:
        return "word"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "list of numbers" if rules.list else "height and width" if rules.size else "text"
    return "number" if field.cpp_type in FLOATS else "whole number"


def allowed(field: FieldDescriptor) -> str:
    """Return the numbers that a field takes, with their unit: ``in px, at least 32``."""
    unit, interval = rules_of(field).unit, range_of(field)
    if interval == Interval(0, math.inf, high_open=True) and field.cpp_type in _UNSIGNED:
        interval = None  # goes without saying
    bounds = str(interval or "")
    if interval and interval.low == interval.high:
        bounds = f"only {bounds}"
    return ", ".join(part for part in (f"in {unit}" if unit else "", bounds) if part)


def choices_of(field: FieldDescriptor) -> list[str]:
    """Return the words that a field takes today."""
    enum = value_field(field).enum_type
    if enum is not None:
        return list(enum.values_by_name)
    later = later_choices_of(field)
    return [word for word in rules_of(field).choices if word not in later]


def shown_choices(field: FieldDescriptor) -> list[str]:
    """Return the words that a field takes today, as a spec has them: text in quotes."""
    words = choices_of(field)
    return words if kind_of(field) == "word" else [f'"{word}"' for word in words]


def later_choices(field: FieldDescriptor) -> list[str]:
    """Return the words that a field takes later, one phrase for each release."""
    words: dict[str, list[str]] = {}
    for word, feature in later_choices_of(field).items():
        words.setdefault(feature, []).append(f'"{word}"')
    return [f"{arrival(feature)}: {', '.join(named)}" for feature, named in words.items()]


def rivals_of(field: FieldDescriptor) -> list[str]:
    """Return the names of the other alternatives of a oneof."""
    oneof = field.containing_oneof
    return [other.name for other in oneof.fields if other is not field] if oneof else []


def obstacle_of(field: FieldDescriptor) -> str:
    """Return why setting a field does nothing or is refused; '' for a field that works."""
    rules = rules_of(field)
    if reason := rules.deprecated or rules.instead:
        return f"has no effect: {reason}"
    return arrival(rules.arrives) if rules.arrives else ""


def restrictions_of(field: FieldDescriptor) -> Iterator[str]:
    """Yield what other fields of the block have to do with a field."""
    rules = rules_of(field)
    if rules.yields_to:
        yield f"has no effect beside {rules.yields_to}"
    if rules.needs:
        yield f"has no effect without {rules.needs}"


def remarks(field: FieldDescriptor, extra: Iterable[str] = ()) -> str:
    """Return what the comment above a field says: its help, then what is special about it.

    Args:
        field: the field.
        extra: further remarks, without capital letter and full stop.
    """
    rules = rules_of(field)
    words = ", ".join(shown_choices(field))
    notes = [
        rules.help,
        "required" if rules.required else "",
        obstacle_of(field),
        allowed(field),
        f"choices: {words}" if words else "",
        *later_choices(field),
        "may be repeated" if field.is_repeated else "",
        *restrictions_of(field),
        f"also written {listing(rules.aliases)}" if rules.aliases else "",
        *extra,
    ]
    return " ".join(sentence(note) for note in notes if note)
