"""Changes of single fields from the command line: ``--set training_config.num_epochs=3``.

    change = path "=" value
    path   = name { "." name | "[" index or key "]" }

The value is written as in a spec, but text needs no quotes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from detforge.errors import Problem
from detforge.nearest import nearest
from detforge.spec.blocks import Block, field_by_name
from detforge.spec.cursor import Cursor
from detforge.spec.fields import (
    element_path,
    in_oneof,
    is_inside,
    is_map,
    join,
    schema_of,
    value_field,
)
from detforge.spec.findings import Findings
from detforge.spec.lexer import Source
from detforge.spec.moved import blocks_around, guests_of
from detforge.spec.printing import quoted
from detforge.spec.reader import SpecReader
from detforge.spec.secrets import secret_names
from detforge.spec.unknown import explain_unknown
from detforge.spec.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from detforge.spec.parser import Parsed

_STEP = re.compile(r"""\s*(?:\.\s*)?([^\s.\[\]=]+)|\s*\[("[^"]*"|'[^']*'|[^\]]*)\]""")
_EQUALS = re.compile(r"\s*=")
_ELEMENT = re.compile(r"""\s*("[^"]*"|'[^']*'|[^,]+)\s*(?:,|$)""")


def apply_changes(parsed: Parsed, changes: Iterable[str]) -> Mapping[str, str]:
    """Make changes to what a spec text turned into.

    What a change gives replaces what the text gave; a member of a oneof replaces its rival.

    Args:
        parsed: message, positions, problems and warnings are changed in place.
        changes: each as it stands behind ``--set``.

    Returns:
        Path -> the change, as messages name it, of every field that the changes give.
    """
    maker = _Maker(parsed)
    for change in changes:
        maker.make(change)
    return maker.places


class _WrongChange(Exception):
    """A change that cannot be made: where and why."""

    def __init__(self, path: str, message: str) -> None:
        self.path, self.message = path, message


