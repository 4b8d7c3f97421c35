"""Which fields a spec gives, where, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detforge.spec.choices import means_the_same
from detforge.spec.moved import blocks_around

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

    from detforge.spec.findings import Findings
    from detforge.spec.lexer import Position, Token
_TOP = "the top level"


class Given:
    """What has been read so far.

    Attributes:
        places: field path -> token: of the value where it is a scalar, else of the name. Also
            holds fields that were given but could not be read.
        misspelt: paths of the fields that unknown names were probably meant for.
    """

    def __init__(self, findings: Findings) -> None:
        self.places: dict[str, Token] = {}
        self.misspelt: list[str] = []
        self._findings = findings
        # Path of a field: the block that gave it last; which other one gave it before, and where.
        self._givers: dict[str, str] = {}
        self._elsewhere: dict[str, tuple[str, Token]] = {}
        self._hosts: set[str] = set()
        self._homes: set[str] = set()

    def note(self, field: FieldDescriptor, path: str, name: Token, giver: str) -> None:
        """Note a field at its name; warn of one that cannot be given twice and is.

        Args:
            field: the field.
            path: where it belongs.
            name: the token that names it.
            giver: path of the block that it stands in.
        """
        first = self.places.get(path)
        if field.is_repeated and first is not None:
            return
        self.places[path] = name
        rival = self._givers.get(path, giver)
        self._givers[path] = giver
        if first is None:
            return
        if field.message_type is None and rival != giver:
            self._elsewhere[path] = rival, first
            return
        outcome = "the last one counts" if field.message_type is None else "the two are merged"
        lines = self._findings.lines(first, name)
        self._findings.warn(path, name, f"given twice, in {lines}; {outcome}")

    def positions(self) -> dict[str, Position]:
        """Return line and column of every field that was given."""
        return {path: self._findings.place(token) for path, token in self.places.items()}

    def note_guest(self, host: str, home: str) -> None:
        """Note that a block holds a field that belongs to another one."""
        self._hosts.add(host)
        self._homes.add(home)

    def set(
        self, message: Message, field: FieldDescriptor, path: str, place: Token, value: Any
    ) -> None:
        """Set a singular scalar; report another value that another block gave it."""
        elsewhere = self._elsewhere.pop(path, None)
        was_read = elsewhere and (not field.has_presence or message.HasField(field.name))
        before = getattr(message, field.name) if was_read else None
        setattr(message, field.name, value)
        if not (elsewhere and was_read):
            return
        if not means_the_same(field, before, getattr(message, field.name)):
            other, first = elsewhere
            here, there = self._givers[path] or _TOP, other or _TOP
            blocks = f"{here} and {there} (line {self._findings.line(first)})"
            fault = f"{blocks} give different values; keep one of the two"
            self._findings.report(path, place, fault)

    def unwritten(self) -> set[str]:
        """Return the blocks that are not there for their own sake.

        They hold nothing but fields that belong to other blocks, or that stand in another one.
        """
        mentioned = [*self.places, *self.misspelt]
        own = (f"{path}." for path in self._hosts)
        hosts = {path[:-1] for path in own if not any(name.startswith(path) for name in mentioned)}
        homes = {outer for path in self._homes for outer in blocks_around(path)}
        return (hosts | homes - self.places.keys()) - {""}
