"""What happens around the steps of a run: checkpoints, validation, progress."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from detforge.evaluation.run import Measured
    from detforge.training.beginning import Beginning

log = logging.getLogger("detforge")

Logs = dict[str, float]


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves every ``interval`` epochs and after the last one, whoever ended the run.

    Attributes:
        saved: the last checkpoint; None before there is one.
        saved_epoch: epochs completed when it was written.
        finished: epochs completed, counted from the very first.
    """

    def __init__(
        self, save: Callable[[int, bool], Path], interval: int, epochs: int, beginning: Beginning
    ) -> None:
        """Take what to do when.

        Args:
            save: epochs completed, and whether the run ended there early -> the checkpoint.
            interval: epochs between two checkpoints.
            epochs: length of the run.
            beginning: what the run goes on from.
        """
        super().__init__()
        self.saved = beginning.path if beginning.resumes else None
        self.saved_epoch = self.finished = beginning.epoch
        self._save = save
        self._interval = interval
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save when it is time; ``epoch`` counts from 0."""
        done = epoch + 1
        if done % self._interval == 0 or done == self._epochs:
            self._save_now(done)
        self.finished = done

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Save the last epoch of a run that was stopped early; not called when it failed.

        Also one that is saved already: that the run has come to its end stands in the file.
        """
        if self.finished < self._epochs:
            self._save_now(self.finished, ended_early=True)

    def _save_now(self, epoch: int, *, ended_early: bool = False) -> None:
        self.saved = self._save(epoch, ended_early)
        self.saved_epoch = epoch


class Validate(keras.callbacks.Callback):
    """Scores the model every ``period`` epochs and after the last one.

    Attributes:
        latest: what the last epoch was measured at; None where it was not.
    """

    def __init__(
        self,
        score: Callable[[], Measured] | None,
        loss: Callable[[], float] | None,
        period: int,
        epochs: int,
    ) -> None:
        """Take what to do when.

        Args:
            score: evaluates the present weights; None where there is nothing to score on.
            loss: computes their loss on the same images; likewise.
            period: epochs between two validations.
            epochs: length of the run.
        """
        super().__init__()
        self.latest: Measured | None = None
        self.score = score
        self.loss = loss
        self.period = period
        self.epochs = epochs

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Say so when there is nothing to score on."""
        if self.score is None:
            log.info("no validation sources: the run has no mAP and no validation loss")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add ``validation_loss``, ``mAP`` and one ``AP_<class>`` per class to the logs."""
        self.latest = None
        is_last = epoch + 1 == self.epochs or self.model.stop_training
        is_due = (epoch + 1) % self.period == 0 or is_last
        if self.score is None or self.loss is None or not is_due:
            return
        loss, self.latest = self.loss(), self.score()
        report = self.latest.report
        if logs is not None:
            logs["validation_loss"] = loss
            logs["mAP"] = report.mean_ap
            logs.update({f"AP_{k}": v for k, v in report.ap.items() if v is not None})


class Progress(keras.callbacks.Callback):
    """Says how far the run is: a bar on a terminal, one line per epoch elsewhere."""

    def __init__(self, epochs: int, steps: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self._bar: Any = None
        self._task: Any = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the bar of this epoch."""
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import TimeRemainingColumn

        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = Bar(*Bar.get_default_columns()[:3], TimeRemainingColumn(), console=console)
            self._task = self._bar.add_task(f"epoch {epoch + 1}/{self.epochs}", total=self.steps)
            self._bar.start()

    # Not at the end of a step: Keras would fetch the losses from the device for it.
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._task, completed=batch)

    def close(self) -> None:
        """Give the terminal back, also after an error."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Replace the bar by one line."""
        self.close()
        rest = dict(logs or {})
        rate = rest.pop("images_per_second", 0.0)
        log.info("epoch %d/%d  %.1f images/s  %s", epoch + 1, self.epochs, rate, _line(rest))


def _line(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
