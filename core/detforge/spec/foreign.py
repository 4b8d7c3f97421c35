"""Specs of something else: of another detector, or of another task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.nearest import nearest
from detforge.protos import convert_pb2
from detforge.spec.fields import in_oneof, listing, rules_of, schema_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from detforge.spec.parser import Parsed


def foreign_to(parsed: Parsed) -> str:
    """Say that a spec belongs to something else, or return ''.

    It does when it has blocks that the schema neither knows nor knows by a similar name, and
    lacks the schema's own.
    """
    schema = schema_of(parsed.message)
    strange = [name for name in parsed.unknown_blocks if not nearest(name, schema.fields_by_name)]
    own = _own_blocks(schema)
    if not strange or not own or any(name in parsed.positions for name in own):
        return ""
    found = listing(dict.fromkeys(strange), "and")
    return f"looks like {_kind(schema, strange)}: it has {found}, and lacks {listing(own)}"


def _kind(schema: Descriptor, blocks: list[str]) -> str:
    conversion = convert_pb2.Convert.DESCRIPTOR
    if schema is conversion:
        return "an experiment spec, not a conversion spec"
    if set(blocks) <= set(conversion.fields_by_name):
        return "a conversion spec, not an experiment spec"
    return "a spec of another detector"


def _own_blocks(schema: Descriptor) -> list[str]:
    """Return the top-level blocks without which a spec is hardly one of this schema.

    Alternatives of a oneof and required blocks, of a type that the schema's own file defines:
    the messages that detectors share prove nothing.
    """
    return [
        field.name
        for field in schema.fields
        if field.message_type is not None
        and field.message_type.file.name == schema.file.name
        and (in_oneof(field) or rules_of(field).required)
    ]
