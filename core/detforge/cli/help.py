"""How a task explains itself: an example, and its options in groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from detforge.roadmap import arrival, release_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import Option

HELP_OPTION = ("-h, --help", "Show this message and exit.")

_SECTIONS = {
    "required": "Required",
    "reads": "What it reads",
    "writes": "What it writes",
    "": "Options",
    "common": "Common options",
}


def write_options(formatter: click.HelpFormatter, options: Sequence[Option]) -> None:
    """Write the options in sections; what a later release brings comes last."""
    usable = [option for option in options if not option.no_effect]
    today = [option for option in usable if not _arrives_whole(option)]
    for section, title in _SECTIONS.items():
        members = [option for option in today if _section(option) == section]
        rows = [(_spellings(option), _description(option)) for option in members]
        if section == "common":
            rows.append(HELP_OPTION)
        _write(formatter, title, rows)
    later = [option for option in usable if _arrives_whole(option)]
    for feature in dict.fromkeys(str(option.arrives) for option in later):
        members = [option for option in later if option.arrives == feature]
        rows = [(_spellings(option), _description(option)) for option in members]
        _write(formatter, sentence(arrival(feature)), rows)


def sentence(text: str) -> str:
    """Return a text with a capital letter at its start; other letters stay as they are."""
    return text[:1].upper() + text[1:]


def example(command: str, options: Sequence[Option]) -> str:
    """Return a command line that uses the first spelling of what an ordinary run needs.

    Args:
        command: ``detforge ssd train``.
        options: of the command.
    """
    words = [command]
    for option in options:
        value = _folder(option) if option.output == "folder" else option.example
        if value and not option.no_effect:
            words += [*option.spellings[:1], value]
    return " ".join(words)


def write_example(formatter: click.HelpFormatter, command: str, options: Sequence[Option]) -> None:
    """Write a section with `example`, in one line: it is there to be copied."""
    with formatter.section("Example"):
        formatter.write(f"{' ' * formatter.current_indent}{example(command, options)}\n")


def _folder(option: Option) -> str:
    """Return the folder in the place of a file: ``records`` for ``records/train``."""
    return option.example.partition("/")[0].partition(".")[0]


def _section(option: Option) -> str:
    return "required" if option.required else option.group


def _arrives_whole(option: Option) -> bool:
    return isinstance(option.arrives, str) and option.arrives != ""


def _write(formatter: click.HelpFormatter, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _spellings(option: Option) -> str:
    words = ", ".join(option.spellings)
    return words if option.is_flag else f"{words} {_metavar(option)}".lstrip()


def _metavar(option: Option) -> str:
    if option.output == "folder":
        return "FOLDER"
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.ParamType):
        return {"integer range": "INTEGER", "float range": "NUMBER", "directory": "FOLDER"}.get(
            option.type.name, option.type.name.upper()
        )
    return {int: "INTEGER", float: "NUMBER"}.get(option.type, "TEXT")


def _description(option: Option) -> str:
    notes = []
    if option.from_spec:
        notes.append("without it the spec's")
    if option.default is not None and not option.is_flag:
        notes.append(f"default {option.default}")
    if isinstance(option.arrives, Mapping):
        notes += [
            f"{value} comes with release {release_of(feature)}"
            for value, feature in option.arrives.items()
        ]
    if option.remark:
        return f"Not needed: {option.remark}."
    suffix = f" ({'; '.join(notes)})" if notes else ""
    return f"{option.help}{suffix}."
