"""The end of a run whose loss is no longer a number: at which step, in which part, on which images.

The first such step of an epoch is noted on the device, so that nothing waits for the loss of each
step; the host looks after each on a CPU, and now and then where looking means waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from detforge.errors import DetforgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

# A fraction of a second on an accelerator, and the work of so many steps is lost at most.
_STEPS_BETWEEN_LOOKS = 50


class FirstBadStep(keras.metrics.Metric):
    """Notes the first step since the last reset with a loss that is infinite or no number.

    Attributes:
        names: of the losses that are noted.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(name="first_bad_step")
        self.names = names
        # Counted from 1, so that 0 is none and Keras' own reset does.
        self._step = self.add_variable((), "zeros", dtype="int32", name="step")
        self._bad = self.add_variable((), "zeros", dtype="int32", name="bad")
        self._values = self.add_variable((len(names),), "zeros", dtype="float32", name="values")

    def update_state(self, losses: Mapping[str, Any]) -> None:
        """Count a step, and note it if it is the first bad one.

        Args:
            losses: name -> scalar, of all names.
        """
        values = ops.stack([ops.cast(losses[name], "float32") for name in self.names])
        step = self._step + 1
        is_first = ops.logical_and(self._bad == 0, ops.any(~ops.isfinite(values)))
        self._bad.assign(ops.where(is_first, step, self._bad.value))
        self._values.assign(ops.where(is_first, values, self._values.value))
        self._step.assign(step)

    def result(self) -> dict[str, Any]:
        """Return nothing: it is not for the log."""
        return {}

    def found(self) -> tuple[int, dict[str, float]] | None:
        """Return the step, counted from 1, and its losses; None as long as all are numbers."""
        step = int(ops.convert_to_numpy(self._bad))
        if not step:
            return None
        values = ops.convert_to_numpy(self._values).tolist()
        return step, dict(zip(self.names, values, strict=True))


class StopOnNaN(keras.callbacks.Callback):
    """Ends the run with an error when the loss is no longer a number."""

    def __init__(
        self,
        first_bad: FirstBadStep,
        images_of: Callable[[int], list[str]],
        steps_per_epoch: int,
        *,
        looks_often: bool,
    ) -> None:
        """Take where to look.

        Args:
            first_bad: counts the steps of each epoch.
            images_of: 0-based step of the run -> what to call its images.
            steps_per_epoch: of the run.
            looks_often: look after each step.
        """
        super().__init__()
        self._first_bad = first_bad
        self._images_of = images_of
        self._steps_per_epoch = steps_per_epoch
        self._every = 1 if looks_often else _STEPS_BETWEEN_LOOKS
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note which epoch it is, counted from 0."""
        self._epoch = epoch

    # Not at the end of a step: Keras would fetch the losses from the device for it.
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Look whether the steps before this one went well."""
        if batch % self._every == 0:
            self._look()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look before anything is saved."""
        self._look()

    def _look(self) -> None:
        """Look at what the device noted.

        Raises:
            DetforgeError: there was a bad step.
        """
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # between two steps the variables are empty
        if (found := self._first_bad.found()) is not None:
            raise DetforgeError(self._explain(*found))

    def _explain(self, step_of_epoch: int, losses: Mapping[str, float]) -> str:
        step = self._epoch * self._steps_per_epoch + step_of_epoch
        parts = ", ".join(f"{name} {value:g}" for name, value in losses.items() if name != "loss")
        lines = [
            f"the loss became {losses['loss']:g} at step {step} (step {step_of_epoch} of epoch "
            f"{self._epoch + 1}): {parts}. Nothing of this state is saved.",
            f"Images of that step: {', '.join(self._images_of(step - 1))}",
        ]
        if step > 1:
            before = ", ".join(self._images_of(step - 2))
            lines.append(f"Images of the step before, which made these weights: {before}")
        lines.append(
            "If their labels are right ('detforge data stats' lists suspicious ones), lower the "
            "learning rate or lengthen its warm-up, and train anew (--force), or go on from an "
            "earlier checkpoint with the changed spec: -m FILE --initial_epoch N"
        )
        return "\n".join(lines)


def check_finite(weights: Mapping[str, np.ndarray]) -> None:
    """Check weights before they are saved.

    Raises:
        DetforgeError: one is infinite or no number.
    """
    import numpy as np

    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise DetforgeError(
                f"the weights {name} are no numbers any more after the last step, and are not "
                "saved; lower the learning rate or lengthen its warm-up"
            )
