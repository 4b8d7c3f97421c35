"""What pruning saved, layer by layer and in all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.graph.cost import LayerCost


def cost_fields(
    before: Sequence[LayerCost], after: Sequence[LayerCost], channels: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the fields of a `detforge.requests.PruneReport` that costs decide.

    Args:
        before: cost of each layer of the model.
        after: likewise of the pruned one, the same layers in the same order.
        channels: layer -> output channels (before, after).
    """
    parameters = sum(cost.parameters for cost in before), sum(cost.parameters for cost in after)
    multiply_adds = (
        sum(cost.multiply_adds for cost in before),
        sum(cost.multiply_adds for cost in after),
    )
    pairs = dict(zip(_names(before), zip(before, after, strict=True), strict=True))
    return {
        "channels": dict(channels),
        "parameters_before": parameters[0],
        "parameters_after": parameters[1],
        "pruning_ratio": parameters[1] / parameters[0],
        "multiply_adds_before": multiply_adds[0],
        "multiply_adds_after": multiply_adds[1],
        "layer_parameters": {
            name: (old.parameters, new.parameters)
            for name, (old, new) in pairs.items()
            if old.parameters
        },
        "layer_multiply_adds": {
            name: (old.multiply_adds, new.multiply_adds)
            for name, (old, new) in pairs.items()
            if old.multiply_adds
        },
    }


def _names(costs: Sequence[LayerCost]) -> list[str]:
    """Return a name for each layer; the part is in it where several parts have such a layer."""
    counts = Counter(cost.layer for cost in costs)
    return [
        cost.layer if counts[cost.layer] == 1 else f"{cost.part}/{cost.layer}" for cost in costs
    ]
