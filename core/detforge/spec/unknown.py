"""What to say about a field name that a block does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.nearest import nearest
from detforge.spec.fields import fields_by_spelling, join, listing, retired_in, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import Descriptor

    from detforge.spec.moved import Home


def explain_unknown(
    name: str, block: Descriptor, schema: Descriptor, guests: Mapping[str, Home]
) -> tuple[str, str]:
    """Return what to say, and the field that was probably meant or ''.

    Says what the schema knows of older specs; else the nearest known name, or the block that the
    name belongs in, or all names.

    Args:
        name: as written.
        block: the message it was written in.
        schema: the message of the whole spec.
        guests: fields of other blocks that this one accepts.
    """
    if advice := retired_in(block).get(name):
        return f"is no field here; {advice}", ""
    homes = [home or "the top level" for home in _homes(name, schema, block)]
    belongs = f"it belongs in {listing(homes)}" if homes else ""
    known = {**fields_by_spelling(block), **{guest: home.field for guest, home in guests.items()}}
    if near := nearest(name, known):
        near = known[near].name
        hint = f'unknown field; did you mean "{near}"?'
        return (f"{hint} Or {belongs}" if belongs else hint), near
    if belongs:
        return f"unknown here; {belongs}", ""
    names = [field.name for field in block.fields if not rules_of(field).deprecated]
    return f"unknown field; known here: {', '.join(names) or 'none'}", ""


def _homes(name: str, schema: Descriptor, besides: Descriptor) -> Iterator[str]:
    """Yield the paths of the blocks that know exactly this name, outer ones first.

    Of several blocks of one type the first; blocks that have no effect lead nowhere.
    """
    seen = {schema.full_name, besides.full_name}
    level = [("", schema)]
    while level:
        inner = []
        for path, message in level:
            if message is not besides and name in fields_by_spelling(message):
                yield path
            for field in message.fields:
                kind, rules = field.message_type, rules_of(field)
                if kind is None or rules.deprecated or rules.arrives:
                    continue
                if kind.full_name not in seen:
                    seen.add(kind.full_name)
                    inner.append((join(path, field.name), kind))
        level = inner
