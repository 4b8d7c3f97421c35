"""What happens around the steps of a run: checkpoints, validation, metrics, progress."""

from __future__ import annotations

import csv
import io
import logging
import math
import time
from typing import TYPE_CHECKING, Any

import keras

from detforge.errors import DetforgeError
from detforge.files import write_atomically

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
    """Saves every ``interval`` epochs and after the last one, whoever ended the run.

    Attributes:
        saved: the last checkpoint.
        finished: epochs completed, counted from the very first.
    """

    def __init__(self, save: Callable[[int], Path], interval: int, epochs: int) -> None:
        super().__init__()
        self.saved: Path | None = None
        self.finished = 0
        self._save = save
        self._interval = interval
        self._epochs = epochs
        self._saved_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save when it is time; ``epoch`` counts from 0."""
        self.finished = epoch + 1
        if self.finished % self._interval == 0 or self.finished == self._epochs:
            self._save_now()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Save the last epoch of a run that was stopped early; not called when it failed."""
        if self.finished != self._saved_epoch:
            self._save_now()

    def _save_now(self) -> None:
        self.saved = self._save(self.finished)
        self._saved_epoch = self.finished


class Validate(keras.callbacks.Callback):
    """Scores the model every ``period`` epochs and after the last one planned."""

    def __init__(
        self, score: Callable[[], EvaluateReport] | None, period: int, epochs: int
    ) -> None:
        super().__init__()
        self.score = score
        self.period = period
        self.epochs = epochs

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Say so when there is nothing to score on."""
        if self.score is None:
            log.info("no validation sources: the run has no mAP")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add ``mAP`` and one ``AP_<class>`` per class to the logs of the epoch."""
        is_due = (epoch + 1) % self.period == 0 or epoch + 1 == self.epochs
        if self.score is None or not is_due:
            return
        report = self.score()
        if logs is not None:
            logs["mAP"] = report.mean_ap
            logs.update({f"AP_{k}": v for k, v in report.ap.items() if v is not None})


class Metrics(keras.callbacks.Callback):
    """Keeps one row per epoch in a CSV file; later callbacks see the learning rate too.

    Attributes:
        latest: metrics of the last epoch.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        super().__init__()
        self.latest: Logs = {}
        self._path = path
        self._columns = ("epoch", "loss", "learning_rate", *columns)
        self._rows: list[Mapping[str, Any]] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the file anew; a column without a value this epoch stays empty.

        Rows of earlier epochs stay, also those of the run this one goes on from; rows from this
        epoch on are of a run that was cut off, and go.
        """
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.latest = {name: float(value) for name, value in logs.items()}
        if self._rows is None:
            self._rows = self._rows_before(epoch + 1)
        self._rows.append({"epoch": epoch + 1, **self.latest})
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(self._rows)
        write_atomically(self._path, text.getvalue().encode())

    def _rows_before(self, epoch: int) -> list[Mapping[str, Any]]:
        if not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if int(row["epoch"]) < epoch]


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

    def close(self) -> None:
        """Give the terminal back, also after an error."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Replace the bar by one line."""
        self.close()
        rate = self.steps * self.batch_size / (time.monotonic() - self._began)
        log.info("epoch %d/%d  %.1f images/s  %s", epoch + 1, self.epochs, rate, _line(logs or {}))


def _line(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
