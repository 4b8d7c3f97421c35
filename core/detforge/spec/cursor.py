"""A reading position in a list of tokens, and the ways to go on after an error."""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from detforge.spec.lexer import Token

if TYPE_CHECKING:
    from collections.abc import Container

    from detforge.spec.lexer import Source

CLOSING = {"{": "}", "<": ">", "[": "]", "(": ")"}
BLOCK_OPENERS = frozenset("{<")
BLOCK_CLOSERS = frozenset("}>")
_CLOSERS = frozenset(CLOSING.values())
NUMBER_OPENERS = frozenset("[(")
# In "640 x 480" and "640 x480".
_BY = re.compile(r"[xX]\d*")
_BARE_TEXT = re.compile(r"(?:\$\{\w*\}|[^\s{}<>\[\]),;#])+")
_ENDS_RUN = frozenset("{}<>[]),;")


class Cursor:
    """Reads tokens one by one.

    Attributes:
        source: where the tokens come from.
        token: the token at the reading position; of kind ``end`` behind the last.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tokens = source.tokens()
        self._index = 0
        self.token = self._tokens[0]

    @property
    def ahead(self) -> Token:
        """The token behind the current one."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def last_end(self) -> int:
        """Offset behind the token before the current one."""
        return self._tokens[self._index - 1].end if self._index else 0

    def take(self) -> Token:
        """Return the current token and move on; stays at the end."""
        token = self.token
        if token.kind != "end":
            self._index += 1
            self.token = self._tokens[self._index]
        return token

    def accept(self, symbol: str) -> bool:
        """Move on if the current token is this symbol; return whether it was."""
        if self.token.text != symbol:
            return False
        self.take()
        return True

    def at_field(self) -> bool:
        """Return whether a field seems to begin here: a word, then a colon or a block."""
        return self.token.kind == "word" and self.ahead.text in (":", "{", "<")

    def holds_fields(self, known: Container[str]) -> bool:
        """Return whether the current name has a block, with more known fields than others."""
        index = self._index + 1
        index += self._tokens[index].text == ":"
        if self._tokens[index].text not in BLOCK_OPENERS:
            return False
        depth = balance = 0
        for token, after in pairwise(islice(self._tokens, index, None)):
            depth += (token.text in CLOSING) - (token.text in _CLOSERS)
            if depth == 0:
                break
            if depth == 1 and token.kind == "word" and after.text in (":", "{", "<"):
                balance += 1 if token.text in known else -1
        return balance > 0

    def at_value(self) -> bool:
        """Return whether something stands here that could be a value, right or wrong."""
        if self.token.kind == "end" or self.token.text in ("}", ">", "]", ")", ",", ";", ":"):
            return False
        return not self.at_field()

    def follows_directly(self, count: int) -> bool:
        """Return whether the next `count` tokens stand without a blank before them."""
        tokens = self._tokens[self._index : self._index + count + 1]
        touching = all(left.end == right.start for left, right in pairwise(tokens))
        return touching and len(tokens) == count + 1 and tokens[-1].kind != "end"

    def take_run(self) -> Token:
        """Take the tokens that follow without a blank between, as one: ``/data/train*``."""
        first = last = self.take()
        if first.kind != "string" and first.text not in _ENDS_RUN:
            while (
                self.token.start == last.end
                and self.token.kind not in ("end", "string", "unclosed")
                and self.token.text not in _ENDS_RUN
            ):
                last = self.take()
        text = self.source.text[first.start : last.end]
        return Token(first.kind if last is first else "symbol", text, first.start, last.end)

    def take_text(self) -> Token:
        """Take text without quotes, ``${DATA}/my train*``: up to a field or the end of the line."""
        start = end = self.token.start
        line_end = self.source.line_end(start)
        while self.token.start == end or (self.at_value() and self.token.start < line_end):
            match = _BARE_TEXT.match(self.source.text, self.token.start)
            end = match.end() if match else self.token.end
            while self.token.start < end:
                end = max(end, self.take().end)
            if self.token.kind == "end" or self.token.text in _ENDS_RUN:
                break
        return Token("symbol", self.source.text[start:end], start, end)

    def take_decimal_comma(self, number: Token) -> Token | None:
        """Take what follows a number as in ``0,15``, without a blank; return all of it."""
        comma, tail = self.token, self.ahead
        touching = number.end == comma.start and comma.end == tail.start
        if not (number.kind == tail.kind == "number" and comma.text == "," and touching):
            return None
        self.take()
        self.take()
        text = self.source.text[number.start : tail.end]
        return Token("symbol", text, number.start, tail.end)

    def skip_value(self) -> None:
        """Skip a value whose type is unknown: a block, a list, strings or a run."""
        if self.token.text in CLOSING:
            self.skip_group()
        elif self.token.kind in ("string", "unclosed"):
            while self.token.kind in ("string", "unclosed"):
                self.take()
        elif self.at_value():
            self.take_run()

    def take_group(self) -> tuple[bool, str]:
        """Skip a group; return whether it is closed, and its text without comments."""
        first = self._index
        closed = self.skip_group()
        return closed, self._text_since(first)

    def take_numbers(self) -> tuple[bool, str]:
        """Take a list or a size without quotes: ``512, 512``, ``(1.0, 1 / 3)``, ``640 x 480``.

        No field begins with a number or a bracket, so a comma before one belongs to the list.

        Returns:
            Whether every bracket is closed, and the text without comments.
        """
        first, is_closed = self._index, True
        while True:
            token = self.token
            if token.text in NUMBER_OPENERS:
                is_closed = self.skip_group() and is_closed
            elif (
                token.kind == "number"
                or token.text in ("*", "/", "×")
                or (_BY.fullmatch(token.text) and not self.at_field())
                or (token.text == "," and self._at_number(self.ahead))
            ):
                self.take()
            else:
                return is_closed, self._text_since(first)

    @staticmethod
    def _at_number(token: Token) -> bool:
        return token.kind == "number" or token.text in NUMBER_OPENERS

    def _text_since(self, first: int) -> str:
        pieces: list[str] = []
        end = -1
        for token in self._tokens[first : self._index]:
            pieces.append(token.text if token.start == end or not pieces else f" {token.text}")
            end = token.end
        return "".join(pieces)

    def skip_group(self) -> bool:
        """Skip from an opening bracket to the one that closes it; return whether all were closed.

        A list ends early where a field begins or a block closes: its bracket is missing.
        """
        awaited = [CLOSING[self.take().text]]
        is_whole = True
        while awaited and self.token.kind != "end":
            if awaited[-1] in "])" and (self.at_field() or self.token.text in BLOCK_CLOSERS):
                is_whole = False
                awaited.pop()
            elif self.token.text in CLOSING:
                awaited.append(CLOSING[self.take().text])
            elif self.take().text == awaited[-1]:
                awaited.pop()
        return is_whole and not awaited

    def skip_list_rest(self, closer: str) -> None:
        """Skip behind the `closer` of a list, or to where it seems to end without one."""
        while self.token.kind != "end" and not self.accept(closer):
            if self.at_field() or self.token.text in BLOCK_CLOSERS:
                return
            if self.token.text in CLOSING:
                self.skip_group()
            else:
                self.take()

    def skip_line_rest(self, before: Token) -> None:
        """Skip the rest of the line of `before`, up to what may be a field or end a block."""
        line_end = self.source.line_end(before.end)
        while self.token.start < line_end:
            if self.at_field() or self.token.text in BLOCK_CLOSERS:
                return
            self.take()
