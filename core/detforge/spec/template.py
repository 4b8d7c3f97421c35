"""A commented example of a spec: every field of a schema, ready to be edited.

Required fields and those with an ``example`` stand as they are; so do blocks that mean the same
when absent, for their fields to be uncommented. Other fields stand behind a ``#``, with the value
that their absence means. Fields that have no effect at all are left out.
"""

from __future__ import annotations

import math
import re
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.spec.facts import kind_of, remarks, rivals_of, shown_choices
from detforge.spec.fields import in_oneof, is_map, join, listing, range_of, rules_of, value_field
from detforge.spec.interval import Interval
from detforge.spec.outline import parse_value, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

WIDTH = 100

# Of kinds of fields: what stands for a value where the schema has none.
_PLACEHOLDERS = {"true or false": "false", "text": '""', "block": "{}"}


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
            rules = rules_of(field)
            active = block.active and self._is_active(field, block.example)
            if rules.deprecated or rules.instead or (block.terse and not active):
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
        elif _is_invented(field):
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
            for entry in _map_entries(field, block.example):
                self._write(f"{field.name} {entry}", block)
            return
        width = WIDTH - 2 * block.depth - 1
        for line in _folded(f"{field.name}: ", _value(field, block.example), width):
            self._write(line, block)

    def _write_blocks(self, field: FieldDescriptor, block: _Block) -> None:
        kind = field.message_type
        assert kind is not None
        path = join(block.path, field.name)
        for example in _blocks(field, block.example):
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
            return _is_set(example, field)
        is_block = field.message_type is not None and not field.is_repeated
        return bool(rules.example or (is_block and rules.default))

    def _chosen(self, field: FieldDescriptor, example: Message | None) -> FieldDescriptor | None:
        """Return the active alternative of a field's oneof; of scalars only one with an example."""
        oneof = field.containing_oneof
        if example is not None:
            return field.containing_type.fields_by_name.get(example.WhichOneof(oneof.name) or "")
        candidates = [
            other
            for other in oneof.fields
            if _works(other) and (other.message_type or rules_of(other).example)
        ]
        candidates.sort(key=lambda other: (other.name != self._prefer, not rules_of(other).example))
        return next(iter(candidates), None)

    def _write(self, line: str, block: _Block) -> None:
        self.lines.append("  " * block.depth + ("" if block.active else "#") + line)


def _works(field: FieldDescriptor) -> bool:
    rules = rules_of(field)
    return not (rules.arrives or rules.deprecated or rules.instead)


def _is_set(message: Message, field: FieldDescriptor) -> bool:
    if field.is_repeated:
        return len(getattr(message, field.name)) > 0
    if field.has_presence:
        return message.HasField(field.name)
    return getattr(message, field.name) != field.default_value


def _given(field: FieldDescriptor, example: Message | None) -> Any:
    """Return what an outer example or the schema puts into a field; None for nothing."""
    if example is not None and _is_set(example, field):
        return getattr(example, field.name)
    text = rules_of(field).example or rules_of(field).default
    return getattr(parse_value(field, text), field.name) if text else None


def _value(field: FieldDescriptor, example: Message | None) -> str:
    """Return the value behind the name of a field that is neither block nor map."""
    if example is None or not _is_set(example, field):
        # As its author wrote it: 5e-5.
        return rules_of(field).example or rules_of(field).default or _placeholder(field)
    content = getattr(example, field.name)
    elements = [written(field, value) for value in (content if field.is_repeated else [content])]
    return elements[0] if len(elements) == 1 else f"[{', '.join(elements)}]"


def _map_entries(field: FieldDescriptor, example: Message | None) -> list[str]:
    key = field.message_type.fields_by_name["key"]
    content = _given(field, example)
    if content is None:
        return [f"{{ key: {_placeholder(key)} value: {_placeholder(field)} }}"]
    return [
        f"{{ key: {written(key, name)} value: {written(value_field(field), content[name])} }}"
        for name in sorted(content)
    ]


def _blocks(field: FieldDescriptor, example: Message | None) -> list[Message | None]:
    """Return the example of each block to be written; None for that of the schema."""
    content = _given(field, example)
    if content is None:
        return [None]
    return [
        part if part.ByteSize() else None for part in (content if field.is_repeated else [content])
    ]


def _is_invented(field: FieldDescriptor) -> bool:
    """Return whether the value that a comment shows is no default and not plainly empty."""
    rules = rules_of(field)
    if rules.default or rules.example or rules.required:
        return False
    return _placeholder(field) not in _PLACEHOLDERS.values()


def _placeholder(field: FieldDescriptor) -> str:
    """Return some value that a field without default and example takes."""
    kind = kind_of(field)
    if kind in _PLACEHOLDERS and not shown_choices(field):
        return _PLACEHOLDERS[kind]
    if words := shown_choices(field):
        return words[0]
    if kind == "height and width":
        return '"512,512"'
    number = _some_number(range_of(field) or Interval(0, math.inf))
    return f'"[{number}]"' if kind == "list of numbers" else number


def _some_number(interval: Interval) -> str:
    if interval.low in interval and math.isfinite(interval.low):
        return f"{interval.low:g}"
    return "1" if 1 in interval else f"{(interval.low + interval.high) / 2:g}"


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
