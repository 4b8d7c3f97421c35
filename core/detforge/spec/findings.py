"""Errors and warnings about a spec text, collected with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import Problem

if TYPE_CHECKING:
    from detforge.spec.lexer import Position, Source, Token

# Beyond this many errors a file is something else than a spec with mistakes.
MAX_PROBLEMS = 100


class Findings:
    """What is to be said about one spec text.

    Attributes:
        problems: errors in the order they were met, at most a hundred and one that says so.
        warnings: what was accepted with a remark; likewise.
    """

    def __init__(self, source: Source, file: str, *, has_lines: bool = True) -> None:
        """Collect what is found in a text.

        Args:
            source: the text.
            file: its name, for messages.
            has_lines: whether its lines mean something to the user.
        """
        self._source = source
        self._file = file
        self._has_lines = has_lines
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether reading on is pointless: further errors would not be kept."""
        return len(self.problems) > MAX_PROBLEMS

    def report(self, path: str, token: Token, message: str) -> None:
        """Add an error about the field at `path`, seen at `token`."""
        self._add(self.problems, path, token, message)

    def warn(self, path: str, token: Token, message: str) -> None:
        """Add a warning about the field at `path`, seen at `token`."""
        self._add(self.warnings, path, token, message)

    def place(self, token: Token) -> Position:
        """Return line and column of a token."""
        return self._source.position(token.start)

    def line(self, token: Token) -> int:
        """Return the 1-based line of a token."""
        return self.place(token).line

    def lines(self, first: Token, second: Token) -> str:
        """Return the lines of two tokens in words: ``lines 3 and 7``, or ``line 3``."""
        one, two = self.line(first), self.line(second)
        return f"line {one}" if one == two else f"lines {one} and {two}"

    def _add(self, findings: list[Problem], path: str, token: Token, message: str) -> None:
        if len(findings) > MAX_PROBLEMS:
            return
        if len(findings) == MAX_PROBLEMS:
            path, message = "", "there is more from here on; mend the above first"
        place = self.place(token) if self._has_lines else (0, 0)
        findings.append(Problem(path, message, self._file, *place))
