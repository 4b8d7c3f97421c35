"""Learning rate as a function of progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from detforge.recipe import Schedule


def learning_rate_at(schedule: Schedule, progress: Any) -> Any:
    """Return the learning rate of the soft-start annealing schedule.

    With t = p / soft_start while p < soft_start, t = (1 - p) / (1 - annealing) once
    p > annealing and t = 1 between, the rate is ``min^(1 - t) * max^t``: a geometric ramp.

    Args:
        schedule: the two rates and the two turning points.
        progress: scalar p in [0, 1]; step / total steps.

    Returns:
        Scalar float32 tensor.
    """
    p = ops.cast(progress, "float32")
    t = ops.ones_like(p)
    if schedule.soft_start > 0:
        t = ops.minimum(t, p / schedule.soft_start)
    if schedule.annealing < 1:
        t = ops.minimum(t, (1 - p) / (1 - schedule.annealing))
    low = ops.log(ops.cast(schedule.min_learning_rate, "float32"))
    high = ops.log(ops.cast(schedule.max_learning_rate, "float32"))
    return ops.exp(low + ops.clip(t, 0, 1) * (high - low))


class ScheduledLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A recipe's schedule for a Keras optimiser, over a known number of steps."""

    def __init__(self, schedule: Schedule, total_steps: int) -> None:
        self.schedule = schedule
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        """Return the rate of the 0-based step."""
        return learning_rate_at(self.schedule, ops.cast(step, "float32") / self.total_steps)
