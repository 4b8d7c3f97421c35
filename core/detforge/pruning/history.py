"""What pruned a model, as its checkpoint says it, and those that training makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detforge.files import Checkpoint
    from detforge.requests import PruneReport, PruneRequest

PRUNED = "pruned"
"""Where it stands in `Checkpoint.extra`: a list with an entry each time, the latest last."""


def history_of(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Return what a checkpoint that follows this one says in `Checkpoint.extra` of pruning."""
    past = checkpoint.extra.get(PRUNED) if checkpoint is not None else None
    return {PRUNED: past} if past else {}


def with_pruning(
    checkpoint: Checkpoint, request: PruneRequest, report: PruneReport, sha256: str
) -> dict[str, Any]:
    """Return what the pruned checkpoint says of pruning.

    Args:
        checkpoint: what was pruned.
        request: how.
        report: what came of it.
        sha256: of the file that was pruned.
    """
    entry = {
        "threshold": report.threshold,
        "target_ratio": request.target_ratio,
        "normalizer": request.normalizer,
        "equalization_criterion": request.equalization_criterion,
        "granularity": request.granularity,
        "min_filters": request.min_filters,
        "excluded_layers": list(request.excluded_layers),
        "pruning_ratio": report.pruning_ratio,
        "parent": {"sha256": sha256, "epoch": checkpoint.epoch, "step": checkpoint.step},
        # Such a model cannot be retrained with quantisation, nor the other way round.
        "quantized": False,
    }
    return {PRUNED: [*checkpoint.extra.get(PRUNED, []), entry]}
