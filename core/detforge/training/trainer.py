"""The bridge from a `DetectionModel` to Keras' `fit`, on any backend."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.training.devices import has_accelerator
from detforge.training.nonfinite import FirstBadStep
from detforge.training.optimizers import make_optimizer
from detforge.training.precision import SINGLE, with_loss_scale
from detforge.weights import collect_weights

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from detforge.model import Batch, DetectionModel
    from detforge.recipe import Recipe
    from detforge.training.averaging import WeightAverage
    from detforge.training.schedules import RunLength


class Trainer(keras.Model):
    """Minimises the sum of a detector's named losses and its weight penalties.

    The losses are computed inside `call`, because a detector's forward pass may need the
    ground truth; `fit` therefore gets batches as ``x`` and no ``y``.
    """

    def __init__(self, model: DetectionModel, average: WeightAverage | None = None) -> None:
        """Take what to train.

        Args:
            model: with the layers frozen and penalised as they shall be.
            average: of its weights; None for none.
        """
        # float32 whatever the parts compute in: losses and targets stay in single precision.
        super().__init__(name="trainer", dtype="float32")
        self.parts = list(model.parts.values())  # tracked by Keras
        self.average = average
        self._average_variables = average.variables if average else []  # likewise
        self.detection_model = model
        self._means: dict[str, keras.metrics.Mean] = {}

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: the parts are built already."""
        self.built = True

    def call(self, batch: Batch, training: bool = False) -> dict[str, Any]:
        """Return the named losses of one batch."""
        if training and self.average:
            self.average.begin_step()
        return self.detection_model.losses(batch, training=training)

    def averaged(self) -> AbstractContextManager[None]:
        """Let the parts have their averages for a while, where the run keeps any."""
        return self.average.in_place() if self.average else contextlib.nullcontext()

    def shown_weights(self) -> dict[str, np.ndarray]:
        """Return the weights that are validated and saved, by name."""
        with self.averaged():
            return collect_weights(self.detection_model)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the scalar to minimise and note each loss for the log."""
        losses = {name: ops.cast(value, "float32") for name, value in y_pred.items()}
        if self.losses:
            losses["regularization"] = sum(ops.cast(loss, "float32") for loss in self.losses)
        for name, value in losses.items():
            self._means[name].update_state(value)
        total = sum(losses.values())
        self.first_bad.update_state({"loss": total, **losses})
        return total

    def track(self, names: tuple[str, ...]) -> None:
        """Create the metric of each loss; needed before the step is compiled."""
        for name in names:
            self._means[name] = keras.metrics.Mean(name=name)
        self.first_bad = FirstBadStep(("loss", *names))

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses, as they appear in the log."""
        return tuple(self._means)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the total, the mean of each loss, and `first_bad`; Keras resets them."""
        return [self._loss_tracker, *self._means.values(), self.first_bad]


def compile_trainer(
    trainer: Trainer, recipe: Recipe, length: RunLength, batch: Batch, policy: str = SINGLE
) -> None:
    """Give the trainer its optimiser and its metrics.

    Args:
        trainer: changed in place.
        recipe: optimiser and schedule.
        length: of the whole run, for the schedule.
        batch: any batch, to learn the names of the losses.
        policy: what the model computes in, see `detforge.training.precision`.
    """
    optimizer = with_loss_scale(make_optimizer(recipe, length), policy)
    # XLA on the CPU runs convolutions on one thread; JAX has no choice.
    jit = "auto" if keras.backend.backend() == "jax" or has_accelerator() else False
    trainer.compile(optimizer=optimizer, jit_compile=jit)
    shapes = {
        name: keras.KerasTensor(value.shape, str(value.dtype)) for name, value in batch.items()
    }
    losses = trainer.compute_output_spec(shapes)
    names = tuple(losses) + (("regularization",) if trainer.losses else ())
    trainer.track(names)