class _Maker:
    """Makes changes, one by one.

    Attributes:
        places: path -> the change, of the fields given so far.
    """

    def __init__(self, parsed: Parsed) -> None:
        self.places: dict[str, str] = {}
        self._parsed = parsed
        self._schema = schema_of(parsed.message)
        # The change at hand, as messages name it.
        self._place = ""
        # Path -> value as written, of the fields given so far.
        self._values: dict[str, str] = {}

    def make(self, change: str) -> None:
        """Make one change, or note what is wrong with it."""
        steps, value = _split(change)
        self._place = f"--set {self._shown(change, steps)}"
        try:
            self._walk(steps, value)
        except _WrongChange as wrong:
            self._parsed.problems.append(Problem(wrong.path, wrong.message, self._place))

    def _shown(self, change: str, steps: list[str]) -> str:
        names = secret_names(self._schema)
        is_secret = any(nearest(step, names) for step in steps)
        return f"{shown(change.partition('=')[0])}=..." if is_secret else shown(change)

    # --- the path ------------------------------------------------------------------------

    def _walk(self, steps: list[str], value: str | None) -> None:
        """Find the field that the path leads to, and give it the value."""
        if value is None:
            raise _WrongChange("", "takes path=value, as in training_config.num_epochs=3")
        block = Block(self._parsed.message, "")
        trail: list[tuple[Block, FieldDescriptor]] = []
        while True:
            block, field = self._find(block, steps[0])
            trail.append((block, field))
            path = join(block.path, field.name)
            del steps[0]
            key = self._key(block, field, steps.pop(0)) if field.is_repeated and steps else None
            if not steps:
                break
            content = getattr(block.message, field.name)
            if value_field(field).message_type is None:
                raise _WrongChange(path, f"is a single value; it has no {steps[0]}")
            if key is None:
                block = Block(content, path)
            else:
                block = Block(content[key], element_path(path, key))
        self._make_room(trail)
        self._set(block, field, key, value)

    def _find(self, block: Block, name: str) -> tuple[Block, FieldDescriptor]:
        found, field = field_by_name(self._parsed.message, block, name)
        if field is None:
            guests = guests_of(self._schema, block.path)
            message, _ = explain_unknown(name, block.schema, self._schema, guests)
            raise _WrongChange(join(block.path, name), message)
        is_guest = found.path != block.path
        for path in blocks_around(found.path):
            if not is_guest:
                self._parsed.unwritten.discard(path)
            elif path not in self._parsed.positions and path not in self.places:
                self._parsed.unwritten.add(path)
        return found, field

    def _key(self, block: Block, field: FieldDescriptor, text: str) -> Any:
        """Return the index or the key that a part of a path means."""
        path, content = join(block.path, field.name), getattr(block.message, field.name)
        if not is_map(field):
            if text.isascii() and text.isdigit() and int(text) < len(content):
                return int(text)
            if not text.isdigit():
                raise _WrongChange(path, f"is a list; name an element, such as {field.name}[0]")
            has = f"has the elements 0 to {len(content) - 1}" if content else "is empty"
            raise _WrongChange(path, f"{has}; there is no {text}")
        entry = content.GetEntryClass()()
        kind = schema_of(entry).fields_by_name["key"]
        self._read(Block(entry, path), kind, _written(kind, text))
        return entry.key

    def _make_room(self, trail: list[tuple[Block, FieldDescriptor]]) -> None:
        """Remove the rivals of what will be set: other members of a oneof."""
        for block, field in trail:
            oneof = field.containing_oneof if in_oneof(field) else None
            rival = block.message.WhichOneof(oneof.name) if oneof else None
            if rival and rival != field.name:
                block.message.ClearField(rival)
                self._forget(join(block.path, rival))

    # --- the value -----------------------------------------------------------------------

    def _set(self, block: Block, field: FieldDescriptor, key: Any, value: str) -> None:
        path = join(block.path, field.name)
        self._note(path if key is None else element_path(path, key), value)
        content = getattr(block.message, field.name)
        if key is None:
            block.message.ClearField(field.name)
            self._read(block, field, _written(field, value))
        elif is_map(field):
            key_field, kind = schema_of(content.GetEntryClass()()).fields
            pair = f"key: {_written(key_field, str(key))} value: {_written(kind, value)}"
            self._read(block, field, f"{{ {pair} }}", element_path(path, key))
        else:
            behind = content[key + 1 :]
            del content[key:]
            self._read(block, field, _element(field, value), element_path(path, key))
            content.extend(behind)

    def _note(self, path: str, value: str) -> None:
        """Note that a change gives a field; warn when an earlier one gave another value."""
        if self._values.setdefault(path, value) != value:
            message = "is set twice; the last one counts"
            self._parsed.warnings.append(Problem(path, message, self._place))
        self._values[path] = value
        self._parsed.unwritten.discard(path)
        self._forget(path)
        for outer in (path, *blocks_around(path.rpartition(".")[0])):
            if outer not in self._parsed.positions:
                self.places[outer] = self._place

    def _read(self, block: Block, field: FieldDescriptor, text: str, element: str = "") -> None:
        """Read a value into a block.

        Args:
            block: takes it.
            field: of the block.
            text: the value as a spec has it.
            element: path of the element that it is for, if not for the whole field.
        """
        source = Source(f"{field.name}: {text}")
        findings = Findings(source, self._place, has_lines=False)
        cursor = Cursor(source)
        reader = SpecReader(self._parsed.message, cursor, findings)
        reader.read_field(block)
        path = join(block.path, field.name)
        if cursor.token.kind != "end":
            rest = shown(source.text[cursor.token.start :])
            findings.report(path, cursor.token, f"takes one value; found more behind it: {rest}")
        for found, kept in (
            (findings.problems, self._parsed.problems),
            (findings.warnings, self._parsed.warnings),
        ):
            entry = f"{path}[0].value"
            kept += (replace(p, path=element) if p.path == entry else p for p in found)
        self._parsed.misspelt.extend(reader.given.misspelt)
        for given in reader.given.places:
            if given.startswith(element or path):
                self.places[given] = self._place

    def _forget(self, path: str) -> None:
        """Forget where a field and what is inside it were given."""
        for places in (self._parsed.positions, self.places):
            for known in [known for known in places if is_inside(known, path)]:
                del places[known]


def _split(change: str) -> tuple[list[str], str | None]:
    """Return the parts of the path, and the value or None."""
    steps: list[str] = []
    end = 0
    while match := _STEP.match(change, end):
        name, key = match.groups()
        if steps and name and "." not in match[0]:
            return steps, None
        steps.append(name or key.strip())
        end = match.end()
    equals = _EQUALS.match(change, end)
    return steps, change[equals.end() :].strip() if equals and steps else None


def _written(field: FieldDescriptor, value: str) -> str:
    """Return a value as a spec has it: text in quotes, a list in brackets."""
    if not field.is_repeated:
        return _element(field, value)
    if not value or field.message_type is not None:
        return value
    is_list = value[0] in "[(" and value[-1] in "])"
    elements = value[1:-1] if is_list else value
    return f"[{', '.join(_element(field, part) for part in _ELEMENT.findall(elements))}]"


def _element(field: FieldDescriptor, value: str) -> str:
    is_text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    return _literal(value) if is_text else value


def _literal(text: str) -> str:
    *tokens, _ = Source(text).tokens()
    is_literal = tokens and all(token.kind == "string" for token in tokens)
    return text if is_literal else quoted(text.strip())
