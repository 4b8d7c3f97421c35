"""Default of the task `prune`, which a later release brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import UsageError
from detforge.hookspecs import hookimpl
from detforge.roadmap import arrival

if TYPE_CHECKING:
    from detforge.requests import PruneReport, PruneRequest


@hookimpl(trylast=True)
def prune(request: PruneRequest) -> PruneReport:
    """Refuse: channel pruning is not part of this release."""
    raise UsageError(
        f"{request.detector.name}: prune {arrival('pruning')}; nothing was read or written"
    )
