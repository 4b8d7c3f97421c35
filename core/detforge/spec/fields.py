"""What a schema says about its fields: rules, names, and the words for messages about them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from detforge.errors import PluginError
from detforge.protos import options_pb2
from detforge.spec.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

INTEGER_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
# So many fields of a block stand in a message.
_MOST_SHOWN = 2
FLOATS = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})


def schema_of(message: Message) -> Descriptor:
    """Return the descriptor of a message."""
    # The stubs name two classes, of which only one exists at run time.
    return message.DESCRIPTOR  # type: ignore[return-value]


@cache
def rules_of(field: FieldDescriptor) -> options_pb2.Rules:
    """Return what the schema says next to a field; empty rules if it says nothing."""
    extensions: Any = field.GetOptions().Extensions
    return extensions[options_pb2.rules]


@cache
def range_of(field: FieldDescriptor) -> Interval | None:
    """Return the allowed numbers of a field, None for all.

    Raises:
        PluginError: the schema's range cannot be read.
    """
    text = rules_of(field).range
    try:
        return Interval.parse(text) if text else None
    except ValueError as err:
        raise PluginError(f"the schema's range of {field.full_name} is wrong: {err}") from err


def range_in_words(field: FieldDescriptor) -> str:
    """Return the allowed numbers with their unit, ``at least 1 epoch``; '' for all."""
    words, unit = str(range_of(field) or ""), rules_of(field).unit
    if not (words and unit):
        return words
    return f"{words} {unit.removesuffix('s') if words.endswith(' 1') else unit}"


@cache
def later_choices_of(field: FieldDescriptor) -> Mapping[str, str]:
    """Return the words of a field that do not work yet, with the feature that they wait for."""
    pairs = (entry.rpartition(":") for entry in rules_of(field).later_choices)
    return {word.strip(): feature.strip() for word, _, feature in pairs}


@cache
def retired_in(message: Descriptor) -> Mapping[str, str]:
    """Return the fields that specs of older or other tools have in a block: name -> advice."""
    options: Any = message.GetOptions()
    pairs = (entry.partition(":") for entry in options.Extensions[options_pb2.block].retired)
    return {name.strip(): advice.strip() for name, _, advice in pairs}


@cache
def sibling_of(field: FieldDescriptor, name: str) -> FieldDescriptor:
    """Return the field of the same block that a rule of this one names.

    Raises:
        PluginError: the block has no such field.
    """
    block = field.containing_type
    sibling = None if block is None else block.fields_by_name.get(name)
    if sibling is None:
        raise PluginError(
            f"the schema's rules of {field.full_name} name {name!r}, no field beside it"
        )
    return sibling


@cache
def fields_by_spelling(message: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return the fields of a message by every name a spec may use: their own and the aliases."""
    fields = dict(message.fields_by_name.items())
    for field in message.fields:
        for alias in rules_of(field).aliases:
            fields.setdefault(alias, field)
    return fields


def is_map(field: FieldDescriptor) -> bool:
    """Return whether a field is a map."""
    kind = field.message_type
    return kind is not None and kind.GetOptions().map_entry


def value_field(field: FieldDescriptor) -> FieldDescriptor:
    """Return the field that says what type the values have: of a map, that of its entries."""
    kind = field.message_type
    return kind.fields_by_name["value"] if kind is not None and is_map(field) else field


def holds_numbers(field: FieldDescriptor) -> bool:
    """Return whether a field is a string that holds a list of numbers, or a size."""
    rules = rules_of(field)
    return rules.list or rules.size


def is_idle(field: FieldDescriptor) -> bool:
    """Return whether a field is known and never read, in this release or a later one."""
    rules = rules_of(field)
    return bool(rules.deprecated or rules.instead)


def in_oneof(field: FieldDescriptor) -> bool:
    """Return whether a field is one of several alternatives."""
    # proto3 `optional` is a oneof of one field.
    return field.containing_oneof is not None and len(field.containing_oneof.fields) > 1


def join(path: str, name: str) -> str:
    """Return the path of a field inside a block."""
    return f"{path}.{name}" if path else name


def element_path(path: str, key: object) -> str:
    """Return the path of one element: ``data_sources[0]``, ``image_mean["b"]``."""
    if isinstance(key, str | bool):
        key = json.dumps(key, ensure_ascii=False)
    return f"{path}[{key}]"


def is_inside(path: str, block: str) -> bool:
    """Return whether a path is that of a field or a block, or leads into it."""
    return path == block or path.startswith((f"{block}.", f"{block}["))


def listing(words: Iterable[str], last: str = "or") -> str:
    """Return words as prose: ``a, b or c``."""
    *others, final = list(words)
    return f"{', '.join(others)} {last} {final}" if others else final


def expectation(field: FieldDescriptor) -> str:
    """Return what a field takes, in words: ``a whole number, at least 1``."""
    if field.message_type is not None:
        return f"a block: {field.name} {{ {_content(field.message_type)} }}"
    if field.enum_type is not None:
        return listing(field.enum_type.values_by_name)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        rules = rules_of(field)
        if rules.choices:
            return listing(f'"{choice}"' for choice in rules.choices)
        if rules.size:
            return "a height and a width, such as 512, 512"
        return "a list of numbers, such as [0.5, 1/3]" if rules.list else "text in quotes"
    allowed = range_in_words(field)
    if field.cpp_type in FLOATS:
        return f"a number, {allowed}" if allowed else "a number"
    low, high = INTEGER_RANGES[field.cpp_type]
    return f"a whole number, {allowed or f'from {low} to {high}'}"


def _content(block: Descriptor) -> str:
    """Return what stands in a block, as a hint: ``type: ... weight: ...``; large ones stay dots."""
    fields = [field for field in block.fields if not (is_idle(field) or rules_of(field).arrives)]
    if len(fields) > _MOST_SHOWN:
        return "..."
    return " ".join(
        f"{field.name} {{ ... }}" if field.message_type else f"{field.name}: ..."
        for field in fields
    )
