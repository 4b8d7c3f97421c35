"""Default of the task `prune`: a checkpoint to a narrower one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import PruneReport, PruneRequest


@hookimpl(trylast=True)
def prune(request: PruneRequest) -> PruneReport:
    """Remove weak channels, and say what came of it."""
    from detforge.pruning.run import run_prune

    return run_prune(request)
