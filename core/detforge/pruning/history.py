"""What pruned a model, as its checkpoint says it, and those that training makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detforge.files import Checkpoint
    from detforge.recipe import Variant
    from detforge.requests import PruneReport, PruneRequest

PRUNED = "pruned"
"""Where it stands in `Checkpoint.extra`: a list with an entry each time, the latest last."""


def history_of(checkpoint: Checkpoint | None, variant: Variant) -> dict[str, Any]:
    """Return what the checkpoints of a run say of pruning.

    Args:
        checkpoint: what the run began with; None for none of detforge.
        variant: of its network; a model that took over no widths is not a pruned one.
    """
    if checkpoint is None or not variant.widths:
        return {}
    return {PRUNED: checkpoint.extra.get(PRUNED, [])}


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
