"""JSON files too large to hold: what stands at their top level, list element by list element."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

# The longest token that is cut without being a string: a \uXXXX\uXXXX pair, or -Infinity.
_LONGEST_TOKEN = 16


class Element(NamedTuple):
    """One element of a list.

    Attributes:
        value: as `json.loads` gives it.
        start: first byte in the file.
        end: behind the last byte.
    """

    value: Any
    start: int
    end: int


def read_members(
    file: BinaryIO, name: str, chunk: int = 1 << 20
) -> Iterator[tuple[str, Iterator[Element] | Any]]:
    """Yield the members of the object that a JSON file holds, in its order.

    Memory is bounded by the largest element of a list and by the other values.

    Args:
        file: at its start.
        name: of the file, for messages.
        chunk: bytes read at a time.

    Yields:
        (key, value); for a list the value is an iterator over its elements. What is left of it
        when the next member is asked for is passed over.

    Raises:
        DatasetError: no JSON, not UTF-8, or no object; says where.
    """
    window = _Window(file, name, chunk)
    if window.peek() != "{":
        raise DatasetError(_no_object(window.peek(), name))
    window.at += 1
    for _ in _separated(window, "}"):
        if window.peek() != '"':
            raise window.failure("a name in double quotes is expected")
        key = window.value().value
        window.take(":")
        if window.peek() != "[":
            yield key, window.value().value
            continue
        window.at += 1
        elements = (window.value() for _ in _separated(window, "]"))
        yield key, elements
        for _ in elements:
            pass
    if window.peek():
        raise window.failure("something follows the end of the object")


def _no_object(first: str, name: str) -> str:
    if not first:
        return f"{name} is not JSON: it is empty"
    if first == "[":
        return f"{name} holds a list at its top level, not an object, {{...}}"
    return f"{name} is not JSON: it begins with {first!r}; an object, {{...}}, is expected"


def _separated(window: _Window, end: str) -> Iterator[None]:
    """Yield before each item up to a closing bracket, and take the commas between them."""
    if window.peek() == end:
        window.at += 1
        return
    while True:
        yield
        if window.take(",", end) == end:
            return


class _Window:
    """A part of a file as text, one character for each byte.

    Bytes above 127 occur within strings only. The structure of the text is that of the file, and
    positions in it are positions in the file.
    """

    def __init__(self, file: BinaryIO, name: str, chunk: int) -> None:
        self._file = file
        self._name = name
        self._chunk = chunk
        self._text = ""
        self._start = 0  # byte of the file where the text begins
        self._line = 1
        self._is_last = False
        self.at = 0
        self._skip_mark()

    def _skip_mark(self) -> None:
        while len(self._text) < len(_BYTE_ORDER_MARK) and not self._is_last:
            self._read_on()
        start = self._text[:3].encode("latin-1")
        if start.startswith(_UTF_16):
            raise DatasetError(f"{self._name} is UTF-16 text; save it as UTF-8")
        if start == _BYTE_ORDER_MARK:
            self.at = len(_BYTE_ORDER_MARK)

    def _read_on(self) -> None:
        """Forget what lies behind, and read at least as much as is left."""
        left = self._text[self.at :]
        data = self._file.read(max(self._chunk, len(left)))
        self._is_last = not data
        self._line += self._text.count("\n", 0, self.at)
        self._start += self.at
        self._text = left + data.decode("latin-1")
        self.at = 0

    def peek(self) -> str:
        """Pass over white space; return the next character, empty at the end of the file."""
        while True:
            self.at = _SPACE.match(self._text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self._text):
                return self._text[self.at]
            if self._is_last:
                return ""
            self._read_on()

    def take(self, *expected: str) -> str:
        """Pass over one of some characters and return it."""
        found = self.peek()
        if found not in expected:
            words = " or ".join(repr(one) for one in expected)
            raise self.failure(f"{words} is expected")
        self.at += 1
        return found

    def value(self) -> Element:
        """Pass over a value and return it."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self.at)
            except json.JSONDecodeError as err:
                if not self._is_cut(err.pos):
                    self.at = err.pos
                    raise self.failure(err.msg) from err
            except (ValueError, RecursionError) as err:
                raise self.failure(str(err)) from err
            else:
                if self._is_last or end + _LONGEST_TOKEN < len(self._text):
                    break
            self._read_on()
        start, self.at = self.at, end
        text = self._text[start:end]
        if not text.isascii():
            value = self._decode(text, start)
        return Element(value, self._start + start, self._start + end)

    def _is_cut(self, position: int) -> bool:
        """Tell whether a mistake may be but the end of the window."""
        if self._is_last:
            return False
        near_end = position + _LONGEST_TOKEN >= len(self._text)
        in_string = self._text[position : position + 1] == '"'
        return near_end or (in_string and not _STRING.match(self._text, position))

    def _decode(self, text: str, start: int) -> Any:
        data = text.encode("latin-1")
        try:
            return json.loads(data.decode())
        except UnicodeDecodeError as err:
            self.at = start + err.start
            raise self.failure("this is not UTF-8 text") from err

    def failure(self, what: str) -> DatasetError:
        """Return the error for a mistake at the current position."""
        line = self._line + self._text.count("\n", 0, self.at)
        near = self._text[self.at : self.at + 30].encode("latin-1").decode(errors="replace")
        where = f"before {near!r}" if near else "at the end of the file"
        return DatasetError(
            f"{self._name} is not JSON: {what} (line {line}, byte {self._start + self.at}, {where})"
        )
