"""Optimisers of a recipe, as Keras has them.

Where Keras and PyTorch differ (tests/core/training holds the numbers of both):

- SGD: the velocity holds steps, not gradients. A learning rate that falls does not shrink the
  steps already in it. At a constant rate both are equal.
- Adam: epsilon is added before the second moment is corrected for its start, so the same number
  weighs ``1 / sqrt(1 - beta_2^t)`` times as much.
- RMSprop: epsilon is added inside the square root, PyTorch adds it outside; and the momentum holds
  steps, as in SGD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from detforge.recipe import Adam, RmsProp, Sgd
from detforge.training.schedules import ScheduledLearningRate

if TYPE_CHECKING:
    from detforge.recipe import Recipe
    from detforge.training.schedules import RunLength


def make_optimizer(recipe: Recipe, length: RunLength) -> keras.optimizers.Optimizer:
    """Return the optimiser of a recipe; it clips gradients too, where the recipe limits them.

    Args:
        recipe: optimiser, schedule, limit of the gradient's global norm.
        length: of the whole run, for the schedule.
    """
    settings = recipe.optimizer
    decay = 0.0 if isinstance(settings, RmsProp) else settings.decay
    common: dict[str, Any] = {
        "learning_rate": ScheduledLearningRate(recipe.schedule, length, decay),
        # Of all gradients together, behind the scaling of mixed precision.
        "global_clipnorm": recipe.gradient_clip_norm or None,
    }
    match settings:
        case Sgd():
            return keras.optimizers.SGD(
                momentum=settings.momentum, nesterov=settings.nesterov, **common
            )
        case Adam():
            return keras.optimizers.Adam(
                beta_1=settings.beta_1,
                beta_2=settings.beta_2,
                epsilon=settings.epsilon,
                amsgrad=settings.amsgrad,
                **common,
            )
        case RmsProp():
            return keras.optimizers.RMSprop(
                rho=settings.rho,
                momentum=settings.momentum,
                epsilon=settings.epsilon,
                centered=settings.centered,
                **common,
            )
