"""The command line: ``detforge <detector> <task> [options]``.

Nothing here imports Keras or TensorFlow; a task does once it runs.

Exit codes: 0 done; 2 the user's mistake, told in one message; 1 our bug, with a traceback;
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: the words after ``detforge``; None for those of this process.
    """
    import click

    from detforge.cli import logs
    from detforge.cli.commands import root
    from detforge.cli.completion import VARIABLE
    from detforge.errors import DetforgeError

    words = list(sys.argv[1:] if arguments is None else arguments)
    logs.open_console()
    try:
        code = root().main(words, prog_name="detforge", standalone_mode=False)
    except click.Abort:
        logs.fail("Interrupted.")
        return 130
    except (click.ClickException, DetforgeError) as err:
        if VARIABLE in os.environ:
            return 2  # completing a word: there is nothing to offer, and no place for a message
        if "--debug" in words:
            logs.show_traceback()
        logs.fail(f"Error: {_message(err)}")
        return 2
    except Exception:
        logs.record_traceback()
        raise
    finally:
        logs.close()
    return code if isinstance(code, int) else 0


def _message(err: Exception) -> str:
    """Return an error's text; a usage error also says where the help is."""
    import click

    if not isinstance(err, click.ClickException):
        return str(err)
    message = err.format_message()
    if isinstance(err, click.UsageError) and err.ctx is not None:
        message += f"\nTry '{err.ctx.command_path} --help'."
    return message
