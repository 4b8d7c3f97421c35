"""A block of a spec while it is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detforge.spec.fields import fields_by_spelling, schema_of
from detforge.spec.moved import guests_of, message_at

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

    from detforge.spec.findings import Findings
    from detforge.spec.lexer import Token


class Block(NamedTuple):
    """A message while it is being read.

    Attributes:
        message: takes the fields.
        path: of the message in the spec.
        name: the token that names the block; None for the whole spec.
        closer: the symbols that end the block, the proper one first; empty for the whole spec.
        outer: the block around; None for the whole spec.
        depth: number of blocks around.
    """

    message: Message
    path: str
    name: Token | None = None
    closer: str = ""
    outer: Block | None = None
    depth: int = 0

    @property
    def schema(self) -> Descriptor:
        """The type of the message."""
        return schema_of(self.message)


def field_by_name(spec: Message, block: Block, name: str) -> tuple[Block, FieldDescriptor | None]:
    """Return the field of a name, and the block that it belongs to: this one or another.

    Args:
        spec: the whole spec.
        block: the block that the name stands in.
        name: any name of the field.
    """
    field = fields_by_spelling(block.schema).get(name)
    home = None if field else guests_of(schema_of(spec), block.path).get(name)
    if home is None:
        return block, field
    return block._replace(message=message_at(spec, home.path), path=home.path), home.field


def block_left_open(block: Block, name: Token, findings: Findings) -> Block | None:
    """Return the outer block that an unknown name belongs to, judged by its indentation.

    Args:
        block: the block being read.
        name: a field name that it does not know.
        findings: knows where tokens stand.
    """
    column = findings.place(name).column
    while block.name is not None and block.outer is not None:
        if column > findings.place(block.name).column:
            return None
        block = block.outer
        if name.text in fields_by_spelling(block.schema):
            return block
    return None
