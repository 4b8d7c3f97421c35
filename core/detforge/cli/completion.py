"""``detforge completion``: scripts that complete detectors, tasks, options and values."""

from __future__ import annotations

import click

VARIABLE = "_DETFORGE_COMPLETE"
"""Environment variable by which such a script asks detforge for the words that fit."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    r"""Print a script that completes words in your shell.

    \b
    bash:  detforge completion bash >> ~/.bashrc
    zsh:   detforge completion zsh >> ~/.zshrc
    fish:  detforge completion fish > ~/.config/fish/completions/detforge.fish
    """
    from click.shell_completion import get_completion_class

    from detforge.cli.commands import root

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(root(), {}, "detforge", VARIABLE).source())
