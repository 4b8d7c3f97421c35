"""What to say about a field name that a block does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.nearest import nearest
from detforge.spec.fields import (
    fields_by_spelling,
    is_idle,
    join,
    listing,
    retired_in,
    rules_of,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from detforge.errors import Problem
    from detforge.spec.moved import Home

# How the message begins where nothing in the schema is like the name.
_STRANGE = "unknown field; known here: "


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
    homes = _homes(name, schema)
    belongs = f"it belongs {listing(homes)}" if homes else ""
    known = {**fields_by_spelling(block), **{guest: home.field for guest, home in guests.items()}}
    if near := nearest(name, known):
        near = known[near].name
        hint = f'unknown field; did you mean "{near}"?'
        return (f"{hint} Or {belongs}" if belongs else hint), near
    if belongs:
        return f"unknown here; {belongs}", ""
    names = [field.name for field in block.fields if not is_idle(field)]
    return f"{_STRANGE}{', '.join(names) or 'none'}", ""


def name_owners(problem: Problem, others: Callable[[], Mapping[str, type[Message]]]) -> Problem:
    """Return a problem; that of a name like nothing in the schema tells whose field it is.

    Args:
        problem: of a spec.
        others: detector -> schema of its experiment spec; asked only for such a name.
    """
    if not problem.message.startswith(_STRANGE):
        return problem
    name = problem.path.rpartition(".")[2]
    homes = {other: _homes(name, schema_of(schema())) for other, schema in others().items()}
    owners = [f"{other} ({listing(found)})" for other, found in homes.items() if found]
    if not owners:
        return problem
    known = problem.message.removeprefix(_STRANGE)
    return replace(problem, message=f"a field of {listing(owners, 'and')}; known here: {known}")


def _homes(name: str, schema: Descriptor) -> list[str]:
    """Return where exactly this name is known, in words, outer blocks first.

    Of several blocks of one type the first; blocks that have no effect lead nowhere.
    """
    homes: list[str] = []
    seen = {schema.full_name}
    level = [("", schema)]
    while level:
        inner = []
        for path, message in level:
            if name in fields_by_spelling(message):
                homes.append(f"in {path}" if path else "at the top level")
            for field in message.fields:
                kind = field.message_type
                if kind is None or rules_of(field).arrives or is_idle(field):
                    continue
                if kind.full_name not in seen:
                    seen.add(kind.full_name)
                    inner.append((join(path, field.name), kind))
        level = inner
    return homes
