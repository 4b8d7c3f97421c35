"""Spec text to tokens with their places.

The token classes are those of protobuf's text format, plus curly quotes. Nothing here raises:
what cannot be a token becomes one of kind ``symbol`` or ``unclosed``, and the parser says so.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, Literal, NamedTuple

Kind = Literal["word", "number", "string", "unclosed", "symbol", "end"]

# Characters that nobody sees come along when text is copied from a web page, and editors on
# Windows begin a file with one.
_BLANK = r"\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
# A string that a straight quote opens may hold curly ones; only when no straight quote closes it
# does a curly one. Something always matches, and `[^"\n\\]*(\\.[^"\n\\]*)*` needs no backtracking,
# whatever the text.
_TOKEN = re.compile(
    rf"""
    [{_BLANK}]*(?:\#[^\n]*[{_BLANK}]*)*
    (?:
      (?P<word>[^\W\d][\w+-]*)
    | (?P<number>(?:[0-9+-]|\.[0-9])[0-9a-zA-Z_.+-]*)
    | (?P<string>
        "[^"\n\\]*(?:\\.[^"\n\\]*)*"
      | '[^'\n\\]*(?:\\.[^'\n\\]*)*'
      | ["“”„‟][^"“”„‟\n\\]*(?:\\.[^"“”„‟\n\\]*)*["“”„‟]
      | ['‘’‚‛][^'‘’‚‛\n\\]*(?:\\.[^'‘’‚‛\n\\]*)*['‘’‚‛]
      )
    | (?P<unclosed>["'“”„‟‘’‚‛][^\n]*)
    | (?P<symbol>[^{_BLANK}])
    | (?P<end>\Z)
    )
    """,
    re.VERBOSE,
)
_OPENERS = {"]": "[", ")": "("}


class Position(NamedTuple):
    """A place in a spec.

    Attributes:
        line: 1-based.
        column: 1-based, in characters.
    """

    line: int
    column: int


class Token(NamedTuple):
    """A piece of spec text.

    Attributes:
        kind: what it is.
        text: as written, quotes included.
        start: offset of its first character in the source.
        end: offset behind its last character.
    """

    kind: Kind
    text: str
    start: int
    end: int


class Source:
    """A spec text and its lines.

    Attributes:
        text: the whole spec.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        """Return line and column of an offset."""
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line_end(self, offset: int) -> int:
        """Return the offset of the end of the line that an offset lies in."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def tokens(self) -> list[Token]:
        """Return all tokens in order, an ``end`` token last; blanks and comments are dropped."""
        tokens: list[Token] = []
        offset = 0
        while not (tokens and tokens[-1].kind == "end"):
            for match in _TOKEN.finditer(self.text, offset):
                kind: Any = match.lastgroup
                token = Token(kind, match[kind], *match.span(kind))
                if kind == "unclosed":
                    text = _without_closers(token.text)
                    offset = token.start + len(text)
                    tokens.append(token._replace(text=text, end=offset))
                    break
                tokens.append(token)
                if kind == "end":
                    break
        return tokens


def _without_closers(text: str) -> str:
    """Return unclosed text less what follows it: the closing braces of a block on one line.

    The brackets of a list inside the text stay.
    """
    body = text[0] + text[1:].rstrip(" \t\r,;}>])")
    for closer in text[len(body) :]:
        opener = _OPENERS.get(closer)
        if opener is None or body.count(opener) == body.count(closer):
            break
        body += closer
    return body
