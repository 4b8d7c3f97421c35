"""What the commented example of a spec puts behind the name of a field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from detforge.spec.defaults import parse_value
from detforge.spec.facts import kind_of, shown_choices
from detforge.spec.fields import range_of, rules_of, value_field
from detforge.spec.interval import Interval
from detforge.spec.printing import print_message, print_scalar

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

# Of kinds of fields: what stands for a value where the schema has none.
_PLACEHOLDERS = {"true or false": "false", "text": '""', "block": "{}"}


def is_set(message: Message, field: FieldDescriptor) -> bool:
    """Return whether a message gives a field, or an element of it."""
    return any(given.name == field.name for given, _ in message.ListFields())


def _given(field: FieldDescriptor, example: Message | None) -> Message | None:
    """Return a message that gives a field: the outer example, or what the schema says."""
    if example is not None and is_set(example, field):
        return example
    text = rules_of(field).example or rules_of(field).default
    return parse_value(field, text) if text else None


def _elements(field: FieldDescriptor, message: Message) -> list[Any]:
    content = getattr(message, field.name)
    return list(content) if field.is_repeated else [content]


def value_text(field: FieldDescriptor, example: Message | None) -> str:
    """Return the value behind the name of a field that is neither block nor map."""
    if example is None or not is_set(example, field):
        # As its author wrote it: 5e-5.
        return rules_of(field).example or rules_of(field).default or _placeholder(field)
    elements = [print_scalar(field, value) for value in _elements(field, example)]
    return elements[0] if len(elements) == 1 else f"[{', '.join(elements)}]"


def map_entries(field: FieldDescriptor, example: Message | None) -> list[str]:
    """Return the entries of a map, ``{ key: "car" value: "car" }``."""
    assert field.message_type is not None
    key, given = field.message_type.fields_by_name["key"], _given(field, example)
    if given is None:
        return [f"{{ key: {_placeholder(key)} value: {_placeholder(field)} }}"]
    content = getattr(given, field.name)
    return [
        f"{{ key: {print_scalar(key, name)} value: {_map_value(field, content[name])} }}"
        for name in sorted(content)
    ]


def _map_value(field: FieldDescriptor, value: Any) -> str:
    kind = value_field(field)
    if kind.message_type is None:
        return print_scalar(kind, value)
    return " ".join(["{", *print_message(value).split("\n")]).rstrip() + " }"


def block_examples(field: FieldDescriptor, example: Message | None) -> list[Message | None]:
    """Return the example of each block to be written; None for that of the schema."""
    given = _given(field, example)
    parts = _elements(field, given) if given else [None]
    return [part if part and part.ByteSize() else None for part in parts]


def is_invented(field: FieldDescriptor) -> bool:
    """Return whether the value that a comment shows is no default and not plainly empty."""
    rules = rules_of(field)
    if rules.default or rules.example or rules.required:
        return False
    return _placeholder(field) not in _PLACEHOLDERS.values()


def _placeholder(field: FieldDescriptor) -> str:
    """Return some value that a field without default and example takes."""
    kind = kind_of(field)
    if words := shown_choices(field):
        return words[0]
    if kind in _PLACEHOLDERS:
        return _PLACEHOLDERS[kind]
    if kind == "height and width":
        return '"512,512"'
    number = _some_number(range_of(field) or Interval(0, math.inf))
    return f'"[{number}]"' if kind == "list of numbers" else number


def _some_number(interval: Interval) -> str:
    if interval.low in interval and math.isfinite(interval.low):
        return f"{interval.low:g}"
    return "1" if 1 in interval else f"{(interval.low + interval.high) / 2:g}"
