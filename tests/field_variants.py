"""Other values for a field of a spec, made from the rules that the schema writes next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from detforge.spec import parse_list
from detforge.spec.fields import FLOATS, is_map, range_of, rules_of, value_field
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message


def variants(base: Message, path: str, others: Iterable[Message] = ()) -> Iterator[Message]:
    """Yield copies of a spec in which one field means something else.

    Args:
        base: a spec as its text has it, without defaults filled in.
        path: of a field; a block is added empty, of a repeated one the first element is changed.
        others: further specs, whose values of this field are tried too.
    """
    block, field = _place(_copy(base), path)
    if field.message_type is not None and not is_map(field):
        copy = _copy(base)
        block, _ = _place(copy, path)
        if not block.HasField(field.name):
            getattr(block, field.name).SetInParent()
            yield copy
        return
    now = _meaning(block, field)
    tried = [now]
    elsewhere = (_place(_copy(other), path) for other in others)
    given = [_meaning(*place) for place in elsewhere if not _is_absent(*place)]
    for value in [*_candidates(field, now), *given]:
        if value not in tried:
            tried.append(value)
            copy = _copy(base)
            _set(*_place(copy, path), value)
            yield copy


def _copy(message: Message) -> Message:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _place(message: Message, path: str) -> tuple[Message, FieldDescriptor]:
    """Return the block that holds a field, created if it was absent, and the field."""
    *outer, name = path.split(".")
    for part in outer:
        content = getattr(message, part)
        if message.DESCRIPTOR.fields_by_name[part].is_repeated:
            message = content[0] if content else content.add()
        else:
            content.SetInParent()
            message = content
    return message, message.DESCRIPTOR.fields_by_name[name]


def _is_absent(block: Message, field: FieldDescriptor) -> bool:
    return not (getattr(block, field.name) if field.is_repeated else block.HasField(field.name))


def _meaning(block: Message, field: FieldDescriptor) -> Any:
    """Return the value of a field, its default where it is absent; lists and maps as such."""
    content = getattr(block, field.name)
    if _is_absent(block, field) and rules_of(field).default:
        default = parse_text(f"{field.name}: {rules_of(field).default}", type(block)())
        content = getattr(default.message, field.name)
    if is_map(field):
        return dict(content)
    return list(content) if field.is_repeated else content


def _set(block: Message, field: FieldDescriptor, value: Any) -> None:
    block.ClearField(field.name)
    if is_map(field):
        getattr(block, field.name).update(value)
    elif field.is_repeated:
        getattr(block, field.name).extend(value)
    else:
        setattr(block, field.name, value)


def _candidates(field: FieldDescriptor, now: Any) -> Iterator[Any]:
    if is_map(field):
        key = next(iter(now), "other")
        for value in _scalars(field, now.get(key, _zero(value_field(field)))):
            yield {**now, key: value}
    elif field.is_repeated:
        for value in _scalars(field, now[0] if now else _zero(field)):
            yield [value, *now[1:]]
        yield [*now, *now]
    else:
        yield from _scalars(field, now)


def _scalars(field: FieldDescriptor, now: Any) -> Iterator[Any]:
    """Yield other values of one element, those that a rule forbids left out."""
    rules, kind = rules_of(field), value_field(field)
    if kind.enum_type is not None:
        yield from kind.enum_type.values_by_number
    elif kind.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        yield not now
    elif rules.choices:
        yield from rules.choices
    elif rules.list:
        yield _scaled(now or rules.example.strip('"') or "[0.5, 0.5]")
    elif kind.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        yield f"other {now}".strip()
    else:
        is_float, allowed = kind.cpp_type in FLOATS, range_of(field)
        numbers = (now * 2, now / 2, (now + 1) / 2) if is_float else (now + 1, now // 2, 1, 256)
        yield from (n for n in numbers if n and (allowed is None or n in allowed))


def _scaled(text: str) -> str:
    """Return a list in a string, of the same shape, with other numbers."""

    def scale(element: Any) -> Any:
        return [scale(part) for part in element] if isinstance(element, tuple) else element * 0.9

    return str(scale(parse_list(text)))


def _zero(field: FieldDescriptor) -> Any:
    return "" if field.cpp_type == FieldDescriptor.CPPTYPE_STRING else 0
