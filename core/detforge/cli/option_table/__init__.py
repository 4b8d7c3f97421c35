"""Every option of every task, with every spelling found in the documents users have.

One module a task, named as its hook; `task_options` imports the one it is asked for. A module
may also have ``check(values)`` for options that must agree with each other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.cli.options import Option


def task_options(task: str) -> tuple[Option, ...]:
    """Return the core's options of a task, by its hook name."""
    return _module(task).OPTIONS


def check_together(task: str, options: Sequence[Option], values: Mapping[str, Any]) -> None:
    """Check the options of a task against each other.

    Args:
        task: hook name.
        options: as the detector changed them.
        values: name -> value, defaults filled in.

    Raises:
        UsageError: two of them contradict each other.
    """
    check = getattr(_module(task), "check", None)
    if check is not None:
        check({option.name: option for option in options}, values)


def _module(task: str) -> Any:
    return importlib.import_module(f"{__name__}.{task}")
