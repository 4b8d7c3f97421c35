"""The command of one task: reads its options, checks them, explains what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detforge.cli.words import CONTEXT, TASK_WORDS, option_words
from detforge.errors import PluginError
from detforge.installed import installed_detectors
from detforge.plugins import TASKS, load_detector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detforge.cli.options import Option, OptionChange
    from detforge.plugins import Detector


class TaskCommand(click.Command):
    """A command with options of `detforge.cli.options`."""

    allow_extra_args = True  # for a message of our own

    def __init__(
        self,
        name: str,
        options: Sequence[Option],
        start: Callable[[dict[str, Any]], int | None],
        summary: str,
    ) -> None:
        """Make a command.

        Args:
            name: the word on the command line.
            options: in the order of the help.
            start: called with what click parsed, for `detforge.cli.parameters.checked_values`;
                returns the exit code, None for 0.
            summary: what it does.
        """
        from detforge.cli.parameters import click_parameter

        super().__init__(
            name,
            params=[click_parameter(option) for option in options],
            callback=lambda **given: start(given),
            help=summary,
            context_settings=CONTEXT,
        )
        self.options = options

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring pasted words into click's form, then read them."""
        from detforge.cli.parameters import by_spelling

        if ctx.resilient_parsing:  # completion looks at what is typed, finished or not
            return super().parse_args(ctx, args)
        try:
            args = option_words(args, by_spelling(self.options))
            loose = super().parse_args(ctx, list(args))  # click empties the list
        except click.NoSuchOption as err:
            raise click.UsageError(self._unknown(err.option_name), ctx) from err
        if loose:
            raise click.UsageError(self.loose_word(loose[0], args), ctx)
        return loose

    def loose_word(self, word: str, args: Sequence[str]) -> str:
        """Return what is wrong with a word that belongs to no option.

        Args:
            word: the first such word.
            args: all words.
        """
        from detforge.cli.wrong_words import stands_alone

        return stands_alone(word, args, self.options)

    def elsewhere(self, word: str) -> str:
        """Return the end of a message: where an option is that this command lacks, or ''."""
        return ""

    def _unknown(self, word: str) -> str:
        """Return the message about an option that does not exist."""
        from detforge.cli.wrong_words import as_shown, near_form, other_form

        form = other_form(word, self.options)
        hint = form or self.elsewhere(word) or near_form(word, self.options)
        return f"{self.name} has no option {as_shown(word, self.options)}{hint}"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in sections."""
        from detforge.cli.help import write_options

        write_options(formatter, self.options)


class DetectorTask(TaskCommand):
    """``detforge <detector> <task>``.

    Knows the other detectors and tasks, to say where an option belongs that is refused here.
    They are asked for that message only.
    """

    def __init__(self, detector: Detector, word: str, summary: str) -> None:
        self.detector = detector
        self.task = TASK_WORDS[word]
        super().__init__(word, changed_options(detector, self.task), self._start, summary)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the task does, and a command line that does it."""
        from detforge.cli.help import sentence, write_example
        from detforge.cli.later import feature_of_task
        from detforge.roadmap import arrival

        super().format_help_text(ctx, formatter)
        if feature := feature_of_task(self.detector, self.task):
            formatter.write_paragraph()
            with formatter.indentation():
                usable = {option.name for option in self.options if not option.no_effect}
                checked = "options and spec" if "spec" in usable else "its options"
                coming = f"{sentence(arrival(feature))}. Until then it checks {checked}."
                formatter.write_text(coming)
        write_example(formatter, ctx.command_path, self.options)

    def _start(self, given: dict[str, Any]) -> int:
        from detforge.cli.option_table import check_together
        from detforge.cli.parameters import checked_values, waiting_options
        from detforge.cli.run import run_task

        values = checked_values(self.options, given, self._owners)
        check_together(self.task, self.options, values)
        waiting = waiting_options(self.options, given)
        return run_task(self.detector, self.task, str(self.name), self.options, values, waiting)

    def _owners(self, name: str) -> str:
        """Return the end of a message that says which detectors an option works with."""
        owners = self._detectors_with(lambda option: option.name == name)
        return f" ({_have(owners)} it)" if owners else ""

    def elsewhere(self, word: str) -> str:
        """Return the end of a message: which task or detector has an option, or ''."""
        tasks, names = [], set()
        for other, task in TASK_WORDS.items():
            for option in changed_options(self.detector, task):
                if word in option.spellings:
                    tasks.append(other)
                    names.add(option.name)
        for option in self.options:
            if option.name in names:
                return f"; here it is {option.full_title}"
        if tasks:
            return f"; {_have(tasks)} it"
        owners = self._detectors_with(lambda option: word in option.spellings)
        return f"; with other detectors it does: {', '.join(owners)}" if owners else ""

    def _detectors_with(self, is_it: Callable[[Option], bool]) -> list[str]:
        """Return the installed detectors with which an option of this task works."""
        names = []
        for listing in installed_detectors():
            if listing.problem:
                continue
            try:
                options = changed_options(load_detector(listing.name), self.task)
            except PluginError:
                continue  # its own commands say what is wrong with it
            if any(is_it(option) and not option.no_effect for option in options):
                names.append(listing.name)
        return names


def changed_options(detector: Detector, task: str) -> tuple[Option, ...]:
    """Return the options of a task as a detector has them.

    Raises:
        PluginError: a change cannot be made.
    """
    from detforge.cli.option_table import task_options
    from detforge.cli.options import with_changes

    return with_changes(task_options(task), option_changes(detector, task), task)


def option_changes(detector: Detector, task: str) -> list[OptionChange]:
    """Return what all plugins want changed in the options of a task, the detector's first."""
    if task not in TASKS:
        return []
    # Pluggy calls the last one registered first, which is an extension.
    answers = reversed(detector.hook.cli_options(task=task))
    return [change for answer in answers for change in answer]


def _have(names: Sequence[str]) -> str:
    """Return ``a has``, or ``a, b and c have``."""
    if len(names) == 1:
        return f"{names[0]} has"
    return f"{', '.join(names[:-1])} and {names[-1]} have"
