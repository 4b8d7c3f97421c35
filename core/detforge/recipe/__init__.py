"""What a run does, in neutral terms: small frozen parts, which `Recipe` only groups.

A plugin's ``recipe(spec)`` hook translates its spec into these once; past that point nobody
reads a protobuf message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from detforge.recipe.data import Data, DataSource
from detforge.recipe.inputs import Classes, InputFormat
from detforge.recipe.optimization import (
    Adam,
    EarlyStopping,
    Freeze,
    Optimizer,
    Regularizer,
    RmsProp,
    Sgd,
)
from detforge.recipe.outcome import Checkpoints, Evaluation, Inference, Start, Visualizer
from detforge.recipe.schedules import (
    Schedule,
    SoftStartAnnealing,
    SoftStartCosine,
    SoftStartSteps,
    Steps,
    WarmupCosine,
    WarmupSteps,
)
from detforge.recipe.transforms import (
    ColorShift,
    Expand,
    HorizontalFlip,
    IouCrop,
    Photometric,
    RandomInterpolation,
    ScaleJitter,
    Spatial,
    Transform,
    VerticalFlip,
)
from detforge.recipe.variant import Variant

if TYPE_CHECKING:
    from detforge.errors import Problem

__all__ = [
    "Adam",
    "Checkpoints",
    "Classes",
    "ColorShift",
    "Data",
    "DataSource",
    "EarlyStopping",
    "Evaluation",
    "Expand",
    "Freeze",
    "HorizontalFlip",
    "Inference",
    "InputFormat",
    "IouCrop",
    "Optimizer",
    "Photometric",
    "RandomInterpolation",
    "Recipe",
    "Regularizer",
    "RmsProp",
    "ScaleJitter",
    "Schedule",
    "Sgd",
    "SoftStartAnnealing",
    "SoftStartCosine",
    "SoftStartSteps",
    "Spatial",
    "Start",
    "Steps",
    "Transform",
    "Variant",
    "VerticalFlip",
    "Visualizer",
    "WarmupCosine",
    "WarmupSteps",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything the core needs to know about a run, grouped.

    Attributes:
        epochs: length of the run.
        seed: of weights, order and augmentation.
        steps: length of the run in training steps; 0: `epochs` counts.
        mixed_precision: compute in half precision, keep weights in single precision.
        gradient_clip_norm: largest global norm of a step's gradient; 0: no limit.
        averaging_decay: decay of the moving average of the weights; 0: none.
        early_stopping: None: the run goes to its end.
        visualizer: None: nothing is written for TensorBoard.
        variant: how the network differs from the one that the spec describes.
        verbose: log everything, as the option of the same name does.
        warnings: what the spec says without an effect, for the user to know.
    """

    classes: Classes
    input: InputFormat
    data: Data
    checkpoints: Checkpoints
    schedule: Schedule
    epochs: int
    augmentation: tuple[Transform, ...] = ()
    optimizer: Optimizer = field(default_factory=Sgd)
    regularizer: Regularizer = field(default_factory=Regularizer)
    freeze: Freeze = field(default_factory=Freeze)
    evaluation: Evaluation = field(default_factory=Evaluation)
    inference: Inference = field(default_factory=Inference)
    seed: int = 0
    steps: int = 0
    start: Start = field(default_factory=Start)
    mixed_precision: bool = False
    gradient_clip_norm: float = 0.0
    averaging_decay: float = 0.0
    early_stopping: EarlyStopping | None = None
    visualizer: Visualizer | None = None
    variant: Variant = field(default_factory=Variant)
    verbose: bool = False
    warnings: tuple[Problem, ...] = ()
