"""How the learning rate runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartAnnealing:
    """Geometric warm-up, plateau, geometric decay; all over progress in [0, 1].

    Attributes:
        min_learning_rate: at the start and at the end.
        max_learning_rate: on the plateau.
        soft_start: progress at which the plateau begins.
        annealing: progress at which the decay begins.
    """

    min_learning_rate: float
    max_learning_rate: float
    soft_start: float
    annealing: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartCosine:
    """Linear warm-up, then a cosine, not stretched over what the warm-up leaves.

    Attributes:
        min_learning_rate: at the start; the cosine would reach it `soft_start` behind the end.
        max_learning_rate: behind the warm-up.
        soft_start: progress at which the warm-up ends.
    """

    min_learning_rate: float
    max_learning_rate: float
    soft_start: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SoftStartSteps:
    """Linear warm-up, then a division at each point; all over progress in [0, 1].

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        soft_start: progress at which the warm-up ends.
        points: progress behind which the rate is divided once more.
        divider: of each point.
    """

    start_learning_rate: float
    learning_rate: float
    soft_start: float
    points: tuple[float, ...]
    divider: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """A multiplication after each interval.

    Attributes:
        learning_rate: at the start.
        gamma: factor after each interval.
        interval: as a fraction of the run.
    """

    learning_rate: float
    gamma: float
    interval: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupCosine:
    """Linear warm-up over epochs, then half a cosine to 0.

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        warmup_epochs: may be a fraction.
    """

    start_learning_rate: float
    learning_rate: float
    warmup_epochs: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupSteps:
    """Linear warm-up over training steps, then constant levels.

    Attributes:
        start_learning_rate: at the start.
        learning_rate: behind the warm-up.
        warmup_steps: training steps.
        boundaries: training steps behind which a level begins.
        levels: factor of `learning_rate` behind each boundary; not cumulative.
    """

    start_learning_rate: float
    learning_rate: float
    warmup_steps: int
    boundaries: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()


Schedule = (
    SoftStartAnnealing | SoftStartCosine | SoftStartSteps | Steps | WarmupCosine | WarmupSteps
)
