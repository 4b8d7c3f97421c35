"""How options are laid out in the help of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detforge.cli.options import Option

HELP_OPTION = ("-h, --help", "Show this message and exit.")


def write_options(formatter: click.HelpFormatter, options: Sequence[Option]) -> None:
    """Write the options in sections: required, optional, common, of later releases."""
    today = [option for option in options if not option.no_effect and not _arrives_whole(option)]
    sections = {
        "Required": [option for option in today if option.required],
        "Options": [option for option in today if not option.required and not option.common],
        "Common options": [option for option in today if not option.required and option.common],
    }
    for title, members in sections.items():
        rows = [(_spellings(option), _description(option)) for option in members]
        if title == "Common options":
            rows.append(HELP_OPTION)
        _write(formatter, title, rows)
    later = [option for option in options if _arrives_whole(option) and not option.no_effect]
    rows = [(", ".join(option.spellings), _arrival(option)) for option in later]
    _write(formatter, "Refused until a later release", rows)


def _arrives_whole(option: Option) -> bool:
    return isinstance(option.arrives, str) and option.arrives != ""


def _arrival(option: Option) -> str:
    if option.default is None or option.is_flag:
        return f"Release {option.arrives}."
    return f"Release {option.arrives}; until then {option.default}."


def _write(formatter: click.HelpFormatter, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _spellings(option: Option) -> str:
    words = ", ".join(option.spellings)
    return words if option.is_flag else f"{words} {_metavar(option)}"


def _metavar(option: Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.ParamType):
        return {"integer range": "INTEGER", "float range": "NUMBER"}.get(
            option.type.name, option.type.name.upper()
        )
    return {int: "INTEGER", float: "NUMBER"}.get(option.type, "TEXT")


def _description(option: Option) -> str:
    notes = []
    if option.default is not None and not option.is_flag:
        notes.append(f"default {option.default}")
    if isinstance(option.arrives, Mapping):
        notes += [f"{value} arrives with {release}" for value, release in option.arrives.items()]
    suffix = f" ({'; '.join(notes)})" if notes else ""
    return f"{option.help}{suffix}."
