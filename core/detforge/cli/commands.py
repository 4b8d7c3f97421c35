"""The tree of commands: detforge, a detector, a task. Each level loads only what is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from detforge.cli.words import TASK_WORDS, command_words, option_words
from detforge.nearest import did_you_mean
from detforge.plugins import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from detforge.cli.options import Option, OptionChange
    from detforge.plugins import Detector

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

SUMMARIES = {
    "dataset_convert": "Turn labelled images into records.",
    "train": "Train from labelled images; write checkpoints.",
    "evaluate": "Score a model on the validation images.",
    "prune": "Remove weak channels from a checkpoint.",
    "inference": "Find objects in images; draw them, write label files.",
    "export": "Write a checkpoint as ONNX.",
    "spec": "Print a commented spec, check spec files, explain fields.",
}
"""Word on the command line -> what it does: the tasks, and ``spec``."""


class Group(click.Group):
    """A group whose own options may be pasted with typographic dashes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words up to the command; without any, show the help."""
        return super().parse_args(ctx, command_words(args) or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command by its first word; hyphens and underscores are equal."""
        return super().resolve_command(ctx, [canonical(args[0]), *args[1:]])


class Root(Group):
    """``detforge``: the installed detectors, and the commands that need none."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Read over the word ``model`` of older command lines."""
        if args[0] == "tao":
            rest = args[2:] if args[1:2] == ["model"] else args[1:]
            start = " ".join(["detforge", *rest[:2]])
            raise click.UsageError(f"leave out 'tao': {start} ...", ctx)
        if args[0] == "model" and len(args) > 1:
            args = args[1:]
        word = canonical(args[0])
        if word in SUMMARIES and word not in self.list_commands(ctx):
            raise click.UsageError(f"name a detector first: detforge DETECTOR {word} ...", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the detectors and the commands without one."""
        from detforge.plugins import installed_detectors

        return [*(listing.name for listing in installed_detectors()), *_OTHER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return a command; a detector is looked up, not loaded.

        Raises:
            PluginError: no detector of that name can be used.
        """
        if cmd_name in _OTHER:
            return _OTHER[cmd_name][0]()
        from detforge.plugins import find_detector

        summary = _summary(find_detector(cmd_name))
        return DetectorGroup(name=cmd_name, help=summary, context_settings=CONTEXT)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write detectors, tasks and the rest in sections of their own."""
        from detforge.plugins import installed_detectors

        detectors = [
            (listing.name, f"broken: {listing.problem}" if listing.problem else listing.summary)
            for listing in installed_detectors()
        ] or [("(none)", "Install one with pip; each detector is a package of its own.")]
        others = [(name, summary) for name, (_, summary) in _OTHER.items()]
        for title, rows in (
            ("Detectors", detectors),
            ("Tasks of every detector", list(SUMMARIES.items())),
            ("Other commands", others),
        ):
            with formatter.section(title):
                formatter.write_dl(rows)


class DetectorGroup(Group):
    """``detforge <detector>``: the six tasks and ``spec``; the plugin is loaded for those only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the tasks and ``spec``."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a task's command with the options of this detector.

        Raises:
            PluginError: the detector cannot be loaded.
        """
        if cmd_name == "spec":
            from detforge.cli.spec import spec_command

            return spec_command(self.name or "")
        task = TASK_WORDS.get(cmd_name)
        if task is None:
            return None
        from detforge.cli.option_table import task_options
        from detforge.cli.options import with_changes
        from detforge.plugins import load_detector

        detector = load_detector(self.name or "")
        options = with_changes(task_options(task), option_changes(detector, task), task)

        def run(values: dict[str, Any]) -> None:
            from detforge.cli.run import run_task

            run_task(detector, task, cmd_name, options, values)

        return TaskCommand(cmd_name, options, run)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a task, or say which ones there are."""
        if canonical(args[0]) not in SUMMARIES and not args[0].startswith("-"):
            raise click.UsageError(
                f"{self.name} has no task {args[0]!r} (it has: {', '.join(SUMMARIES)})."
                f"{did_you_mean(args[0], SUMMARIES)}",
                ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the tasks without loading the detector."""
        with formatter.section("Tasks"):
            formatter.write_dl(list(SUMMARIES.items()))


class TaskCommand(click.Command):
    """``detforge <detector> <task>``: reads the options and hands the values over."""

    def __init__(
        self, name: str, options: Sequence[Option], run: Callable[[dict[str, Any]], None]
    ) -> None:
        from detforge.cli.parameters import click_parameter

        super().__init__(
            name,
            params=[click_parameter(option) for option in options],
            callback=lambda **given: self._run(given),
            help=SUMMARIES[name],
            context_settings=CONTEXT,
        )
        self.options = options
        self.run = run

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring pasted words into click's form, then read them."""
        from detforge.cli.parameters import arities

        known = {**arities(self.options), "-h": "flag", "--help": "flag"}
        return super().parse_args(ctx, option_words(args, known))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in sections."""
        from detforge.cli.help import write_options

        write_options(formatter, self.options)

    def _run(self, given: dict[str, Any]) -> None:
        from detforge.cli.parameters import checked_values

        self.run(checked_values(self.options, given))


def option_changes(detector: Detector, task: str) -> list[OptionChange]:
    """Return what all plugins want changed in the options of a task, the detector's first."""
    # Pluggy calls the last one registered first, which is an extension.
    answers = reversed(detector.hook.cli_options(task=task))
    return [change for answer in answers for change in answer]


def _summary(point: Any) -> str:
    return (point.dist.metadata["Summary"] or "") if point.dist else ""


def _list_command() -> click.Command:
    from detforge.cli.listing import list_command

    return list_command


def _data_command() -> click.Command:
    from detforge.cli.data import data_group

    return data_group


def _dev_command() -> click.Command:
    from detforge.cli.dev import dev_group

    return dev_group


_OTHER: dict[str, tuple[Callable[[], click.Command], str]] = {
    "list": (_list_command, "Show the installed detectors, and what is wrong with them."),
    "data": (_data_command, "Draw data sets to try things out with."),
    "dev": (_dev_command, "For authors of detectors: compile .proto files."),
}


def root() -> Root:
    """Return the command ``detforge``."""
    from detforge import __version__

    command = Root(
        name="detforge",
        help="Train, evaluate, prune and export object detectors from a text spec file.",
        context_settings=CONTEXT,
        subcommand_metavar="DETECTOR TASK [OPTIONS]",
    )
    return click.version_option(__version__, prog_name="detforge")(command)
