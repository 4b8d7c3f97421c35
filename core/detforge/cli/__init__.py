"""The command line: ``detforge <detector> <task> [options]``.

Nothing here imports Keras or TensorFlow; a task does once it runs.

Exit codes: 0 done; 2 the user's mistake, told in one message; 1 our bug, with a traceback;
130 interrupted (Ctrl-C); 143 ended by a scheduler or ``kill``. Both leave a task as an error does:
with its processes ended and its files whole.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

__all__ = ["main"]

# Top-level modules that only some tasks import, and the extra that brings them.
_EXTRAS = {
    "albumentations": "train",
    "keras": "train",
    "onnx": "train",
    "onnxslim": "train",
    "pycocotools": "train",
    "tensorflow": "train",
    "tf2onnx": "train",
    "jax": "jax",
}


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
        with _leaving_when_terminated():
            code = root().main(words, prog_name="detforge", standalone_mode=False)
    except click.Abort:
        logs.fail("Interrupted.")
        return 130
    except _Terminated:
        logs.fail("Terminated.")
        return 128 + signal.SIGTERM
    except (click.ClickException, DetforgeError) as err:
        if VARIABLE in os.environ:
            return 2  # completing a word: there is nothing to offer, and no place for a message
        if "--debug" in words:
            logs.show_traceback()
        logs.fail(f"Error: {_message(err)}")
        return 2
    except ModuleNotFoundError as err:
        if err.name not in _EXTRAS:
            logs.record_traceback()
            raise
        logs.fail(f"Error: {_absent(err.name)}")
        return 2
    except Exception:
        logs.record_traceback()
        raise
    finally:
        logs.close()
    return code if isinstance(code, int) else 0


class _Terminated(SystemExit):
    """The process was asked to end."""


@contextlib.contextmanager
def _leaving_when_terminated() -> Iterator[None]:
    """Turn the signal that ends a process at once into an exit that cleans up."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    )
    if not is_ours:
        yield
        return
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(number: int, frame: FrameType | None) -> None:
    raise _Terminated(128 + number)


def _message(err: Exception) -> str:
    """Return an error's text; a usage error also says where the help is."""
    import click

    if not isinstance(err, click.ClickException):
        return str(err)
    message = err.format_message()
    if isinstance(err, click.UsageError) and err.ctx is not None:
        message += f"\nTry '{err.ctx.command_path} --help'."
    return message


def _absent(module: str) -> str:
    """Return the message about a package that a task needs and that is not installed."""
    return (
        f"this needs {module}, which is not installed; install it with "
        f"'pip install detforge[{_EXTRAS[module]}]' (Python 3.11 or newer). Inference and "
        "evaluation of an exported .onnx file need no more than 'pip install detforge[onnx]'"
    )
