"""A schema as a list: every field with its path, and the names that are no fields any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detforge.spec.fields import join, retired_in, value_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor


@dataclass(frozen=True, slots=True)
class Entry:
    """A field at one place of a schema.

    Attributes:
        path: from the top, ``training_config.num_epochs``.
        field: what stands there.
        outer: the block around; None at the top.
    """

    path: str
    field: FieldDescriptor
    outer: Entry | None = None

    def around(self) -> Iterator[Entry]:
        """Yield this entry and the blocks around it, the innermost first."""
        entry: Entry | None = self
        while entry is not None:
            yield entry
            entry = entry.outer


def entries(schema: Descriptor, outer: Entry | None = None) -> Iterator[Entry]:
    """Yield every field of a schema, a block before its fields, in the schema's order.

    The fields of a block that contains a block of its own type are yielded once.
    """
    for field in schema.fields:
        entry = Entry(join(outer.path if outer else "", field.name), field, outer)
        yield entry
        kind = value_field(field).message_type
        if kind is not None and all(
            kind is not other.field.containing_type for other in entry.around()
        ):
            yield from entries(kind, entry)


@dataclass(frozen=True, slots=True)
class Retired:
    """A name that specs of other or older tools have in a block, and that no field has here.

    Attributes:
        name: as they write it.
        advice: what to do instead.
        outer: the block; None at the top.
    """

    name: str
    advice: str
    outer: Entry | None = None

    @property
    def path(self) -> str:
        """Where they have it, from the top."""
        return join(self.outer.path if self.outer else "", self.name)


def retired_names(schema: Descriptor) -> Iterator[Retired]:
    """Yield every retired name of a schema, block by block."""
    for outer in (None, *entries(schema)):
        block = value_field(outer.field).message_type if outer else schema
        for name, advice in (retired_in(block) if block else {}).items():
            yield Retired(name, advice, outer)
