"""Learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import ops

from detforge.recipe import (
    SoftStartAnnealing,
    SoftStartCosine,
    SoftStartSteps,
    Steps,
    WarmupCosine,
    WarmupSteps,
)

if TYPE_CHECKING:
    from detforge.recipe import Schedule

    Tensor = Any


class RunLength(NamedTuple):
    """How long a run is; schedules stretch over it.

    Attributes:
        steps: of the whole run.
        steps_per_epoch: of one epoch.
    """

    steps: int
    steps_per_epoch: int


# A smaller number is 0 on a device that computes in float32, and 0 / 0 no number.
_LEAST = 1e-37


def learning_rate_at(schedule: Schedule, step: Tensor, length: RunLength) -> Tensor:
    """Return the learning rate of a step.

    Args:
        schedule: any schedule of a recipe.
        step: whole numbers of any shape, 0 for the first step of the run.
        length: of the run.

    Returns:
        float32, of the shape of `step`.
    """
    match schedule:
        case SoftStartAnnealing():
            return soft_start_annealing(schedule, step, length.steps)
        case SoftStartCosine():
            return soft_start_cosine(schedule, step, length.steps)
        case SoftStartSteps():
            return soft_start_steps(schedule, step, length.steps)
        case Steps():
            return steps(schedule, step, length.steps)
        case WarmupCosine():
            return warmup_cosine(schedule, step, length)
        case WarmupSteps():
            return warmup_steps(schedule, step)


def soft_start_annealing(schedule: SoftStartAnnealing, step: Tensor, total_steps: int) -> Tensor:
    """Return a geometric ramp, a plateau, and a geometric descent.

    With t = p / soft_start while p < soft_start, t = (1 - p) / (1 - annealing) once
    p > annealing and t = 1 between, the rate is ``min^(1 - t) * max^t``; p = step / total_steps.
    """
    p = _progress(step, total_steps)
    t = ops.ones_like(p)
    if schedule.soft_start > _LEAST:
        t = ops.minimum(t, p / schedule.soft_start)
    if schedule.annealing < 1:
        t = ops.minimum(t, (1 - p) / (1 - schedule.annealing))
    low, high = math.log(schedule.min_learning_rate), math.log(schedule.max_learning_rate)
    return ops.exp(low + ops.clip(t, 0, 1) * (high - low))


def soft_start_cosine(schedule: SoftStartCosine, step: Tensor, total_steps: int) -> Tensor:
    """Return a linear ramp, then ``min + (max - min) (1 + cos(pi (p - soft_start))) / 2``.

    The cosine is not stretched over what the ramp leaves of the run: it would reach the smallest
    rate `soft_start` behind the end. That is how the users' older models were trained.
    """
    p, start = _progress(step, total_steps), schedule.soft_start
    low = schedule.min_learning_rate
    height = schedule.max_learning_rate - low
    share = 0.5 * (1 + ops.cos(math.pi * (p - start)))
    if start > _LEAST:
        share = ops.where(p < start, p / start, share)
    return low + height * share


def soft_start_steps(schedule: SoftStartSteps, step: Tensor, total_steps: int) -> Tensor:
    """Return a linear ramp, then a rate that is divided once behind each point."""
    p = _progress(step, total_steps)
    low, high = schedule.start_learning_rate, schedule.learning_rate
    rate = ops.full_like(p, high)
    for point in schedule.points:
        behind = ops.cast(step, "int32") > _whole(point * total_steps)
        rate = ops.where(behind, rate / schedule.divider, rate)
    if schedule.soft_start > _LEAST:
        ramp = low + (high - low) * p / schedule.soft_start
        rate = ops.where(p < schedule.soft_start, ramp, rate)
    return rate


def steps(schedule: Steps, step: Tensor, total_steps: int) -> Tensor:
    """Return ``learning_rate * gamma^n`` behind n whole intervals."""
    interval = max(1, _whole(schedule.interval * total_steps))
    passed = ops.cast(ops.cast(step, "int32") // interval, "float32")
    return schedule.learning_rate * ops.power(ops.cast(schedule.gamma, "float32"), passed)


def warmup_cosine(schedule: WarmupCosine, step: Tensor, length: RunLength) -> Tensor:
    """Return a linear ramp, then half a cosine from its end to 0 at the end of the run."""
    warmup = int(schedule.warmup_epochs * length.steps_per_epoch)
    at = ops.cast(step, "float32")
    descent = (at - warmup) / max(1, length.steps - warmup)
    rate = 0.5 * schedule.learning_rate * (1 + ops.cos(math.pi * ops.clip(descent, 0, 1)))
    return _after_ramp(rate, at, schedule.start_learning_rate, schedule.learning_rate, warmup)


def warmup_steps(schedule: WarmupSteps, step: Tensor) -> Tensor:
    """Return a linear ramp, then the level of the last boundary that lies before the step."""
    at = ops.cast(step, "float32")
    rate = ops.full_like(at, schedule.learning_rate)
    for boundary, level in zip(schedule.boundaries, schedule.levels, strict=True):
        behind = ops.cast(step, "int32") > boundary
        rate = ops.where(behind, level * schedule.learning_rate, rate)
    ramp = schedule.start_learning_rate, schedule.learning_rate, schedule.warmup_steps
    return _after_ramp(rate, at, *ramp)


def _after_ramp(rate: Tensor, at: Tensor, low: float, high: float, warmup: int) -> Tensor:
    return ops.where(at < warmup, low + (high - low) * at / max(1, warmup), rate)


def _progress(step: Tensor, total_steps: int) -> Tensor:
    return ops.cast(step, "float32") / total_steps


def _whole(number: float) -> int:
    # A point may be a little more than meant: 0.7 * 10 is 7.000000000000001, 0.29 * 100 a little
    # less than 29.
    return math.floor(round(number, 6))


class ScheduledLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A recipe's schedule for a Keras optimiser."""

    def __init__(self, schedule: Schedule, length: RunLength, decay: float = 0.0) -> None:
        """Take what the rate depends on.

        Args:
            schedule: of the recipe.
            length: of the whole run.
            decay: of the optimiser: the rate of step n is divided by ``1 + decay * n``.
        """
        self.schedule = schedule
        self.length = length
        self.decay = decay

    def __call__(self, step: Any) -> Any:
        """Return the rate of the 0-based step."""
        rate = learning_rate_at(self.schedule, step, self.length)
        return rate / (1 + self.decay * ops.cast(step, "float32"))
