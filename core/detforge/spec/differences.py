"""Which fields of two specs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detforge.protos import experiment_pb2
from detforge.spec.fields import join, schema_of
from detforge.spec.printing import print_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

_SHARED_PACKAGE = experiment_pb2.DESCRIPTOR.package


class Difference(NamedTuple):
    """A field that two specs disagree on.

    Attributes:
        path: of the field; lists, maps and blocks that only one of the two has count as a whole.
        is_own: it stands in a message of the detector, not in one that detectors share.
        values: what the two say, where that is short: ``"80, now 120"``.
    """

    path: str
    is_own: bool
    values: str

    def __str__(self) -> str:
        """Return path and values."""
        return f"{self.path} ({self.values})" if self.values else self.path


def differences(first: Message, second: Message) -> list[Difference]:
    """Return the fields in which two checked specs of one schema differ, in the schema's order."""
    return list(_differences(first, second, ""))


def with_field(message: Message, path: str, other: Message) -> Message:
    """Return a message with one field as another message of the same schema has it.

    Args:
        message: is not changed.
        path: of a `Difference` of the two.
        other: where the field is taken from.
    """
    changed = type(message)()
    changed.CopyFrom(message)
    *blocks, name = path.split(".")
    place, source = changed, other
    for block in blocks:
        place, source = getattr(place, block), getattr(source, block)
    only = type(source)()
    only.CopyFrom(source)
    for field, _ in source.ListFields():
        if field.name != name:
            only.ClearField(field.name)
    place.ClearField(name)
    place.MergeFrom(only)
    return changed


def own_differences(first: Message, second: Message) -> list[str]:
    """Return the paths of fields that differ in the detector's own blocks.

    The standard messages (data, training, scoring, augmentation) are about a run and are left
    out, as are scalars at the top.

    Args:
        first: a checked spec.
        second: another one of the same schema.
    """
    paths = []
    for field in first.DESCRIPTOR.fields:
        block = field.message_type
        if block is None or block.file.package == _SHARED_PACKAGE:
            continue
        one, two = getattr(first, field.name), getattr(second, field.name)
        paths += [
            f"{field.name}.{inner.name}"
            for inner in block.fields
            if getattr(one, inner.name) != getattr(two, inner.name)
        ]
    return paths


def _differences(first: Message, second: Message, path: str) -> Iterator[Difference]:
    is_own = schema_of(first).file.package != _SHARED_PACKAGE
    for field in schema_of(first).fields:
        here = join(path, field.name)
        one, two = getattr(first, field.name), getattr(second, field.name)
        is_block = field.message_type is not None and not field.is_repeated
        if is_block and first.HasField(field.name) and second.HasField(field.name):
            yield from _differences(one, two, here)
        elif one != two or (field.has_presence and _has(first, field) != _has(second, field)):
            yield Difference(here, is_own, _values(field, first, second))


def _has(message: Message, field: FieldDescriptor) -> bool:
    return message.HasField(field.name)


def _values(field: FieldDescriptor, first: Message, second: Message) -> str:
    if field.message_type is not None or field.is_repeated:
        return ""
    old, new = (
        print_scalar(field, getattr(message, field.name))
        if not field.has_presence or _has(message, field)
        else "absent"
        for message in (first, second)
    )
    return f"{old}, now {new}"
