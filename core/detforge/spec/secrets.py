"""Keys in a spec: read once, kept out of the message and of every text that is stored."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from detforge.spec.fields import rules_of, schema_of
from detforge.spec.moved import message_at, steady_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message


def take_key(message: Message) -> str | None:
    """Clear the secret fields of a message and return the first that is set, None for none."""
    values = []
    for path, field in _secret_fields(schema_of(message)):
        block: Any = message_at(message, path)
        if block.HasField(field.name) if field.has_presence else getattr(block, field.name):
            values.append(getattr(block, field.name))
            block.ClearField(field.name)
    return next(filter(None, values), None)


def secret_names(schema: Descriptor) -> list[str]:
    """Return all names of a schema's secret fields."""
    fields = (field for _, field in _secret_fields(schema))
    return [name for field in fields for name in (field.name, *rules_of(field).aliases)]


def without_secrets(text: str, places: Iterable[tuple[int, int]], schema: Descriptor) -> str:
    """Return a spec text with ``""`` for each secret; in a comment, the rest of the line goes.

    Args:
        text: the spec.
        places: offsets of the values, from and to, in order.
        schema: of the spec.
    """
    end, pieces = 0, []
    for start, stop in places:
        pieces += [text[end:start], '""']
        end = stop
    text = "".join([*pieces, text[end:]])
    if names := "|".join(secret_names(schema)):
        text = re.sub(rf"(?m)^([ \t]*#.*\b(?:{names})\b\s*[:=]?).*$", r"\1", text)
    return text


@cache
def _secret_fields(schema: Descriptor) -> list[tuple[str, FieldDescriptor]]:
    return [
        (path, field)
        for path, block in steady_blocks(schema)
        for field in block.fields
        if rules_of(field).secret
    ]
