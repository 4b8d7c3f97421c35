"""The tree of commands: detforge, a detector, a task. Each level loads only what is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from detforge.cli.words import (
    CONTEXT,
    OLDER_COMMANDS,
    OTHER_TASK_WORDS,
    TASK_WORDS,
    command_words,
)
from detforge.installed import canonical
from detforge.nearest import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem

SUMMARIES = {
    "dataset_convert": "Turn labelled images into records.",
    "train": "Train from labelled images; write checkpoints.",
    "evaluate": "Score a model on the validation images.",
    "prune": "Remove weak channels from a checkpoint.",
    "inference": "Find objects in images; draw them, write label files.",
    "export": "Write a checkpoint as ONNX.",
    "calibration_tensorfile": "Write images to calibrate int8 with.",
    "engine": "Build a TensorRT engine from an exported model.",
    "spec": "Print a commented spec, check spec files, explain fields.",
    "summary": "Show the network: layers, sizes, weights, multiply-adds.",
}
"""Word on the command line -> what it does: the tasks, ``spec`` and ``summary``."""


class Group(click.Group):
    """A group whose own options may be pasted with typographic dashes.

    Its commands are known by name and summary without being made.
    """

    def rows(self) -> list[tuple[str, str]]:
        """Return name and summary of each command."""
        raise NotImplementedError

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return [name for name, _ in self.rows()]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words up to the command; without any, show the help."""
        try:
            return super().parse_args(ctx, command_words(args) or ["--help"])
        except click.NoSuchOption as err:
            raise click.UsageError(self._unknown(ctx, err.option_name), ctx) from err

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command by its first word; hyphens and underscores are equal."""
        kind = self.subcommand_metavar.split()[0].lower()
        if not args[0].strip():
            raise click.UsageError(f"the {kind} is empty; is a shell variable unset?", ctx)
        command = self.get_command(ctx, canonical(args[0]))
        if command is None:
            names = self.list_commands(ctx)
            raise click.UsageError(
                f"{ctx.command_path} has no {kind} {args[0]!r} (it has: "
                f"{', '.join(names)}).{did_you_mean(args[0], names)}",
                ctx,
            )
        return command.name, command, args[1:]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin like a word, and the group's own options."""
        from click.shell_completion import CompletionItem

        start = canonical(incomplete)
        items = [CompletionItem(name, help=summary) for name, summary in self.rows()]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(item for item in items if item.value.startswith(start)), *options]

    def _unknown(self, ctx: click.Context, word: str) -> str:
        """Return the message about an option that the group does not have."""
        near = did_you_mean(word, (own for option in self.get_params(ctx) for own in option.opts))
        place = f"{ctx.command_path} {self.subcommand_metavar.partition(' [')[0]}"
        return (
            f"{ctx.command_path} has no option {word}.{near} Options follow the "
            f"{place.split()[-1].lower()}: {place} {word}"
        )


