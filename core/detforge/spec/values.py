"""One scalar value of a spec, checked against the field it is for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from detforge.nearest import nearest
from detforge.spec.cursor import CLOSING, NUMBER_OPENERS
from detforge.spec.fields import INTEGER_RANGES, expectation, holds_numbers, range_of, rules_of
from detforge.spec.scalars import read_number, unescape

if TYPE_CHECKING:
    from detforge.spec.cursor import Cursor
    from detforge.spec.findings import Findings
    from detforge.spec.lexer import Token

_LONGEST_SHOWN = 60
# What people and programs put around text beside the quotes of a spec.
_OTHER_QUOTES = re.compile(r"""^(?:[A-Za-z]?["'“‘]|[`´«‹])|["'”’`´»›]$""")
_DIGITS = re.compile(r"\+?\d+(?:\.0*)?")
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\[^\\/]")


def shown(text: str) -> str:
    """Return spec text as it appears in a message: on one line, cut to a readable length."""
    text = " ".join(text.split())
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN - 1]}…"
    # A stray zero-width or control character would not be seen.
    return text if text.isprintable() else ascii(text)[1:-1]


class ValueReader:
    """Reads the value at a cursor; says what is wrong with it.

    Args:
        cursor: moved behind the value, right or wrong.
        findings: takes errors and warnings.
    """

    def __init__(self, cursor: Cursor, findings: Findings) -> None:
        self._cursor = cursor
        self._findings = findings

    def read(self, field: FieldDescriptor, path: str, name: Token) -> Any:
        """Return the value, or None when it was wrong, which is then reported.

        Args:
            field: what the value is for.
            path: of the field, for messages.
            name: the token that names the field.
        """
        cursor = self._cursor
        if not cursor.at_value() and not self._at_bare_path(field, name):
            message = f"has no value; it takes {expectation(field)}"
            self._findings.report(path, name, message)
            return None
        first = cursor.token
        if holds_numbers(field) and (first.kind == "number" or first.text in NUMBER_OPENERS):
            return self._read_numbers(path)
        if first.text in CLOSING:
            self._read_bracketed(field, path)
            return None
        if first.kind in ("string", "unclosed"):
            return self._read_quoted(field, path)
        if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            self._refuse_bare_text(field, path, cursor.take_text())
            return None
        value = cursor.take_run()
        if not field.is_repeated and (whole := cursor.take_decimal_comma(value)):
            self._refuse(field, path, whole, "a comma ends a number; write a point, or nothing")
            return None
        try:
            return read_number(field, value.text)
        except ValueError:
            self._refuse(field, path, value, _hint(field, value.text))
            return None

    def _refuse(self, field: FieldDescriptor, path: str, value: Token, hint: str = "") -> None:
        message = f"takes {expectation(field)}; found {_shown_of(field, value.text)}"
        self._findings.report(path, value, f"{message}; {hint}" if hint else message)

    def _refuse_bare_text(self, field: FieldDescriptor, path: str, value: Token) -> None:
        if holds_numbers(field):
            self._refuse(field, path, value)
            return
        message = "text stands in quotes"
        if not rules_of(field).secret:
            proper = _OTHER_QUOTES.sub("", shown(value.text)).replace("\\", "\\\\")
            message += f'; found {shown(value.text)}, write "{proper}"'
        self._findings.report(path, value, message)

    def _at_bare_path(self, field: FieldDescriptor, name: Token) -> bool:
        r"""Return whether a word and a colon are text without quotes: ``C:\data``."""
        token, colon = self._cursor.token, self._cursor.ahead
        return (
            field.cpp_type == FieldDescriptor.CPPTYPE_STRING
            and token.kind == "word"
            and colon.text == ":"
            and self._cursor.follows_directly(2)
            and self._findings.line(token) == self._findings.line(name)
        )

    def _read_numbers(self, path: str) -> str | None:
        first = self._cursor.token
        closed, text = self._cursor.take_numbers()
        if closed:
            return text
        self._findings.report(path, first, f'this "{first.text}" is never closed')
        return None

    def _read_bracketed(self, field: FieldDescriptor, path: str) -> None:
        opener = self._cursor.token
        _, text = self._cursor.take_group()
        kind = "a block" if opener.text in "{<" else "a list"
        found = f"{kind}: {_shown_of(field, text)}"
        self._findings.report(path, opener, f"takes {expectation(field)}; found {found}")

    def _read_quoted(self, field: FieldDescriptor, path: str) -> str | bytes | None:
        first = self._cursor.token
        pieces = []
        while self._cursor.token.kind in ("string", "unclosed"):
            pieces.append(self._read_string(field, path, self._cursor.take()))
        if None in pieces:
            return None
        data = b"".join(pieces)
        if field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
            self._refuse(field, path, first, "write it without quotes")
            return None
        if field.type == FieldDescriptor.TYPE_BYTES:
            return data
        try:
            return data.decode()
        except UnicodeDecodeError:
            self._findings.report(path, first, "its escapes do not give UTF-8 text")
            return None

    def _read_string(self, field: FieldDescriptor, path: str, token: Token) -> bytes | None:
        if token.kind == "unclosed":
            opened = _shown_of(field, token.text)
            message = f"the quote that opens {opened} is not closed in this line"
            self._findings.report(path, token, message)
            return None
        is_secret = rules_of(field).secret
        body = token.text[1:-1]
        try:
            data, unknown = unescape(body)
        except ValueError as err:
            what = "an escape in it is wrong" if is_secret else str(err)
            self._findings.report(path, token, f"{what}; write \\\\ for a backslash")
            return None
        if _WINDOWS_PATH.match(body):
            message = "a backslash begins an escape; write \\\\ or / in a path"
            self._findings.warn(path, token, message)
        elif unknown:
            what = "an escape" if is_secret else unknown[0]
            message = f"{what} means nothing and is kept; write \\\\ for a backslash"
            self._findings.warn(path, token, message)
        return data


def _shown_of(field: FieldDescriptor, text: str) -> str:
    """Return text given for a field as it appears in a message: a key does not."""
    return "(a key)" if rules_of(field).secret else shown(text)


def _hint(field: FieldDescriptor, text: str) -> str:
    """Return what else to say of a value that cannot be read."""
    if text.lower() in ("none", "null"):
        return "leave the field out instead"
    if range_of(field) and field.cpp_type in INTEGER_RANGES and _DIGITS.fullmatch(text):
        return f"the largest is {INTEGER_RANGES[field.cpp_type][1]}"
    if field.enum_type is None:
        return ""
    near = nearest(text, field.enum_type.values_by_name)
    return f"did you mean {near}?" if near else ""
