"""Values that the rules of a schema write as text: documented defaults and examples."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import message_factory

from detforge.errors import PluginError, Problem
from detforge.spec.fields import rules_of, schema_of
from detforge.spec.moved import message_at
from detforge.spec.parser import parse_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message


@cache
def parse_value(field: FieldDescriptor, text: str) -> Message:
    """Return a message in which only this field is set; do not change it.

    Args:
        field: to be set.
        text: its value, as a rule of the schema gives it; empty for none.

    Raises:
        PluginError: the text is no such value.
    """
    assert field.containing_type is not None
    message = message_factory.GetMessageClass(field.containing_type)()
    problems = parse_text(f"{field.name}: {text}", message).problems if text else ()
    if problems:
        raise PluginError(
            f"the schema's rules of {field.full_name} hold {text}: {problems[0].message}"
        )
    return message


def with_default(field: FieldDescriptor) -> Message:
    """Return a message in which only this field is set, to its default; do not change it.

    Raises:
        PluginError: the schema's default cannot be read.
    """
    return parse_value(field, rules_of(field).default)


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
            outer.MergeFrom(with_default(field))
            getattr(outer, name).MergeFrom(content)
        elif not rules_of(field).required:
            for lent in given:
                if lent.startswith(f"{path}."):
                    yield Problem(lent, f"has no effect: there is no {path}")
