"""A spec file to a checked message that knows where each of its fields was written."""

from __future__ import annotations

import logging
import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detforge.errors import Problem, SpecError
from detforge.spec.fields import schema_of
from detforge.spec.foreign import foreign_to
from detforge.spec.parser import parse_text
from detforge.spec.rules import apply_rules
from detforge.spec.secrets import take_key, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.spec.lexer import Position

log = logging.getLogger(__name__)

# Specs have a few kilobytes; a checkpoint given by mistake should not be read as one.
_MAX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Spec:
    """A checked spec.

    Attributes:
        message: the spec; absent fields hold their documented defaults, fields for keys nothing.
        text: as the user wrote it, without keys: what may be stored. Gives the same message again.
        key: of encrypted model files, where the spec has one.
        file: where it was read from; empty when unknown.
        warnings: accepted, but worth a remark; with their places.
        positions: field path -> place, of the fields that the text sets.
    """

    message: Message
    text: str
    key: str | None = field(default=None, repr=False)
    file: str = ""
    warnings: tuple[Problem, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict, repr=False)

    def locate(self, problem: Problem) -> Problem:
        """Return a problem with file, line and column of its field.

        A field that the text does not set is located at the innermost block that it does.
        A problem that has a line already stays as it is.
        """
        return _locate(problem, self.file, self.positions)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Give the problems of a `SpecError` raised inside the block their places."""
        try:
            yield
        except SpecError as err:
            raise SpecError([self.locate(problem) for problem in err.problems]) from err


def load_spec(path: Path, schema: type[Message]) -> Spec:
    """Read and check a spec file.

    Args:
        path: the file.
        schema: the message class it should hold.

    Raises:
        SpecError: the file cannot be read, or is wrong; carries every problem with its place.
        PluginError: the schema itself is wrong.
    """
    text = _read(path)
    log.debug("read the spec %s", path)
    return parse_spec(text, schema, str(path))


def parse_spec(text: str, schema: type[Message], file: str = "") -> Spec:
    """Check a spec text and fill in the defaults.

    Args:
        text: the spec.
        schema: the message class it should hold.
        file: name for messages.

    Raises:
        SpecError: the text is wrong; carries every problem with its place.
        PluginError: the schema itself is wrong.
    """
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise SpecError(Problem("", "is not Unicode text; save it as UTF-8", file)) from err
    parsed = parse_text(text, schema(), file)
    if foreign := foreign_to(parsed):
        raise SpecError(Problem("", foreign, file))
    problems, warnings = apply_rules(
        parsed.message,
        parsed.positions,
        [*(problem.path for problem in parsed.problems), *parsed.misspelt],
        unwritten=parsed.unwritten,
        complete=parsed.balanced,
    )
    found = [_locate(problem, file, parsed.positions) for problem in problems]
    if found or parsed.problems:
        raise SpecError(_in_order([*parsed.problems, *found]))
    noted = [_locate(warning, file, parsed.positions) for warning in warnings]
    return Spec(
        message=parsed.message,
        text=without_secrets(text, parsed.secrets, schema_of(parsed.message)),
        key=take_key(parsed.message),
        file=file,
        warnings=tuple(_in_order([*parsed.warnings, *noted])),
        positions=parsed.positions,
    )


def _read(path: Path) -> str:
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as err:
        raise SpecError(Problem("", "no such file", file)) from err
    except IsADirectoryError as err:
        raise SpecError(Problem("", "is a folder; name the spec file itself", file)) from err
    except (OSError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        raise SpecError(Problem("", f"cannot be read: {reason}", file)) from err
    if len(data) > _MAX_BYTES:
        limit = f"more than {_MAX_BYTES // 2**20} MiB"
        raise SpecError(Problem("", f"has {limit}; a spec is a small text file", file))
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        found = f"byte {data[err.start]:#04x} in line {line}"
        message = f"is not UTF-8 text ({found}); save it as UTF-8"
        raise SpecError(Problem("", message, file)) from err


def _locate(problem: Problem, file: str, positions: Mapping[str, Position]) -> Problem:
    if problem.line:
        return problem
    path = problem.path
    while path:
        if path in positions:
            return problem.at(file, *positions[path])
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return problem.at(file, 0, 0)


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by place; what has none, such as an absent block, comes last."""
    return sorted(problems, key=lambda problem: (problem.line or math.inf, problem.column))
