"""What an option of a task is, and the changes a plugin may ask for.

An option has a name, by which the program knows it (the field of the request it fills), and
spellings, which users type. Every spelling in the documents people have is accepted.
No option is ignored in silence: it takes effect, or it is refused with the release that brings
it (`Option.arrives`) or with the reason why it never will (`Option.no_effect`), or it is
answered with the reason why it is not needed (`Option.remark`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from detforge.cli.words import HELP_WORDS, names_folder, underscored
from detforge.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

Arity = Literal["flag", "one", "repeated", "many", "numbers"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option of a task's command.

    Attributes:
        name: the request's field, or the key in ``request.options`` for a plugin's own.
        spellings: with their dashes; the first one starting with ``--`` stands in messages.
            Users may type hyphens or underscores in long ones, however they are written here.
            None at all: a word without an option before it.
        help: what it does, without a full stop.
        type: ``str``, ``int``, ``float``, ``bool`` (a flag, takes no value) or a click type.
        required: not giving it is an error, whatever the default.
        unless: name of a flag with which a required option may be left out.
        needs: names of options without which it has nothing to act on.
        excludes: names of options that say the same in another way: giving both is an error.
        multiple: takes several values: after one spelling, after repeated ones, or with commas.
        repeated: takes several values, each after a spelling of its own.
        default: value when absent, of the final type; None for none.
        metavar: how the value is called in help; empty for the type's own word.
        group: the section of the help it stands in.
        example: the value in the example of the help; empty for an option left out there.
        output: for an output that may be a file or a folder, what a spelling means that does not
            say it (``--output_file`` and ``--output_dir`` do). A folder's value ends in "/".
        file_suffixes: endings that make a value a file all the same, where the spelling is
            silent.
        from_spec: when absent, the spec says it.
        in_results: what it is called in the results folder, where it goes when neither an option
            nor the spec says it; empty for nowhere.
        arrives: feature of the roadmap that brings the option, or each value named. Until then it
            is refused.
        works: values that are fine all the same.
        no_effect: why the option can do nothing here; giving it is refused with this reason.
        remark: why the option changes nothing here and is accepted all the same, for scripts that
            give it to every task; giving it is answered with this.
        misprints: words that some documents print in its place; refused with a hint.
        secret: the value is shown in no message.
    """

    name: str
    spellings: tuple[str, ...]
    help: str = ""
    type: type | click.ParamType = str
    required: bool = False
    unless: str = ""
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    multiple: bool = False
    repeated: bool = False
    default: Any = None
    metavar: str = ""
    group: Literal["", "reads", "writes", "common"] = ""
    example: str = ""
    output: Literal["", "file", "folder"] = ""
    file_suffixes: tuple[str, ...] = ()
    from_spec: bool = False
    in_results: str = ""
    arrives: str | Mapping[Any, str] = ""
    works: tuple[Any, ...] = ()
    no_effect: str = ""
    remark: str = ""
    misprints: tuple[str, ...] = ()
    secret: bool = False

    @property
    def is_flag(self) -> bool:
        """True for an option without a value."""
        return self.type is bool

    @property
    def arity(self) -> Arity:
        """How many values it takes, and how they follow each other."""
        if self.is_flag:
            return "flag"
        if self.repeated:
            return "repeated"
        if self.multiple:
            return "numbers" if self.type is int else "many"
        return "one"

    @property
    def title(self) -> str:
        """The spelling that stands for the option in messages."""
        long = [word for word in self.spellings if word.startswith("--")]
        return [*long, *self.spellings, self.metavar][0]

    @property
    def full_title(self) -> str:
        """The title with the letter, which most users know better."""
        short = next((word for word in self.spellings if not word.startswith("--")), "")
        return f"{self.title} ({short})" if short not in ("", self.title) else self.title

    def feature_of(self, value: Any) -> str:
        """Return the feature that a given value waits for, '' when it takes effect today."""
        if isinstance(self.arrives, Mapping):
            return self.arrives.get(value, "")
        return "" if value in self.works else self.arrives

    def means_folder(self, spelling: str, value: str) -> bool:
        """Return whether a value is a folder that does not show it by its last character."""
        if not self.output or names_folder(value):
            return False
        if spelling.endswith("_dir"):
            return True
        says_file = spelling.endswith(("_file", "_filename"))
        return self.output == "folder" and not says_file and not value.endswith(self.file_suffixes)


