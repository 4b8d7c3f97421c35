"""From the options of a task to click's parameters, and from words to checked values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from detforge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from detforge.cli.options import Option


def click_parameter(option: Option) -> click.Parameter:
    """Return the click parameter of an option.

    Every option with a value may be repeated as far as click is concerned: `checked_values`
    finds out whether the values agree. Requirements and defaults are also its business.
    """
    words = [*option.spellings, option.name]
    hidden = bool(option.no_effect)  # from completion; the help is written by `detforge.cli.help`
    if option.is_flag:
        return click.Option(words, is_flag=True, hidden=hidden)
    if not option.spellings:
        return click.Argument(words, type=_Value(option), nargs=-1, metavar=option.metavar)
    return click.Option(words, type=_Value(option), multiple=True, hidden=hidden)


class _Value(click.ParamType):
    """The type of an option's value, with messages that name the option once."""

    def __init__(self, option: Option) -> None:
        # What is refused anyway is not looked at first.
        self.type = click.types.convert_type(str if option.no_effect else option.type)
        self.name = self.type.name
        self.option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value as its type has it."""
        try:
            return _finite(self.type.convert(value, param, ctx))
        except click.BadParameter as err:
            wanted = _wanted(self.option, self.type)
            problem = f"takes {wanted}; found {value}" if wanted else err.message
            raise click.UsageError(f"{self.option.title} {problem}", ctx) from err

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the values that begin like a word."""
        return self.type.shell_complete(ctx, param, incomplete)


def _finite(value: Any) -> Any:
    """Return a value that is no NaN and no infinity, which click takes for numbers.

    Raises:
        click.BadParameter: it is one.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number")
    return value


def _wanted(option: Option, kind: click.ParamType) -> str:
    """Return what a type of click takes, '' for one whose own message says it."""
    if isinstance(kind, click.Choice):
        *most, last = map(str, kind.choices)
        return f"{', '.join(most)} or {last}" if most else last
    if option.arity == "numbers":
        return "whole numbers with commas between them"
    if not isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)):
        return ""
    bounds = []
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        if kind.min is not None:
            bounds.append(f"{'above' if kind.min_open else 'at least'} {kind.min}")
        if kind.max is not None:
            bounds.append(f"{'below' if kind.max_open else 'at most'} {kind.max}")
    number = "a whole number" if isinstance(kind, click.types.IntParamType) else "a number"
    return ", ".join([number, " and ".join(bounds)]) if bounds else number


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
        UsageError: a required option is absent, two spellings disagree, an option that was given
            has no effect or lacks another one that it needs, or two exclude each other.
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
        option.full_title
        for option in options
        if option.required
        and not _is_given(option, given.get(option.name))
        and not given.get(option.unless)
    ]
    if missing:
        raise UsageError(f"missing {', '.join(missing)}")
    _check_together(options, given)
    return values


def _check_together(options: Sequence[Option], given: Mapping[str, Any]) -> None:
    titles = {option.name: option.full_title for option in options}
    present = [option for option in options if _is_given(option, given.get(option.name))]
    names = {option.name for option in present}
    for option in present:
        if absent := [titles[name] for name in option.needs if name not in names]:
            raise UsageError(f"{option.title} has no effect without {', '.join(absent)}")
        if both := [titles[name] for name in option.excludes if name in names]:
            raise UsageError(f"{option.title} takes the place of {', '.join(both)}; leave one out")


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
