"""What happens around the steps of a run: checkpoints, validation, metrics, progress."""

from __future__ import annotations

import csv
import logging
import math
import time
from typing import TYPE_CHECKING, Any

import keras

from detforge.errors import DetforgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from detforge.requests import EvaluateReport

log = logging.getLogger("detforge")

Logs = dict[str, float]


class StopOnNaN(keras.callbacks.Callback):
    """Ends the run with an error when the loss is no longer a number."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the running mean of the loss; once NaN it stays NaN."""
        if logs and not math.isfinite(logs["loss"]):
            parts = ", ".join(f"{name} {value:g}" for name, value in logs.items())
            raise DetforgeError(
                f"the loss became {logs['loss']} at step {batch + 1} of this epoch ({parts}); "
                "lower max_learning_rate or lengthen soft_start"
            )


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves every ``interval`` epochs and after the last one."""

    def __init__(self, save: Callable[[int], Path], interval: int, epochs: int) -> None:
        super().__init__()
        self.save = save
        self.interval = interval
        self.epochs = epochs
        self.last: Path | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save when it is time; ``epoch`` counts from 0."""
        if (epoch + 1) % self.interval == 0 or epoch + 1 == self.epochs:
            self.last = self.save(epoch + 1)


class Validate(keras.callbacks.Callback):
    """Scores the model every ``period`` epochs and after the last one."""

    def __init__(self, score: Callable[[], EvaluateReport], period: int, epochs: int) -> None:
        super().__init__()
        self.score = score
        self.period = period
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add ``mAP`` and one ``AP_<class>`` per class to the logs of the epoch."""
        if (epoch + 1) % self.period and epoch + 1 != self.epochs:
            return
        report = self.score()
        if logs is not None:
            logs["mAP"] = report.mean_ap
            logs.update({f"AP_{k}": v for k, v in report.ap.items() if v is not None})


class Metrics(keras.callbacks.Callback):
    """Appends one row per epoch to a CSV file; later callbacks see the learning rate too."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        super().__init__()
        self.path = path
        self.columns = ("epoch", "loss", "learning_rate", *columns)
        self.latest: Logs = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the row; a column without a value this epoch stays empty."""
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.latest = {name: float(value) for name, value in logs.items()}
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, restval="", extrasaction="ignore")
            if is_new:
                writer.writeheader()
            writer.writerow({"epoch": epoch + 1, **self.latest})


class Progress(keras.callbacks.Callback):
    """Says how far the run is: a bar on a terminal, one line per epoch elsewhere."""

    def __init__(self, epochs: int, steps: int, batch_size: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.batch_size = batch_size
        self._bar: Any = None
        self._task: Any = None
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the bar of this epoch."""
        from rich.console import Console
        from rich.progress import Progress as Bar
        from rich.progress import TimeRemainingColumn

        self._began = time.monotonic()
        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = Bar(*Bar.get_default_columns()[:3], TimeRemainingColumn(), console=console)
            self._task = self._bar.add_task(f"epoch {epoch + 1}/{self.epochs}", total=self.steps)
            self._bar.start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.update(self._task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Replace the bar by one line."""
        if self._bar:
            self._bar.stop()
            self._bar = None
        rate = self.steps * self.batch_size / (time.monotonic() - self._began)
        log.info("epoch %d/%d  %.1f images/s  %s", epoch + 1, self.epochs, rate, _line(logs or {}))


def _line(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
