"""From the options of a task to click's parameters, and from words to checked values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.cli.options import Option


def click_parameter(option: Option) -> click.Option:
    """Return the click parameter of an option.

    Every option with a value may be repeated as far as click is concerned: `checked_values`
    finds out whether the values agree. Requirements and defaults are also its business.
    """
    if option.is_flag:
        return click.Option([*option.spellings, option.name], is_flag=True, help=option.help)
    return click.Option(
        [*option.spellings, option.name],
        type=option.type,
        multiple=True,
        metavar=option.metavar or None,
        help=option.help,
    )


def arities(options: Sequence[Option]) -> dict[str, str]:
    """Return spelling -> "flag", "one" or "many" for `detforge.cli.words.option_words`."""
    return {
        spelling: "flag" if option.is_flag else "many" if option.multiple else "one"
        for option in options
        for spelling in option.spellings
    }


def checked_values(options: Sequence[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> value of every option, defaults filled in.

    Args:
        options: the options of the task.
        given: name -> what click parsed: a bool for a flag, a tuple for the rest.

    Raises:
        UsageError: a required option is absent, two spellings disagree, or the value of an
            option would have no effect.
    """
    values = {}
    for option in options:
        value = _one_value(option, given.get(option.name))
        if _is_given(option, given.get(option.name)):
            _refuse_without_effect(option, value)
        values[option.name] = value
    missing = [
        option
        for option in options
        if option.required and not _is_given(option, given.get(option.name))
    ]
    if missing:
        names = ", ".join(_with_short(option) for option in missing)
        raise UsageError(f"missing {names}")
    return values


def _is_given(option: Option, given: Any) -> bool:
    return bool(given) if option.is_flag else given is not None and len(given) > 0


def _one_value(option: Option, given: Any) -> Any:
    if option.is_flag:
        return bool(given)
    if not given:
        return () if option.multiple and option.default is None else option.default
    if option.multiple:
        return tuple(given)
    if any(value != given[0] for value in given):
        values = " and ".join(repr(str(value)) for value in dict.fromkeys(given))
        shown = "two values" if option.secret else values
        spellings = ", ".join(option.spellings)
        raise UsageError(f"{option.title} was given {shown} ({spellings} are one option)")
    return given[0]


def _refuse_without_effect(option: Option, value: Any) -> None:
    if option.no_effect:
        raise UsageError(f"{option.title} has no effect here: {option.no_effect}; leave it out")
    if release := option.release_of(value):
        shown = option.title if option.is_flag or option.secret else f"{option.title} {value}"
        raise UsageError(f"{shown} arrives with release {release}; until then leave it out")


def _with_short(option: Option) -> str:
    short = next((word for word in option.spellings if not word.startswith("--")), "")
    return f"{option.title} ({short})" if short else option.title
