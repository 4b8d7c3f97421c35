"""Fields that a block accepts for another one: ``also_in`` in the rules."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import PluginError
from detforge.spec.fields import in_oneof, join, rules_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message


class Home(NamedTuple):
    """Where a field belongs.

    Attributes:
        path: of its block; empty for the top level.
        field: the field itself.
    """

    path: str
    field: FieldDescriptor


def guests_of(schema: Descriptor, block: str) -> Mapping[str, Home]:
    """Return the fields that a block accepts for other blocks, by every name they go by.

    Args:
        schema: of the whole spec.
        block: path of the block; empty for the top level.

    Raises:
        PluginError: a rule names a block that is not there exactly once.
    """
    return _guests(schema).get(block, {})


def message_at(message: Message, path: str) -> Message:
    """Return the block at a path without lists."""
    inner: Any = message
    for name in path.split(".") if path else ():
        inner = getattr(inner, name)
    return inner


def blocks_around(path: str) -> Iterator[str]:
    """Yield the path of a block and those of the blocks around it, but not the top level."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def steady_blocks(schema: Descriptor) -> Iterator[tuple[str, Descriptor]]:
    """Yield path and type of each block that has one place: in no list, map or oneof."""
    waiting = [("", schema, frozenset({schema.full_name}))]
    while waiting:
        path, block, around = waiting.pop()
        yield path, block
        for field in block.fields:
            kind = field.message_type
            if kind is None or field.is_repeated or in_oneof(field) or kind.full_name in around:
                continue
            waiting.append((join(path, field.name), kind, around | {kind.full_name}))


@cache
def _guests(schema: Descriptor) -> Mapping[str, Mapping[str, Home]]:
    blocks = list(steady_blocks(schema))
    found: dict[str, dict[str, Home]] = {path: {} for path, _ in blocks}
    for path, block in blocks:
        for field in block.fields:
            rules = rules_of(field)
            for host in rules.also_in:
                if host not in found or [kind for _, kind in blocks].count(block) > 1:
                    raise PluginError(
                        f"the schema's also_in of {field.full_name} names {host!r}; that block and "
                        "the field's own must each have one place, in no list, map or oneof"
                    )
                for name in (field.name, *rules.aliases):
                    found[host].setdefault(name, Home(path, field))
    return found
