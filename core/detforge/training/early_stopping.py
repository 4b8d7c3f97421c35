"""The end of a run that no longer gets better."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from detforge.recipe import EarlyStopping

log = logging.getLogger("detforge")

STATE = "early_stopping"
"""Where the state stands in `Checkpoint.extra`."""


class StopEarly(keras.callbacks.Callback):
    """Ends a run after so many epochs without a decrease of what is watched.

    A decrease is one below the least value so far, by more than ``min_delta``.

    It may stand in the list of callbacks twice, and acts where the logs first hold what is
    watched. That is before the checkpoint of an epoch is written for the training loss, and behind
    it for the validation loss, since validation may fail. A run that resumes therefore computes
    the validation loss of its checkpoint again, and nothing is forgotten.
    """

    def __init__(
        self, settings: EarlyStopping, validation_loss: Callable[[], float] | None = None
    ) -> None:
        """Take what to watch.

        Args:
            settings: what should fall, by how much, for how long not.
            validation_loss: computes it for the present weights; None where it is not watched.
        """
        super().__init__()
        self._settings = settings
        self._validation_loss = validation_loss
        self._best = math.inf
        self._waited = 0
        self._epochs = 0  # of which the value is known
        self._lacks_value = False

    def state(self) -> dict[str, Any]:
        """Return what to go on with, as JSON can hold it."""
        best = None if math.isinf(self._best) else self._best
        return {
            "monitor": self._settings.monitor,
            "best": best,
            "waited": self._waited,
            "epochs": self._epochs,
        }

    def restore(self, state: Mapping[str, Any], epochs: int) -> None:
        """Go on with what `state` returned, unless something else was watched then.

        Args:
            state: empty for that of a run that did not stop early.
            epochs: completed by the run that goes on.
        """
        if state.get("monitor") == self._settings.monitor:
            self._best = math.inf if state["best"] is None else state["best"]
            self._waited, self._epochs = state["waited"], state["epochs"]
        self._lacks_value = self._epochs < epochs

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        """Learn the validation loss of the checkpoint that the run goes on from."""
        if self._lacks_value and self._validation_loss is not None:
            self._note(self._validation_loss())
        self._lacks_value = False
        if self._waited >= self._settings.patience:
            self._waited = 0  # a run that is to go on behind its end has all its patience again

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Look at the epoch; ``epoch`` counts from 0."""
        if epoch < self._epochs or logs is None or self._settings.monitor not in logs:
            return
        self._epochs = epoch + 1
        self._note(logs[self._settings.monitor])
        if self._waited >= self._settings.patience:
            self.model.stop_training = True
            log.info(
                "stopping early, after epoch %d: %s has not fallen below %.6g by more than %g for "
                "%d epochs",
                *(epoch + 1, self._settings.monitor, self._best, self._settings.min_delta),
                self._waited,
            )

    def _note(self, value: float) -> None:
        # Written so that NaN is no decrease.
        if value < self._best - self._settings.min_delta:
            self._best, self._waited = float(value), 0
        else:
            self._waited += 1
