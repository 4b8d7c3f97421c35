"""Documented defaults, as the rules of a schema write them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from detforge.errors import PluginError, Problem
from detforge.spec.fields import rules_of, schema_of
from detforge.spec.moved import message_at
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message


@cache
def with_default(kind: type[Message], field: FieldDescriptor) -> Message:
    """Return a message in which only this field is set, to its default; do not change it.

    Raises:
        PluginError: the schema's default cannot be read.
    """
    message = kind()
    if text := rules_of(field).default:
        parsed = parse_text(f"{field.name}: {text}", message)
        if parsed.problems:
            reason = parsed.problems[0].message
            raise PluginError(f"the schema's default of {field.full_name} is wrong: {reason}")
    return message


def settle_unwritten(
    message: Message, unwritten: Collection[str], given: Collection[str]
) -> Iterator[Problem]:
    """Treat blocks that the spec does not write as absent; yield warnings about what that costs.

    What another block held for such a block goes into its default. Without a default it has no
    effect.

    Args:
        message: the whole spec; changed in place.
        unwritten: paths of the blocks.
        given: paths of the fields that the spec sets.
    """
    for path in sorted(unwritten, key=len):
        outer_path, _, name = path.rpartition(".")
        outer: Any = message_at(message, outer_path)
        if not outer.HasField(name):
            continue
        field = schema_of(outer).fields_by_name[name]
        content = type(getattr(outer, name))()
        content.CopyFrom(getattr(outer, name))
        outer.ClearField(name)
        if rules_of(field).default:
            outer.MergeFrom(with_default(type(outer), field))
            getattr(outer, name).MergeFrom(content)
        elif not rules_of(field).required:
            for lent in given:
                if lent.startswith(f"{path}."):
                    yield Problem(lent, f"has no effect: there is no {path}")
