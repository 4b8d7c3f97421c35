"""``detforge completion``: scripts that complete detectors, tasks, options and values."""

from __future__ import annotations

import click

VARIABLE = "_DETFORGE_COMPLETE"
"""Environment variable by which such a script asks detforge for the words that fit."""

_SHELLS = ("bash", "zsh", "fish")
# Click keeps the lines of a paragraph that begins with a backspace.
_HELP = """Print a script that completes words in your shell.

\b
bash:  detforge completion bash >> ~/.bashrc
zsh:   detforge completion zsh >> ~/.zshrc
fish:  detforge completion fish > ~/.config/fish/completions/detforge.fish
"""


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(_SHELLS), metavar="SHELL", required=False)
def completion_command(shell: str | None) -> None:
    """Print the script of a shell."""
    from click.shell_completion import get_completion_class

    from detforge.cli.commands import root

    if shell is None:
        raise click.UsageError(f"name the shell: {', '.join(_SHELLS)}", click.get_current_context())
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(root(), {}, "detforge", VARIABLE).source())
