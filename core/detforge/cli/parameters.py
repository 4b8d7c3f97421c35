"""From the options of a task to click's parameters, and from words to checked values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from detforge.cli.options import Option


def click_parameter(option: Option) -> click.Parameter:
    """Return the click parameter of an option.

    Every option with a value may be repeated as far as click is concerned: `checked_values`
    finds out whether the values agree. Requirements and defaults are also its business.
    """
    if not option.spellings:
        metavar = option.metavar
        return click.Argument([option.name], type=option.type, nargs=-1, metavar=metavar)
    if option.is_flag:
        return click.Option([*option.spellings, option.name], is_flag=True, help=option.help)
    return click.Option(
        [*option.spellings, option.name],
        type=option.type,
        multiple=True,
        metavar=option.metavar or None,
        help=option.help,
    )


def by_spelling(options: Sequence[Option]) -> dict[str, Option]:
    """Return spelling -> option, for `detforge.cli.words.option_words`."""
    return {spelling: option for option in options for spelling in option.spellings}


def checked_values(
    options: Sequence[Option],
    given: Mapping[str, Any],
    owners: Callable[[str], str] = lambda name: "",
) -> dict[str, Any]:
    """Return name -> value of every option, defaults filled in.

    Args:
        options: the options of the task.
        given: name -> what click parsed: a bool for a flag, a tuple for the rest.
        owners: called with the name of an option that has no effect here; returns the end of the
            message, which says where it has one, or ''.

    Raises:
        UsageError: a required option is absent, two spellings disagree, or an option that was
            given has no effect.
    """
    values = {}
    for option in options:
        values[option.name] = _one_value(option, given.get(option.name))
        if option.no_effect and _is_given(option, given.get(option.name)):
            raise UsageError(
                f"{option.title} has no effect here: {option.no_effect}; leave it out"
                f"{owners(option.name)}"
            )
    missing = [
        _with_short(option)
        for option in options
        if option.required and not _is_given(option, given.get(option.name))
    ]
    if missing:
        raise UsageError(f"missing {', '.join(missing)}")
    return values


def waiting_options(options: Sequence[Option], given: Mapping[str, Any]) -> dict[str, str]:
    """Return what was given and does not take effect yet.

    Args:
        options: the options of the task.
        given: as in `checked_values`.

    Returns:
        The option, with its value where that may be shown -> the feature it waits for.
    """
    waiting = {}
    for option in options:
        if _is_given(option, given.get(option.name)):
            value = _one_value(option, given[option.name])
            if feature := option.feature_of(value):
                hides_value = option.is_flag or option.secret or isinstance(value, tuple)
                waiting[option.title if hides_value else f"{option.title} {value}"] = feature
    return waiting


def _is_given(option: Option, given: Any) -> bool:
    return bool(given) if option.is_flag else given is not None and len(given) > 0


def _one_value(option: Option, given: Any) -> Any:
    if option.is_flag:
        return bool(given)
    takes_several = option.multiple or option.repeated
    if not given:
        return () if takes_several and option.default is None else option.default
    if takes_several:
        return tuple(given)
    if any(value != given[0] for value in given):
        values = " and ".join(repr(str(value)) for value in dict.fromkeys(given))
        shown = "two values" if option.secret else values
        spellings = f" ({', '.join(option.spellings)} are one option)" if option.spellings else ""
        raise UsageError(f"{option.title} was given {shown}{spellings}")
    return given[0]


def _with_short(option: Option) -> str:
    short = next((word for word in option.spellings if not word.startswith("--")), "")
    return f"{option.title} ({short})" if short else option.title
