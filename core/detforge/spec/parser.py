"""Spec text to message, descriptor driven: every error with its place, and where each field is.

Reads all that ``google.protobuf.text_format.Parse`` reads, except extensions, ``Any`` in brackets,
enum numbers without a name, and a backslash before a character outside ASCII; and what real specs
contain beyond it: ``8.0`` for an integer, curly quotes, aliases, lists of numbers without quotes,
a singular field given twice. Refuses one thing that it reads: a map in which one key has two
values.
After an error it goes on, so that one run shows all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detforge.spec.blocks import Block
from detforge.spec.cursor import Cursor
from detforge.spec.findings import Findings
from detforge.spec.lexer import Source
from detforge.spec.reader import SpecReader

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from detforge.errors import Problem
    from detforge.spec.lexer import Position


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a spec text turned into.

    Attributes:
        message: the fields that could be read.
        positions: field path -> place: of the value where it is a scalar, else of the name. Also
            holds fields that were given but could not be read.
        problems: errors in the order they were met.
        warnings: what was accepted with a remark.
        unknown: paths of names that their blocks lack.
        unknown_blocks: those of blocks at the top level.
        misspelt: paths of the fields that unknown names were probably meant for.
        unwritten: paths of blocks that hold nothing but what is theirs and stands in another block,
            or what belongs to another one.
        secrets: offsets of values that must not be stored, from and to.
        balanced: whether the whole text was read and every block is closed where it should be.
    """

    message: Message
    positions: dict[str, Position]
    problems: list[Problem]
    warnings: list[Problem]
    unknown: list[str]
    unknown_blocks: list[str]
    misspelt: list[str]
    unwritten: set[str]
    secrets: list[tuple[int, int]]
    balanced: bool


def parse_text(text: str, message: Message, file: str = "") -> Parsed:
    """Read a spec into an empty message; never raises for what the text contains.

    Args:
        text: the spec.
        message: takes the fields.
        file: name of the file, for messages.
    """
    source = Source(text)
    findings = Findings(source, file)
    reader = SpecReader(message, Cursor(source), findings)
    reader.read_fields(Block(message, ""))
    return Parsed(
        message,
        reader.given.positions(),
        findings.problems,
        findings.warnings,
        reader.unknown,
        reader.unknown_blocks,
        reader.given.misspelt,
        reader.given.unwritten(),
        reader.secrets,
        reader.balanced and not findings.full,
    )
