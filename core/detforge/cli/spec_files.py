"""``detforge <detector> spec --check``: spec files, and all that is wrong with them."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from detforge.cli import logs
from detforge.cli.owners import experiment_schemas
from detforge.errors import Problem, SpecError
from detforge.spec import Spec, load_spec, parse_spec
from detforge.spec.conversion import conversion_check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.plugins import Detector

log = logging.getLogger(__name__)

_SWAPPED = {
    "looks like a conversion spec": "check it with --convert",
    "looks like an experiment spec": "check it without --convert",
}


class Outcome(NamedTuple):
    """What checking one file came to.

    Attributes:
        file: as messages name it.
        spec: None for a wrong one.
        problems: what is wrong with it.
        warnings: what is accepted with a remark.
    """

    file: str
    spec: Spec | None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def check_files(detector: Detector, schema: type[Message], values: Mapping[str, Any]) -> None:
    """Check files and say what each came to; warnings are logged.

    Args:
        detector: whose specs they are.
        schema: the message class that they should hold.
        values: the options "check", "changes", "convert" and "json".

    Raises:
        SpecError: files are wrong; carries every problem of all of them. With "json" they are
            printed, and click ends the process with code 2.
    """
    outcomes = [_check(detector, schema, path, values) for path in values["check"]]
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    if values["json"]:
        from detforge.spec.as_json import as_text

        content = [_as_json(outcome) for outcome in outcomes]
        logs.say(as_text(content if len(content) > 1 else content[0]))
        click.get_current_context().exit(2 if problems else 0)
    for outcome in outcomes:
        if outcome.spec:
            logs.say(f"{outcome.file}: correct")
    if problems:
        # A wrong change is one mistake, however many files it is for.
        raise SpecError(list(dict.fromkeys(problems)))


def _check(
    detector: Detector, schema: type[Message], path: Path, values: Mapping[str, Any]
) -> Outcome:
    is_stdin = str(path) == "-"
    file = "stdin" if is_stdin else str(path)
    changes, others = values["changes"], None if values["convert"] else experiment_schemas
    check = conversion_check(schema) if values["convert"] else detector.check
    warnings: list[Problem] = []
    try:
        if is_stdin:
            spec = parse_spec(_read_stdin(), schema, file, changes, others, check)
        else:
            spec = load_spec(path, schema, changes, others, check)
        warnings += _told(spec.warnings)
        warnings += _check_whole(detector, spec, convert=values["convert"])
    except SpecError as err:
        warnings += _told(err.warnings)
        return Outcome(file, None, tuple(map(_with_hint, err.problems)), tuple(warnings))
    return Outcome(file, spec, warnings=tuple(warnings))


def _told(warnings: Sequence[Problem]) -> Sequence[Problem]:
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


def _with_hint(problem: Problem) -> Problem:
    """Say which option checks a spec of the other kind."""
    for start, hint in _SWAPPED.items():
        if problem.message.startswith(start):
            return replace(problem, message=f"{problem.message}; {hint}")
    return problem


def _check_whole(detector: Detector, spec: Spec, *, convert: bool) -> Sequence[Problem]:
    """Check what takes several fields; return the warnings, which are logged already.

    Raises:
        SpecError: fields disagree.
    """
    if not convert:
        return [spec.locate(warning) for warning in detector.recipe(spec).warnings]
    check = conversion_check(type(spec.message))
    return _told(check(spec) if check else [])


def _read_stdin() -> str:
    # Bytes that are no UTF-8 are for `parse_spec` to refuse.
    return sys.stdin.buffer.read().decode(errors="surrogateescape")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    from detforge.spec.as_json import problem_as_json, spec_as_json

    return {
        "file": outcome.file,
        "correct": outcome.spec is not None,
        "errors": [problem_as_json(problem) for problem in outcome.problems],
        "warnings": [problem_as_json(warning) for warning in outcome.warnings],
        "spec": spec_as_json(outcome.spec.message) if outcome.spec else None,
    }
