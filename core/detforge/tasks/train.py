"""Default of the task `train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import TrainReport, TrainRequest


@hookimpl(trylast=True)
def train(request: TrainRequest) -> TrainReport:
    """Train with the core's loop."""
    from detforge.training.run import run_training

    return run_training(request)
