"""What an option of a task is, and the changes a plugin may ask for.

An option has a name, by which the program knows it (the field of the request it fills), and
spellings, which users type. Every spelling in the documents people have is accepted.
No option is accepted and ignored: it takes effect, or it is refused with the release that
brings it (`Option.arrives`) or with the reason why it never will (`Option.no_effect`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from detforge.cli.words import underscored
from detforge.errors import PluginError
from detforge.plugins import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

_HELP = {"-h", "--help"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option of a task's command.

    Attributes:
        name: the request's field, or the key in ``request.options`` for a plugin's own.
        spellings: with their dashes; the first one starting with ``--`` stands in messages.
            Users may type hyphens or underscores in long ones, however they are written here.
        help: what it does, without a full stop.
        type: ``str``, ``int``, ``float``, ``bool`` (a flag, takes no value) or a click type.
        required: not giving it is an error, whatever the default.
        multiple: takes several values: after one spelling, after repeated ones, or with commas.
        default: value when absent, of the final type; None for none.
        metavar: how the value is called in help; empty for the type's own word.
        tasks: hook names of the tasks whose command has it; for the core's table only.
        common: listed apart in help, as one that most commands have.
        arrives: release in which the option, or each value named, takes effect. Until then any
            value but the default and `works` is refused.
        works: values that are fine before `arrives`.
        no_effect: why the option can do nothing here; giving it is refused with this reason.
        secret: the value is shown in no message.
    """

    name: str
    spellings: tuple[str, ...]
    help: str = ""
    type: type | click.ParamType = str
    required: bool = False
    multiple: bool = False
    default: Any = None
    metavar: str = ""
    tasks: tuple[str, ...] = TASKS
    common: bool = False
    arrives: str | Mapping[Any, str] = ""
    works: tuple[Any, ...] = ()
    no_effect: str = ""
    secret: bool = False

    @property
    def is_flag(self) -> bool:
        """True for an option without a value."""
        return self.type is bool

    @property
    def title(self) -> str:
        """The spelling that stands for the option in messages."""
        return next((word for word in self.spellings if word[:2] == "--"), self.spellings[0])

    def release_of(self, value: Any) -> str:
        """Return the release in which a given value takes effect, '' when it does today."""
        if value == self.default or value in self.works:
            return ""
        return self.arrives.get(value, "") if isinstance(self.arrives, Mapping) else self.arrives


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One change to the options of a task, as the hook `cli_options` returns it.

    Made with `add`, `rename`, `require` or `drop`.

    Attributes:
        action: which of the four.
        name: the option meant.
        option: the new option of `add`.
        spellings: the new spellings of `rename`.
        reason: why the option has no effect, of `drop`.
    """

    action: Literal["add", "rename", "require", "drop"]
    name: str
    option: Option | None = None
    spellings: tuple[str, ...] = ()
    reason: str = ""

    @classmethod
    def add(cls, option: Option) -> OptionChange:
        """Add an option; its value arrives in ``request.options[option.name]``."""
        return cls("add", option.name, option=option)

    @classmethod
    def rename(cls, name: str, *spellings: str) -> OptionChange:
        """Replace the spellings of an option; the field it fills stays the same."""
        return cls("rename", name, spellings=spellings)

    @classmethod
    def require(cls, name: str) -> OptionChange:
        """Make an option required."""
        return cls("require", name)

    @classmethod
    def drop(cls, name: str, *, reason: str) -> OptionChange:
        """Refuse an option that can have no effect on this detector, and say why."""
        return cls("drop", name, reason=reason)


def with_changes(
    options: Iterable[Option], changes: Iterable[OptionChange], task: str
) -> tuple[Option, ...]:
    """Return options with the changes of plugins applied in order.

    Args:
        options: the options of one task.
        changes: what the hook `cli_options` returned.
        task: hook name of the task, for messages.

    Raises:
        PluginError: a change names an option that the task does not have, or brings a name or
            a spelling that cannot be one or that another option has.
    """
    by_name = {option.name: option for option in options}
    for change in changes:
        _apply(change, by_name, task)
    return tuple(by_name.values())


def _apply(change: OptionChange, options: dict[str, Option], task: str) -> None:
    if not isinstance(change, OptionChange):
        raise PluginError(f"cli_options({task!r}) must return OptionChange, not {change!r}")
    taken = {word for option in options.values() for word in option.spellings} | _HELP
    if change.action == "add":
        assert change.option is not None
        spellings = _spellings(change.option.name, change.option.spellings, task)
        if change.name in options or taken.intersection(spellings):
            words = ", ".join(spellings)
            raise PluginError(f"cli_options({task!r}) adds {words}, which {task} already has")
        options[change.name] = replace(change.option, spellings=spellings)
        return
    if change.name not in options:
        raise PluginError(
            f"cli_options({task!r}) means to {change.action} {change.name!r}, which is not among "
            f"the options of {task}: {', '.join(sorted(options))}"
        )
    option = options[change.name]
    if change.action == "rename":
        spellings = _spellings(change.name, change.spellings, task)
        if clash := taken.difference(option.spellings).intersection(spellings):
            raise PluginError(
                f"cli_options({task!r}) calls {change.name!r} {', '.join(sorted(clash))}, which "
                "is another option"
            )
        options[change.name] = replace(option, spellings=spellings)
    elif change.action == "require":
        options[change.name] = replace(option, required=True)
    else:
        options[change.name] = replace(option, required=False, no_effect=change.reason)


def _spellings(name: str, spellings: Iterable[str], task: str) -> tuple[str, ...]:
    """Return the spellings of a plugin's option as the words of a command line are read."""
    words = tuple(underscored(word) for word in spellings)
    wrong = [word for word in words if not re.fullmatch(r"--?[^\W\d][\w-]*", word)]
    if wrong or not words or not name.isidentifier():
        raise PluginError(
            f"cli_options({task!r}) calls an option {name!r} ({', '.join(spellings)}); a name is "
            "a Python identifier, and a spelling begins with one or two dashes and a letter"
        )
    return words
