"""Command lines of a task: a plain one, and others with one option more or another value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from detforge.cli.options import Option


def plain(
    options: Sequence[Option], values: Mapping[str, str], *, needed_by: Option
) -> dict[str, tuple[str, ...]]:
    """Return option name -> its words on a command line, of the required options.

    Args:
        options: of the task.
        values: option name -> value.
        needed_by: an option; what it needs is in the line too.
    """
    return {
        option.name: _words(option, values[option.name])
        for option in options
        if option.required or option.name in needed_by.needs
    }


def variants(option: Option, folder: Path, spec_change: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of an option with one value after another.

    Args:
        option: the option.
        folder: holds ``other_file`` and ``other_folder``, and takes what is to be written.
        spec_change: a change of the task's spec, for ``--set``.
    """
    if option.is_flag:
        yield (option.title,)
    elif option.name == "changes":
        yield _words(option, spec_change)
    else:
        for value in _values(option.type, option.default, folder):
            yield _words(option, value)


def _words(option: Option, value: str) -> tuple[str, ...]:
    return (option.title, value) if option.spellings else (value,)


def _values(kind: Any, default: Any, folder: Path) -> Iterator[str]:
    if isinstance(kind, click.Choice):
        yield from (str(choice) for choice in kind.choices if choice != default)
    elif isinstance(kind, click.Path):
        if kind.exists and not kind.dir_okay:
            yield str(folder / "other_file")
        elif kind.exists:
            yield str(folder / "other_folder")
        else:
            yield str(folder / "written" / "other")
    elif isinstance(kind, click.types.FloatParamType):
        yield "0.75"
    elif kind is int or isinstance(kind, click.types.IntParamType):
        other = 7 if default is None else default + 3
        yield str(min(other, getattr(kind, "max", None) or other))
    else:
        yield _TEXTS.get(getattr(kind, "name", ""), str(folder / "written" / "other"))


_SHAPE = "1x3x300x300"
_TEXTS = {
    "bytes": "2GiB",
    "C,H,W": "3,300,300",
    "NAME,MIN,OPT,MAX": f"images,{_SHAPE},{_SHAPE},{_SHAPE}",
}
