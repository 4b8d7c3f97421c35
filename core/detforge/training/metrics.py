"""What a run measures in each epoch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from detforge.training.metric_files import MetricFiles

Logs = dict[str, float]


class Clock(keras.callbacks.Callback):
    """Adds to the logs how long the steps of an epoch took, without what follows them."""

    def __init__(self, images_per_epoch: int) -> None:
        super().__init__()
        self._images = images_per_epoch
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add ``seconds`` and ``images_per_second``."""
        if logs is not None:
            logs["seconds"] = time.monotonic() - self._began
            logs["images_per_second"] = self._images / max(logs["seconds"], 1e-9)


class Metrics(keras.callbacks.Callback):
    """Keeps a row per epoch in files; later callbacks see the learning rate too.

    It may stand in the list of callbacks twice: what a later one adds to the logs then completes
    the row.

    Attributes:
        latest: metrics of the last epoch.
    """

    def __init__(self, files: MetricFiles) -> None:
        super().__init__()
        self.latest: Logs = {}
        self._files = files

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the row of the epoch."""
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.latest = {name: float(value) for name, value in logs.items()}
        self._files.write(epoch + 1, self.latest)
