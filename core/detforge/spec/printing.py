"""A message as the text of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from detforge.spec.fields import element_path, is_map, join, schema_of
from detforge.spec.floats import shortest

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from google.protobuf.message import Message

_ESCAPES = {ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n", ord("\r"): r"\r"}


def print_message(message: Message, given: Container[str] = ()) -> str:
    """Return a spec that reads as this message.

    Args:
        message: fields that are not set are left out.
        given: paths of fields to print also when only their mention is known: an empty list,
            a zero.
    """
    return "".join(f"{line}\n" for line in _fields(message, given, ""))


def print_scalar(field: FieldDescriptor, value: Any) -> str:
    """Return one value of a field that is no block, as a spec has it."""
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true" if value else "false"
    if field.type == FieldDescriptor.TYPE_STRING:
        return quoted(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return '"' + "".join(f"\\{byte:03o}" for byte in value) + '"'
    return str(shortest(value) if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT else value)


def quoted(text: str) -> str:
    """Return text as a literal of a spec."""
    return f'"{text.translate(_ESCAPES)}"'


def _fields(message: Message, given: Container[str], path: str) -> Iterator[str]:
    for field in schema_of(message).fields:
        here, content = join(path, field.name), getattr(message, field.name)
        if is_map(field):
            entries = content.GetEntryClass()
            for key in content:
                entry = entries(key=key)
                _put(entry, content[key])
                yield from _value(field, entry, given, element_path(here, key))
        elif field.is_repeated:
            for index, value in enumerate(content):
                yield from _value(field, value, given, element_path(here, index))
        elif _is_set(message, field) or (here in given and not field.has_presence):
            yield from _value(field, content, given, here)
        if field.is_repeated and not content and here in given:
            yield f"{field.name}: []"


def _is_set(message: Message, field: FieldDescriptor) -> bool:
    if field.has_presence:
        return message.HasField(field.name)
    block = field.containing_type
    if block is not None and block.GetOptions().map_entry:
        return True
    return getattr(message, field.name) != field.default_value


def _put(entry: Any, value: Any) -> None:
    if schema_of(entry).fields_by_name["value"].message_type is None:
        entry.value = value
    else:
        entry.value.CopyFrom(value)


def _value(field: FieldDescriptor, value: Any, given: Container[str], path: str) -> Iterator[str]:
    if field.message_type is None:
        yield f"{field.name}: {print_scalar(field, value)}"
        return
    yield f"{field.name} {{"
    yield from (f"  {line}" for line in _fields(value, given, path))
    yield "}"