@dataclass(frozen=True, slots=True)
class OptionChange:
    """One change to the options of a task, as the hook `cli_options` returns it.

    Made with `add`, `rename`, `prefer`, `require`, `optional`, `folder` or `drop`.

    Attributes:
        action: which of these.
        name: the option meant.
        option: the new option of `add`.
        spellings: the new spellings of `rename`, the first ones of `prefer`.
        reason: why the option has no effect, of `drop`.
    """

    action: Literal["add", "rename", "prefer", "require", "optional", "folder", "drop"]
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
    def prefer(cls, name: str, *spellings: str) -> OptionChange:
        """Show some of an option's spellings first, in help and messages; all stay accepted."""
        return cls("prefer", name, spellings=spellings)

    @classmethod
    def require(cls, name: str) -> OptionChange:
        """Make an option required."""
        return cls("require", name)

    @classmethod
    def optional(cls, name: str) -> OptionChange:
        """Make an option optional because the spec can say it: see `detforge.recipe`.

        Of "evaluate" ``model``; of "infer" ``model``, ``images``, ``annotated_dir`` and
        ``labels_dir``. Given neither is an error.
        """
        return cls("optional", name)

    @classmethod
    def folder(cls, name: str) -> OptionChange:
        """Read an output that may be a file or a folder as a folder."""
        return cls("folder", name)

    @classmethod
    def drop(cls, name: str, *, reason: str) -> OptionChange:
        """Refuse an option that can have no effect on this detector, and say why.

        The message goes on to name the installed detectors that have it.
        """
        return cls("drop", name, reason=reason)


_IN_SPEC = "the conversion spec says it"
_NO_SPEC = "conversion takes images and a COCO file, no spec"

SPEC_CONVERSION = (
    OptionChange.require("spec"),
    OptionChange.drop("image_dir", reason=_IN_SPEC),
    OptionChange.drop("annotations_file", reason=_IN_SPEC),
    OptionChange.drop("tag", reason="-o begins the names of the records"),
    OptionChange.drop("num_shards", reason=_IN_SPEC),
    OptionChange.drop("include_mask", reason="masks are kept wherever the labels have them"),
)
"""Changes for "convert" of a detector that converts by a spec: ``-d``."""

COCO_CONVERSION = (
    OptionChange.require("image_dir"),
    OptionChange.require("annotations_file"),
    OptionChange.prefer("output", "-o", "--output_dir"),
    OptionChange.folder("output"),
    OptionChange.drop("spec", reason=_NO_SPEC),
    OptionChange.drop("changes", reason=_NO_SPEC),
    OptionChange.drop("drop_unmapped", reason="without a spec nothing maps the classes"),
    OptionChange.drop("class_file", reason="the categories of the COCO file are the classes"),
    OptionChange.drop("validation_fold", reason="a COCO file is not dealt out to folds"),
)
"""Changes for "convert" of a detector that converts a COCO file by options: ``-i``, ``-a``."""


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
        if not isinstance(change, OptionChange):
            raise PluginError(f"cli_options({task!r}) must return OptionChange, not {change!r}")
        by_name[change.name] = _changed(change, by_name, task)
    return tuple(by_name.values())


def _changed(change: OptionChange, options: Mapping[str, Option], task: str) -> Option:
    """Return the option that a change leads to."""
    if change.action == "add":
        return _added(change, options, task)
    if change.name not in options:
        raise PluginError(
            f"cli_options({task!r}) returns OptionChange.{change.action}({change.name!r}), which "
            f"is not among the options of {task}: {', '.join(sorted(options))}"
        )
    option = options[change.name]
    match change.action:
        case "rename":
            return replace(option, spellings=_renamed(change, options, task))
        case "prefer":
            return replace(option, spellings=_reordered(change, option, task))
        case "require":
            return replace(option, required=True)
        case "optional":
            return replace(option, required=False, from_spec=True)
        case "folder":
            return replace(option, output="folder")
        case _:
            return replace(option, required=False, no_effect=change.reason)


def _added(change: OptionChange, options: Mapping[str, Option], task: str) -> Option:
    assert change.option is not None
    spellings = _spellings(change.name, change.option.spellings, task)
    if change.name in options or _taken(options.values()).intersection(spellings):
        words = ", ".join(spellings)
        raise PluginError(f"cli_options({task!r}) adds {words}, which {task} already has")
    return replace(change.option, spellings=spellings)


def _renamed(change: OptionChange, options: Mapping[str, Option], task: str) -> tuple[str, ...]:
    spellings = _spellings(change.name, change.spellings, task)
    others = [option for option in options.values() if option.name != change.name]
    if clash := _taken(others).intersection(spellings):
        raise PluginError(
            f"cli_options({task!r}) calls {change.name!r} {', '.join(sorted(clash))}, which "
            "is another option"
        )
    return spellings


def _reordered(change: OptionChange, option: Option, task: str) -> tuple[str, ...]:
    first = tuple(underscored(word) for word in change.spellings)
    if unknown := set(first).difference(option.spellings):
        raise PluginError(
            f"cli_options({task!r}) prefers {', '.join(sorted(unknown))}, which is no spelling of "
            f"{change.name!r}: {', '.join(option.spellings)}"
        )
    return (*first, *(word for word in option.spellings if word not in first))


def _taken(options: Iterable[Option]) -> set[str]:
    return {word for option in options for word in option.spellings} | {*HELP_WORDS}


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
