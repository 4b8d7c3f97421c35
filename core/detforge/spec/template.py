"""A commented example of a spec: every field of a schema, ready to be edited.

Required fields and those with an ``example`` stand as they are; so do blocks that mean the same
when absent, for their fields to be uncommented. Other fields stand behind a ``#``, with the value
that their absence means. Fields that have no effect at all are left out.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from detforge.spec.example_values import (
    block_examples,
    is_invented,
    is_set,
    map_entries,
    value_text,
)
from detforge.spec.facts import remarks, rivals_of
from detforge.spec.fields import in_oneof, is_idle, is_map, join, listing, rules_of, value_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

WIDTH = 100


def template(schema: Descriptor, prefer: str = "") -> str:
    """Return a commented example of a spec, lines of at most `WIDTH` columns.

    Args:
        schema: the message of the spec.
        prefer: of alternative blocks the one with this name is active.

    Raises:
        PluginError: a default or an example in the schema is no value of its field.
    """
    printer = _Printer(prefer)
    printer.write_fields(schema, _Block())
    return "\n".join(printer.lines) + "\n"


class _Block(NamedTuple):
    """The block being written.

    Attributes:
        path: from the top of the spec.
        depth: number of blocks around.
        active: not commented out.
        terse: its type was shown before; only what is active is written, without comments.
        example: the fields that an outer example sets; None for those of the schema.
    """

    path: str = ""
    depth: int = 0
    active: bool = True
    terse: bool = False
    example: Message | None = None


class _Printer:
    def __init__(self, prefer: str) -> None:
        self._prefer = prefer
        self.lines: list[str] = []
        self._homes: dict[str, str] = {}  # type of a block -> name of the block that shows it
        self._is_apart = False  # the field before was a block

    def write_fields(self, schema: Descriptor, block: _Block) -> None:
        """Write all fields of a block, in the schema's order."""
        for field in schema.fields:
            active = block.active and self._is_active(field, block.example)
            if is_idle(field) or (block.terse and not active):
                continue
            is_block = value_field(field).message_type is not None or is_map(field)
            if not block.terse:
                self._separate(is_block)
                self._write_comment(field, block)
            inner = block._replace(active=active)
            if is_map(field) or not is_block:
                self._write_values(field, inner)
            else:
                self._write_blocks(field, inner)
            self._is_apart = is_block

    def _separate(self, is_block: bool) -> None:
        """Set blocks apart by blank lines."""
        if (is_block or self._is_apart) and self.lines and not self.lines[-1].endswith("{"):
            self.lines.append("")

    def _write_comment(self, field: FieldDescriptor, block: _Block) -> None:
        indent = "  " * block.depth + "# "
        text = remarks(field, self._extra_remarks(field, block))
        self.lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _extra_remarks(self, field: FieldDescriptor, block: _Block) -> Iterator[str]:
        if in_oneof(field):
            chosen = self._chosen(field, block.example)
            if chosen is None:
                yield f"excludes {listing(rivals_of(field), 'and')}"
            elif chosen is not field:
                yield f"in place of {chosen.name}"
        if home := self._home(field, block):
            yield f"fields as in {home}"
        elif is_invented(field):
            yield "the value is an example"

    def _home(self, field: FieldDescriptor, block: _Block) -> str:
        """Return where the fields of a block are shown, '' for here."""
        kind = value_field(field).message_type
        if kind is None:
            return ""
        chosen = self._chosen(field, block.example) if in_oneof(field) else None
        if chosen not in (None, field) and chosen.message_type is kind:
            return join(block.path, chosen.name)
        return self._homes.get(kind.full_name, "")

    def _write_values(self, field: FieldDescriptor, block: _Block) -> None:
        if is_map(field):
            for entry in map_entries(field, block.example):
                self._write(f"{field.name} {entry}", block)
            return
        width = WIDTH - 2 * block.depth - 1
        for line in _folded(f"{field.name}: ", value_text(field, block.example), width):
            self._write(line, block)

    def _write_blocks(self, field: FieldDescriptor, block: _Block) -> None:
        kind = field.message_type
        assert kind is not None
        path = join(block.path, field.name)
        for example in block_examples(field, block.example):
            home = self._home(field, block)
            if rules_of(field).arrives or (home and not block.active):
                self._write(f"{field.name} {{ ... }}", block)
                continue
            self._homes.setdefault(kind.full_name, path)
            self._write(f"{field.name} {{", block)
            before = len(self.lines)
            inner = _Block(path, block.depth + 1, block.active, bool(home), example)
            self.write_fields(kind, inner)
            if len(self.lines) == before:
                self.lines[-1] += "}"
            else:
                self._write("}", block)

    def _is_active(self, field: FieldDescriptor, example: Message | None) -> bool:
        rules = rules_of(field)
        if rules.arrives:
            return False
        if in_oneof(field):
            return self._chosen(field, example) is field
        if rules.required:
            return True
        if example is not None:
            return is_set(example, field)
        is_block = field.message_type is not None and not field.is_repeated
        return bool(rules.example or (is_block and rules.default))

    def _chosen(self, field: FieldDescriptor, example: Message | None) -> FieldDescriptor | None:
        """Return the active alternative of a field's oneof; of scalars only one with an example."""
        oneof = field.containing_oneof
        assert oneof is not None
        given = example.WhichOneof(oneof.name) if example is not None else None
        candidates = [
            other
            for other in oneof.fields
            if other.name == given
            or (
                example is None
                and _works(other)
                and (other.message_type or rules_of(other).example)
            )
        ]
        candidates.sort(key=lambda other: (other.name != self._prefer, not rules_of(other).example))
        return candidates[0] if candidates else None

    def _write(self, line: str, block: _Block) -> None:
        self.lines.append("  " * block.depth + ("" if block.active else "#") + line)


def _works(field: FieldDescriptor) -> bool:
    return not (rules_of(field).arrives or is_idle(field))


def _folded(name: str, text: str, width: int) -> list[str]:
    """Return a field on one line, or a long text in pieces below its name."""
    if len(name) + len(text) <= width or not text.startswith('"'):
        return [name + text]
    ends = r"(?<=\], )" if "], " in text else r"(?<= )"
    pieces = [""]
    for piece in re.split(ends, text[1:-1]):
        if pieces[-1] and len(pieces[-1]) + len(piece) > width - 4:
            pieces.append("")
        pieces[-1] += piece
    return [name.rstrip(), *(f'  "{piece}"' for piece in pieces)]
