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

    def __init__(
        self,
        name: str,
        options: Sequence[Option],
        start: Callable[[dict[str, Any]], None],
        summary: str,
    ) -> None:
        """Make a command.

        Args:
            name: the word on the command line.
            options: in the order of the help.
            start: called with what click parsed, for `detforge.cli.parameters.checked_values`.
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

        if not ctx.resilient_parsing:  # completion looks at what is typed, finished or not
            args = option_words(args, by_spelling(self.options))
        return super().parse_args(ctx, args)

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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; say where an option belongs that does not exist here."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as err:
            word = err.option_name
            if place := self._whereabouts(word):
                raise click.UsageError(f"{self.name} has no option {word}{place}", ctx) from err
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the task does, and a command line that does it."""
        from detforge.cli.help import sentence, write_example
        from detforge.cli.later import feature_of_task
        from detforge.roadmap import arrival

        super().format_help_text(ctx, formatter)
        if feature := feature_of_task(self.detector, self.task):
            formatter.write_paragraph()
            with formatter.indentation():
                coming = f"{sentence(arrival(feature))}. Until then it checks options and spec."
                formatter.write_text(coming)
        write_example(formatter, ctx.command_path, self.options)

    def _start(self, given: dict[str, Any]) -> None:
        from detforge.cli.option_table import check_together
        from detforge.cli.parameters import checked_values, waiting_options
        from detforge.cli.run import run_task

        values = checked_values(self.options, given, self._owners)
        check_together(self.task, self.options, values)
        waiting = waiting_options(self.options, given)
        run_task(self.detector, self.task, str(self.name), self.options, values, waiting)

    def _owners(self, name: str) -> str:
        """Return the end of a message that says which detectors an option works with."""
        owners = self._detectors_with(lambda option: option.name == name)
        return f" ({_have(owners)} it)" if owners else ""

    def _whereabouts(self, word: str) -> str:
        """Return the end of a message that says where a spelling belongs, or ''."""
        for option in self.options:
            if word in option.misprints:
                return f"; where documents print it, {' or '.join(option.spellings)} is meant"
        tasks = [
            other
            for other, task in TASK_WORDS.items()
            if any(word in option.spellings for option in changed_options(self.detector, task))
        ]
        if tasks:
            return f"; {_have(tasks)} it"
        owners = self._detectors_with(lambda option: word in option.spellings)
        return f"; with other detectors it does: {', '.join(owners)}" if owners else ""

    def _detectors_with(self, is_it: Callable[[Option], bool]) -> list[str]:
        """Return the other installed detectors that have an option in this task."""
        names = []
        for listing in installed_detectors():
            if listing.problem or listing.name == self.detector.name:
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
