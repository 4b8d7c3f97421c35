"""The threshold that leaves a share of a model's parameters."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detforge.errors import UsageError

if TYPE_CHECKING:
    from detforge.graph.prune import Survey
    from detforge.graph.selection import Selection

_EXACT_PLACES = 17  # of a float64 near 1


def lowest_threshold(surveyed: Survey, selection: Selection, ratio: float) -> float:
    """Return the lowest threshold that leaves at most a share of the parameters.

    What stays changes only where the threshold passes a score: of all numbers that choose the
    same channels, the one with the fewest decimals is returned.

    Args:
        surveyed: the model.
        selection: how to choose; its threshold does not count.
        ratio: the share, in (0, 1].

    Raises:
        UsageError: even the highest threshold that makes sense leaves more; says how much.
    """
    steps = np.unique(np.append(0.0, surveyed.scores(selection)))

    def share(step: int) -> float:
        plan = surveyed.plan(replace(selection, threshold=float(steps[step])))
        before, after = plan.parameters
        return after / before

    count = max(len(steps) - 1, 1)  # the highest score is above every threshold
    found = bisect_left(range(count), True, key=lambda step: share(step) <= ratio)
    if found == count:
        raise UsageError(
            f"no threshold leaves {ratio:g} of the parameters or less: at least "
            f"{share(count - 1):.4f} stay with these settings; a lower granularity, fewer "
            "filters at least or fewer excluded layers allow less"
        )
    return _shortest(float(steps[found]), float(steps[found + 1])) if len(steps) > 1 else 0.0


def _shortest(low: float, high: float) -> float:
    """Return the number of the fewest decimals from `low` on, below `high`."""
    rounded = (math.ceil(low * 10**places) / 10**places for places in range(_EXACT_PLACES))
    return next((number for number in rounded if low <= number < high), low)
