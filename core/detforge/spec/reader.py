"""The fields of a spec, read into messages; goes on after an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.spec.blocks import Block, block_left_open, field_by_name
from detforge.spec.cursor import BLOCK_CLOSERS, BLOCK_OPENERS, CLOSING, NUMBER_OPENERS, Cursor
from detforge.spec.fields import (
    element_path,
    expectation,
    fields_by_spelling,
    in_oneof,
    is_map,
    join,
    retired_in,
    rules_of,
    schema_of,
    value_field,
)
from detforge.spec.given import Given
from detforge.spec.moved import guests_of
from detforge.spec.unknown import explain_unknown
from detforge.spec.values import ValueReader, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

    from detforge.spec.findings import Findings
    from detforge.spec.lexer import Token

# Deeper nesting is no spec, and would end Python's stack.
_MAX_DEPTH = 60


class SpecReader:
    """Reads fields into messages, as `parse_text` and `apply_changes` ask.

    Attributes:
        given: which fields were read.
        unknown: paths of names that their blocks lack.
        unknown_blocks: those of blocks at the top level.
        secrets: offsets of values that must not be stored, from and to.
        balanced: whether every block is closed where it should be.
    """

    def __init__(self, message: Message, cursor: Cursor, findings: Findings) -> None:
        """Read from a cursor into a message.

        Args:
            message: the whole spec.
            cursor: where to read.
            findings: takes errors and warnings.
        """
        self.given = Given(findings)
        self.unknown: list[str] = []
        self.unknown_blocks: list[str] = []
        self.secrets: list[tuple[int, int]] = []
        self.balanced = True
        self._spec = message
        self._schema = schema_of(message)
        self._cursor = cursor
        self._findings = findings
        self._values = ValueReader(cursor, findings)
        self._entries: dict[str, int] = {}
        # Behind a missing "}": the depth of the block that goes on with the current token.
        self._resumed: int | None = None

    # --- blocks --------------------------------------------------------------------------

    def read_fields(self, block: Block) -> None:
        """Read the fields of a block up to its end."""
        cursor = self._cursor
        while cursor.token.kind != "end" and not self._findings.full:
            if cursor.token.text in BLOCK_CLOSERS or cursor.token.text in block.closer:
                if self._closes(block):
                    return
                continue
            self.read_field(block)
            if self._resumed is not None:
                if self._resumed != block.depth:
                    return
                self._resumed = None
            if not cursor.accept(","):
                cursor.accept(";")
        if block.name is not None:
            self.balanced = False
            message = f'this block is never closed; add a "{block.closer[0]}"'
            if block.closer[0] in cursor.source.text[cursor.last_end :]:
                message += " (the last comment hides one)"
            self._findings.report(block.path, block.name, message)

    def _closes(self, block: Block) -> bool:
        token = self._cursor.take()
        if block.name is None:
            self.balanced = False
            self._findings.report("", token, f'this "{token.text}" closes no block; remove it')
            return False
        if token.text not in block.closer:
            opened = f"the block opened in line {self._findings.line(block.name)}"
            message = f'{opened} ends with "{block.closer[0]}"; found "{token.text}"'
            self._findings.report(block.path, token, message)
        return True

    def read_field(self, block: Block) -> None:
        """Read one field, whatever its name, and its value."""
        name = self._cursor.token
        if name.kind == "string" and self._cursor.ahead.text in (":", "{", "<"):
            name = self._unquoted(block, name)
        if name.kind != "word":
            self._findings.report(block.path, name, self._no_name(name))
            self._cursor.skip_line_rest(self._cursor.take())
            return
        giver = block
        block, field = field_by_name(self._spec, block, name.text)
        if field is None:
            self._read_unknown(block, name)
            return
        if block is not giver:
            self.given.note_guest(giver.path, block.path)
        self._read_known(block, field, name, giver.path)

    def _read_known(self, block: Block, field: FieldDescriptor, name: Token, giver: str) -> None:
        """Read a field of a block, from its name on, in the block at `giver`."""
        self._cursor.take()
        path = join(block.path, field.name)
        block = self._without_rival(block, field, path, name)
        self.given.note(field, path, name, giver)
        has_colon = self._accept_colon(path)
        read_one = self._read_scalar if field.message_type is None else self._read_message
        opens_block = self._cursor.token.text in BLOCK_OPENERS
        if not (has_colon or field.message_type or opens_block) and self._cursor.at_value():
            message = f'a ":" is missing between {name.text} and its value'
            self._findings.report(path, self._cursor.token, message)
        opener = self._cursor.token.text
        if not field.is_repeated:
            read_one(block, field, path, name)
        elif opener == "[" or (opener == "(" and field.message_type is None):
            self._cursor.take()
            self._read_list(path, name, opener, lambda: read_one(block, field, path, name))
        else:
            read_one(block, field, path, name)
            while self._at_bare_element(field):
                self._cursor.take()
                read_one(block, field, path, name)

    def _unquoted(self, block: Block, name: Token) -> Token:
        """Report a name in quotes, as in JSON; return it as the word that it should be."""
        if block.schema.GetOptions().map_entry:
            return name
        self._findings.report(block.path, name, f"write the name {name.text} without quotes")
        return name._replace(kind="word", text=name.text[1:-1])

    def _no_name(self, token: Token) -> str:
        ahead = self._cursor.ahead
        if token.text == "/" and ahead.text in ("/", "*"):
            return f'a comment begins with "#"; found {token.text}{ahead.text}'
        if token.kind == "string" and ahead.text == ":":
            return f"an entry is written as: key: {shown(token.text)} value: ..."
        return f"a field name should stand here; found {shown(token.text)}"

    def _at_bare_element(self, field: FieldDescriptor) -> bool:
        """Return whether a list without brackets goes on: no field begins with a value."""
        is_value = self._cursor.ahead.kind in ("number", "string")
        return field.message_type is None and is_value and self._cursor.token.text == ","

    def _accept_colon(self, path: str) -> bool:
        if self._cursor.token.text in ("=", "："):
            wrong = self._cursor.take()
            self._findings.report(path, wrong, f'write ":" instead of "{wrong.text}"')
            return True
        return self._cursor.accept(":")

    def _read_unknown(self, block: Block, name: Token) -> None:
        if (outer := block_left_open(block, name, self._findings)) and block.name:
            self.balanced = False
            opened = f"the block opened in line {self._findings.line(block.name)}"
            self._findings.report(block.path, name, f'{opened} lacks a "}}" before this line')
            self._resumed = outer.depth
            return
        path = join(block.path, name.text)
        guests = guests_of(self._schema, block.path)
        message, meant = explain_unknown(name.text, block.schema, self._schema, guests)
        self._findings.report(path, name, message)
        self.unknown.append(path)
        field = block.schema.fields_by_name.get(meant)
        kind = field.message_type if field else None
        if field and kind and self._cursor.holds_fields(fields_by_spelling(kind)):
            self._read_known(block, field, name, block.path)
            return
        if meant:
            self.given.misspelt.append(join(block.path, meant))
        self._cursor.take()
        has_colon = self._accept_colon(path)
        is_retired = name.text in retired_in(block.schema)
        if block.name is None and self._cursor.token.text in BLOCK_OPENERS and not is_retired:
            self.unknown_blocks.append(name.text)
        if has_colon or self._cursor.token.text in CLOSING:
            self._cursor.skip_value()
        else:
            self._cursor.skip_line_rest(name)

    def _without_rival(self, block: Block, field: FieldDescriptor, path: str, name: Token) -> Block:
        """Report a second member of a oneof; return where to read it so that it does no harm."""
        oneof = field.containing_oneof if in_oneof(field) else None
        rival = block.message.WhichOneof(oneof.name) if oneof else None
        if rival is None or rival == field.name:
            return block
        line = self._findings.line(self.given.places[join(block.path, rival)])
        message = f"cannot stand beside {rival} (line {line}); keep one of the two"
        self._findings.report(path, name, message)
        return block._replace(message=type(block.message)())

    def _read_list(
        self, path: str, name: Token, opener: str, read_element: Callable[[], None]
    ) -> None:
        cursor, closer = self._cursor, CLOSING[opener]
        while not (cursor.accept(closer) or self._findings.full):
            if cursor.at_value() or cursor.token.text == ",":
                read_element()
            if self._resumed is not None:
                return
            if cursor.accept(",") or cursor.token.text == closer:
                continue
            line = self._findings.line(name)
            message = f'the list of line {line} goes on with "," or ends with "{closer}"; found '
            found = shown(cursor.token.text) or "the end of the file"
            self._findings.report(path, cursor.token, message + found)
            cursor.skip_list_rest(closer)
            return

    # --- values --------------------------------------------------------------------------

    def _read_scalar(self, block: Block, field: FieldDescriptor, path: str, name: Token) -> None:
        place = self._cursor.token
        if field.is_repeated:
            path = element_path(path, len(getattr(block.message, field.name)))
        value = self._values.read(field, path, name)
        if rules_of(field).secret:
            self.secrets.append((place.start, self._cursor.last_end))
        if value is None:
            return
        if field.is_repeated:
            getattr(block.message, field.name).append(value)
        else:
            self.given.set(block.message, field, path, place, value)
        self.given.places[path] = place

    def _read_message(self, block: Block, field: FieldDescriptor, path: str, name: Token) -> None:
        opener = self._cursor.token
        if opener.text not in BLOCK_OPENERS and not self._lacks_opener(field, path, name):
            return
        if block.depth >= _MAX_DEPTH:
            self._findings.report(path, name, f"more than {_MAX_DEPTH} blocks inside each other")
            self._cursor.skip_value()
            return
        closer = "}"
        if opener.text in CLOSING:
            self._cursor.take()
            closer = CLOSING[opener.text] if opener.text in BLOCK_OPENERS else "})]"
        inner = Block(block.message, path, name, closer, block, block.depth + 1)
        if is_map(field):
            self._read_entry(inner, field, name)
            return
        message = getattr(block.message, field.name)
        if field.is_repeated:
            path = element_path(path, len(message))
            message = message.add()
            self.given.places[path] = name
        else:
            message.SetInParent()
        self.read_fields(inner._replace(message=message, path=path))

    def _lacks_opener(self, field: FieldDescriptor, path: str, name: Token) -> bool:
        """Report a block without its "{"; return whether its fields follow all the same."""
        cursor = self._cursor
        if cursor.at_field() and cursor.token.text in fields_by_spelling(field.message_type):
            self._findings.report(path, cursor.token, 'a "{" is missing before this')
            return True
        if cursor.token.text in NUMBER_OPENERS and cursor.ahead.text not in CLOSING:
            self._findings.report(
                path, cursor.token, f'write "{{" instead of "{cursor.token.text}"'
            )
            return True
        message = f"takes {expectation(field)}"
        if cursor.at_value():
            message += f"; found {shown(cursor.token.text)}"
            self._findings.report(path, cursor.token, message)
            cursor.skip_value()
        else:
            self._findings.report(path, name, f"has no value; it {message}")
        return False

    def _read_entry(self, outer: Block, field: FieldDescriptor, name: Token) -> None:
        """Read one entry of a map: a block of key and value."""
        number = self._entries[outer.path] = self._entries.get(outer.path, -1) + 1
        target = getattr(outer.message, field.name)
        entry = target.GetEntryClass()()
        here = element_path(outer.path, number)
        self.read_fields(outer._replace(message=entry, path=here))
        for part in ("key", "value"):
            if join(here, part) not in self.given.places:
                self._findings.warn(outer.path, name, f'this entry has no "{part}"')
        path = element_path(outer.path, entry.key)
        if first := self.given.places.get(path):
            lines = self._findings.lines(first, name)
            if target[entry.key] == entry.value:
                self._findings.warn(path, name, f"given twice, in {lines}, with the same value")
            else:
                message = f"given twice, in {lines}, with different values; keep one of the two"
                self._findings.report(path, name, message)
        self.given.places[path] = self.given.places.get(join(here, "value"), name)
        if value_field(field).message_type is None:
            target[entry.key] = entry.value
        else:
            target[entry.key].CopyFrom(entry.value)
