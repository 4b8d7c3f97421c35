"""``detforge <detector> spec``: print a commented spec, check spec files, explain fields.

Says what a spec may hold without any data or model: nothing here imports a numeric library.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detforge.cli import logs
from detforge.cli.commands import SUMMARIES
from detforge.cli.option_table.shared import CHANGES, JSON, MESSAGES
from detforge.cli.options import Option
from detforge.cli.parameters import checked_values
from detforge.cli.task_command import TaskCommand, changed_options
from detforge.errors import UsageError
from detforge.spec.fields import listing, schema_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    from detforge.plugins import Detector

SPEC_OPTIONS: tuple[Option, ...] = (
    Option(
        name="check",
        spellings=("--check",),
        help="Say whether spec files are correct, and all that is wrong with them; - is stdin",
        type=click.Path(allow_dash=True, path_type=Path),
        multiple=True,
        metavar="FILE ...",
    ),
    replace(
        CHANGES,
        help="Check the files with a field changed, training_config.num_epochs=3; once a field",
        group="",
    ),
    Option(
        name="explain",
        spellings=("--explain",),
        help="Say everything about a field: its name, an alias, or its path",
        multiple=True,
        metavar="FIELD ...",
    ),
    Option(
        name="convert",
        spellings=("--convert",),
        help="Print, check or explain the spec of dataset_convert, not that of training",
        type=bool,
    ),
    replace(JSON, help="Print JSON: the schema, the checked specs, or the explained fields"),
    *MESSAGES,
)


def spec_command(name: str) -> click.Command:
    """Return the command ``spec`` of a detector.

    Raises:
        PluginError: the detector cannot be loaded.
    """
    from detforge.plugins import load_detector

    return SpecCommand(load_detector(name))


class SpecCommand(TaskCommand):
    """``detforge <detector> spec``."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        super().__init__("spec", SPEC_OPTIONS, self._start, SUMMARIES["spec"])

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and command lines that do it."""
        super().format_help_text(ctx, formatter)
        with formatter.section("Examples"):
            indent = " " * formatter.current_indent
            for rest in ("> spec.txt", "--check spec.txt", "--explain num_epochs"):
                formatter.write(f"{indent}{ctx.command_path} {rest}\n")

    def loose_word(self, word: str, args: Sequence[str]) -> str:
        """Return what to write instead of a file or a field alone."""
        return f"{word} stands alone; write --check {word} for a file, --explain {word} for a field"

    def _start(self, given: Mapping[str, Any]) -> None:
        run(self._detector, checked_values(SPEC_OPTIONS, given))


def run(detector: Detector, values: Mapping[str, Any]) -> None:
    """Do what the options say.

    Raises:
        DetforgeError: what the user can mend.
    """
    logs.configure(verbose=values["verbose"], log_file=values["log_file"])
    if values["verbose"]:
        from detforge.cli.run import log_start

        log_start(detector, "spec", SPEC_OPTIONS, values)
    if values["explain"] and values["check"]:
        raise UsageError("--explain is about fields and --check about files; give one of them")
    if values["changes"] and not values["check"]:
        raise UsageError("--set changes the specs that are checked; name them with --check")
    if values["check"]:
        from detforge.cli.spec_files import check_files

        schema = schema_of_task(detector, convert=values["convert"])
        check_files(detector, schema, values)
    elif values["explain"]:
        _explain(detector, values["explain"], convert=values["convert"], as_json=values["json"])
    elif values["json"]:
        _print_schema(detector, convert=values["convert"])
    else:
        _print_example(detector, convert=values["convert"])


def schema_of_task(detector: Detector, *, convert: bool) -> type[Message]:
    """Return the message class of a detector's experiment or conversion spec.

    Raises:
        UsageError: its conversion takes no spec.
    """
    if not convert:
        return detector.spec_schema()
    options = changed_options(detector, "convert")
    reason = next((option.no_effect for option in options if option.name == "spec"), "")
    if reason:
        raise UsageError(f"{detector.name} has no conversion spec: {reason}; leave --convert out")
    return detector.convert_schema()


def _descriptor(detector: Detector, *, convert: bool) -> Descriptor:
    """Return the descriptor of `schema_of_task`."""
    return schema_of(schema_of_task(detector, convert=convert)())


def _print_example(detector: Detector, *, convert: bool) -> None:
    from detforge.spec.template import template

    schema = _descriptor(detector, convert=convert)
    name, option = detector.name, " --convert" if convert else ""
    kind, task = ("Experiment", "train -e FILE -r FOLDER")
    if convert:
        kind, task = ("Conversion", "dataset_convert -d FILE -o PREFIX")
    about = [
        f"{kind} spec of {name}: every field, with an example.",
        "",
        '"#name: value" is a field that may be left out, with the value that it has then.',
        f"Check a file:     detforge {name} spec{option} --check FILE",
        f"Look up a field:  detforge {name} spec{option} --explain FIELD",
        f"Use the file:     detforge {name} {task}",
    ]
    logs.say("\n".join(f"# {line}".rstrip() for line in about))
    logs.say("\n" + template(schema, f"{name}_config").rstrip("\n"))


def _print_schema(detector: Detector, *, convert: bool) -> None:
    from detforge import __version__
    from detforge.spec.as_json import as_text, schema_as_json

    schema = _descriptor(detector, convert=convert)
    head = {"detector": detector.name, "task": "dataset_convert" if convert else "train"}
    content = {**head, "detforge": __version__, **schema_as_json(schema)}
    logs.say(as_text(content))


def _explain(detector: Detector, names: Sequence[str], *, convert: bool, as_json: bool) -> None:
    from detforge.spec.as_json import as_text, field_as_json, retired_as_json
    from detforge.spec.explain import describe, find_field

    schema = _descriptor(detector, convert=convert)
    found, retired = [], []
    for name in names:
        fields, others = find_field(name, schema)
        if not fields and not others:
            raise UsageError(_unknown(detector, name, convert=convert))
        found += fields
        retired += others
    if as_json:
        content = [*map(field_as_json, found), *map(retired_as_json, retired)]
        logs.say(as_text(content))
    else:
        logs.say(describe(found, retired))


def _unknown(detector: Detector, name: str, *, convert: bool) -> str:
    """Say that a spec has no such field, and where it or one of a similar name is."""
    from detforge.spec.explain import find_field, similar_paths

    kind = "conversion" if convert else "experiment"
    message = f"the {kind} spec of {detector.name} has no field {name!r}"
    with contextlib.suppress(UsageError):  # no conversion spec, so no such field in it
        other = _descriptor(detector, convert=not convert)
        if any(find_field(name, other)):
            hint = "leave --convert out" if convert else "add --convert"
            return f"{message}; the {'experiment' if convert else 'conversion'} spec does: {hint}"
    near = similar_paths(name, _descriptor(detector, convert=convert))
    return f"{message}; did you mean {listing(near)}?" if near else message
