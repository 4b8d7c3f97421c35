"""A spec file to a checked message that knows where each of its fields was written."""

from __future__ import annotations

import logging
import math
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from detforge.errors import Problem, SpecError
from detforge.spec.defaults import settle_unwritten
from detforge.spec.disagreements import find_disagreements
from detforge.spec.fields import schema_of
from detforge.spec.findings import MAX_PROBLEMS
from detforge.spec.foreign import foreign_to, other_format, owner_of
from detforge.spec.parser import parse_text
from detforge.spec.printing import print_message
from detforge.spec.rules import apply_rules
from detforge.spec.secrets import take_key, without_secrets
from detforge.spec.text_file import read_text
from detforge.spec.unknown import name_owners

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.spec.lexer import Position
    from detforge.spec.parser import Parsed

log = logging.getLogger(__name__)

# Of a path or a message; a file that is no spec may have a name of any length.
_LONGEST_WORD = 200
_LONG_WORD = re.compile(rf"(\S{{60}})\S{{{_LONGEST_WORD - 60},}}")


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
        changes: field path -> ``--set ...``, of the fields that changes set instead.
    """

    message: Message
    text: str
    key: str | None = field(default=None, repr=False)
    file: str = ""
    warnings: tuple[Problem, ...] = ()
    positions: Mapping[str, Position] = field(default_factory=dict, repr=False)
    changes: Mapping[str, str] = field(default_factory=dict)

    def locate(self, problem: Problem) -> Problem:
        """Return a problem with file, line and column of its field, or the change that set it.

        A field that is not set is located at the innermost block that is. A problem that has a
        place already stays as it is.
        """
        if problem.file or problem.line:
            return problem
        path = problem.path
        while path:
            if path in self.changes:
                return problem.at(self.changes[path], 0, 0)
            if path in self.positions:
                return problem.at(self.file, *self.positions[path])
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return problem.at(self.file, 0, 0)

    @contextmanager
    def located(self) -> Iterator[None]:
        """Give the problems of a `SpecError` raised inside the block their places."""
        try:
            yield
        except SpecError as err:
            raise SpecError(_bounded(map(self.locate, err.problems))) from err


def load_spec(
    path: Path,
    schema: type[Message],
    changes: Sequence[str] = (),
    others: Callable[[], Mapping[str, type[Message]]] | None = None,
    check: Callable[[Spec], object] | None = None,
) -> Spec:
    """Read and check a spec file.

    Args:
        path: the file.
        schema: the message class it should hold.
        changes: of single fields, ``"training_config.num_epochs=3"``.
        others: detector -> schema, of other detectors; asked only when the file has names that
            the schema lacks, to say whose spec it is.
        check: of what takes several fields, raises `SpecError`; asked only when the file is wrong,
            to say in one go what else is.

    Raises:
        SpecError: the file cannot be read, or is wrong; carries every problem with its place.
        PluginError: the schema itself is wrong.
    """
    text = read_text(path)
    log.debug("read the spec %s", path)
    return parse_spec(text, schema, str(path), changes, others, check)


def parse_spec(
    text: str,
    schema: type[Message],
    file: str = "",
    changes: Sequence[str] = (),
    others: Callable[[], Mapping[str, type[Message]]] | None = None,
    check: Callable[[Spec], object] | None = None,
) -> Spec:
    """Check a spec text and fill in the defaults.

    Args:
        text: the spec.
        schema: the message class it should hold.
        file: name for messages.
        changes: of single fields, ``"training_config.num_epochs=3"``.
        others: detector -> schema, see `load_spec`.
        check: likewise.

    Raises:
        SpecError: the text is wrong; carries every problem with its place.
        PluginError: the schema itself is wrong.
    """
    others = cache(others or dict)
    parsed = _parsed(text, schema(), file, others)
    places = _apply(changes, parsed)
    given = parsed.positions.keys() | places.keys()
    idle = list(settle_unwritten(parsed.message, parsed.unwritten, given))
    key = take_key(parsed.message)
    text = without_secrets(text, parsed.secrets, schema_of(parsed.message))
    if changes:
        text = _rewritten(parsed.message, given, places)
    spec = Spec(
        message=parsed.message,
        text=text,
        key=key,
        file=file,
        positions=parsed.positions,
        changes=places,
    )
    problems, warnings = _checked(spec, parsed, given, check)
    warnings = _in_order(map(spec.locate, [*parsed.warnings, *idle, *warnings]))
    if problems:
        problems = (spec.locate(name_owners(problem, others)) for problem in problems)
        raise SpecError(_in_order(problems), warnings)
    return replace(spec, warnings=tuple(warnings))


def _parsed(
    text: str, message: Message, file: str, others: Callable[[], Mapping[str, type[Message]]]
) -> Parsed:
    """Read a text into an empty message.

    Raises:
        SpecError: it is something else than a spec of this schema.
    """
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise SpecError(Problem("", "is not Unicode text; save it as UTF-8", file)) from err
    parsed = parse_text(text, message, file)
    if parsed.problems:
        stranger = other_format(text) or owner_of(text, parsed, others) or foreign_to(parsed)
        if stranger:
            raise SpecError(_bounded([Problem("", stranger, file)]))
    return parsed


def _checked(
    spec: Spec, parsed: Parsed, given: Collection[str], check: Callable[[Spec], object] | None
) -> tuple[list[Problem], list[Problem]]:
    """Fill in the defaults; return all errors, and the warnings of the rules."""
    faulty = dict.fromkeys([*(problem.path for problem in parsed.problems), *parsed.misspelt], "")
    # What is absent follows from other errors where blocks are torn apart or nothing was read.
    complete = parsed.balanced and bool(given or not parsed.problems)
    checked = apply_rules(spec.message, given, faulty, complete=complete)
    problems = [*parsed.problems, *checked.problems]
    if problems and not (given or parsed.problems):
        problems.insert(0, Problem("", "is empty: it sets no field"))
    elif problems and check and complete:
        problems += find_disagreements(spec, check, given, {**faulty, **checked.mended})
    return problems, checked.warnings


def _apply(changes: Sequence[str], parsed: Parsed) -> Mapping[str, str]:
    if not changes:
        return {}
    from detforge.spec.changes import apply_changes  # most runs need none

    return apply_changes(parsed, changes)


def _rewritten(message: Message, given: Collection[str], places: Mapping[str, str]) -> str:
    """Return the text of a spec after changes."""
    changes = "".join(f"# {change}\n" for change in dict.fromkeys(places.values()))
    return f"# Written anew, with these changes:\n{changes}{print_message(message, given)}"


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by place; what has none, such as an absent block, comes last."""
    return _bounded(
        sorted(problems, key=lambda problem: (problem.line or math.inf, problem.column))
    )


def _bounded(problems: Iterable[Problem]) -> list[Problem]:
    """Return what a person can read: so many problems, and words of a readable length."""
    problems = [
        replace(problem, path=_readable(problem.path), message=_readable(problem.message))
        for problem in problems
    ]
    if len(problems) <= MAX_PROBLEMS:
        return problems
    rest = len(problems) - MAX_PROBLEMS
    return [*problems[:MAX_PROBLEMS], Problem("", f"{rest} more; mend the above first")]


def _readable(text: str) -> str:
    return _LONG_WORD.sub(r"\1…", text) if len(text) > _LONGEST_WORD else text