class Root(Group):
    """``detforge``: the installed detectors, and the commands that need none."""

    def rows(self) -> list[tuple[str, str]]:
        """Return the detectors and the commands without one."""
        return [*_detectors(), *((name, summary) for name, (_, summary) in _OTHER.items())]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read over the words ``tao`` and ``model`` of older command lines."""
        words = command_words(args)
        rest = words[1:] if words[:1] == ["tao"] else words
        rest = rest[1:] if rest[:1] == ["model"] else rest
        if words[:1] == ["tao"] and rest and not ctx.resilient_parsing:
            from detforge.cli import logs

            logs.log.info("read as: %s", " ".join(["detforge", *rest[:2], "..."]))
        return super().parse_args(ctx, rest)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a detector or a command; say what to type for a task without its detector."""
        word, names = canonical(args[0]), self.list_commands(ctx)
        model = canonical(args[1]) if args[1:] and not args[1].startswith("-") else ""
        if word in OLDER_COMMANDS:
            if model:
                self.get_command(ctx, model)
            raise click.UsageError(
                f"{args[0]} is a command of an older toolkit; here it is: "
                f"detforge {model or 'DETECTOR'} {OLDER_COMMANDS[word]} ...",
                ctx,
            )
        if OTHER_TASK_WORDS.get(word, word) in SUMMARIES and word not in names:
            first = model if model in names else "DETECTOR"
            raise click.UsageError(f"name the detector first: detforge {first} {word} ...", ctx)
        own = (*_OTHER, "--help", "--version")
        if word not in names and nearest(args[0], (*names, *own)) in own:
            near = did_you_mean(args[0], own)
            raise click.UsageError(f"there is no command {args[0]!r}.{near}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return a command; a detector is looked up, not loaded.

        Raises:
            PluginError: no detector of that name can be used.
        """
        if cmd_name in _OTHER:
            return _OTHER[cmd_name][0]()
        from detforge.installed import find_detector, summary_of

        point = find_detector(cmd_name)
        return DetectorGroup(
            name=point.name,
            help=summary_of(point),
            context_settings=CONTEXT,
            options_metavar="",
            subcommand_metavar="TASK [OPTIONS]",
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write detectors, tasks and the rest in sections of their own."""
        none = ("(none)", "Install one with pip; each detector is a package of its own.")
        others = [(name, summary) for name, (_, summary) in _OTHER.items()]
        for title, rows in (
            ("Detectors", _detectors(aliases=True) or [none]),
            ("Tasks of every detector", list(SUMMARIES.items())),
            ("Other commands", others),
        ):
            with formatter.section(title):
                # An alias makes a long name; one row on two lines is better than all of them.
                formatter.write_dl(rows, col_max=24)


class DetectorGroup(Group):
    """``detforge <detector>``: tasks, spec, summary; the plugin is loaded for those only."""

    def rows(self) -> list[tuple[str, str]]:
        """Return the tasks, ``spec`` and ``summary``."""
        return list(SUMMARIES.items())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a task's command with the options of this detector.

        Raises:
            PluginError: the detector cannot be loaded.
        """
        if cmd_name == "spec":
            from detforge.cli.spec import spec_command

            return spec_command(self.name or "")
        if cmd_name == "summary":
            from detforge.cli.summary import SummaryCommand
            from detforge.plugins import load_detector

            return SummaryCommand(load_detector(self.name or ""))
        word = OTHER_TASK_WORDS.get(cmd_name, cmd_name)
        if word not in TASK_WORDS:
            return None
        from detforge.cli.task_command import DetectorTask
        from detforge.plugins import load_detector

        return DetectorTask(load_detector(self.name or ""), word, SUMMARIES[word])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the tasks without loading the detector."""
        with formatter.section("Tasks"):
            formatter.write_dl(self.rows())


def _detectors(*, aliases: bool = False) -> list[tuple[str, str]]:
    """Return name and summary of each detector, or what is wrong with it.

    Args:
        aliases: add a detector's other names to its name.
    """
    from detforge.installed import installed_detectors

    return [
        (
            listing.title if aliases else listing.name,
            f"broken: {listing.problem}" if listing.problem else listing.summary,
        )
        for listing in installed_detectors()
    ]


def _list_command() -> click.Command:
    from detforge.cli.listing import list_command

    return list_command


def _data_command() -> click.Command:
    from detforge.cli.data import data_group

    return data_group


def _completion_command() -> click.Command:
    from detforge.cli.completion import completion_command

    return completion_command


def _dev_command() -> click.Command:
    from detforge.cli.dev import dev_group

    return dev_group


_OTHER: dict[str, tuple[Callable[[], click.Command], str]] = {
    "list": (_list_command, "Show the installed detectors, and what is wrong with them."),
    "data": (_data_command, "Look at data sets: statistics, previews; draw one to try things out."),
    "completion": (_completion_command, "Print a script that completes words in your shell."),
    "dev": (_dev_command, "For authors of detectors: compile .proto files."),
}


def _show_versions(ctx: click.Context, parameter: click.Parameter, is_given: bool) -> None:
    if not is_given or ctx.resilient_parsing:
        return
    from detforge.cli.listing import versions

    click.echo(versions())
    ctx.exit()


def root() -> Root:
    """Return the command ``detforge``."""
    version = click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_versions,
        help="Show versions and exit.",
    )
    return Root(
        name="detforge",
        params=[version],
        help="Train, evaluate, prune and export object detectors from a text spec file.",
        context_settings=CONTEXT,
        options_metavar="",
        subcommand_metavar="DETECTOR TASK [OPTIONS]",
    )
