"""A run as TensorBoard shows it: what was measured, images of the first batch, weights.

TensorBoard's own messages are written, as records of their files; TensorFlow has no part in it.
A step of TensorBoard is an epoch, counted from 1, as in the other files of a run.
"""

# TensorBoard's messages are made at run time and have no stubs.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np

from detforge.data.images import image_size
from detforge.data.labels import name_classes
from detforge.data.tfrecord import frame
from detforge.errors import CheckpointError
from detforge.evaluation.plots import draw_curves
from detforge.inference.batch_images import draw_batch_image, image_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    from detforge.data.batches import TrainingBatches
    from detforge.evaluation.run import Measured
    from detforge.recipe import Recipe, Visualizer

    Image = NDArray[np.uint8]

FOLDER = "events"
"""Its name in the results folder."""

Logs = dict[str, float]

# Longer side of an image; small network inputs are enlarged.
_SIDE_PX = 720
_BINS = 30


class EventFile:
    """An event file of its own for each start of a run, behind those of earlier starts."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """Begin the file.

        Args:
            folder: of the event files; made where it is absent.
            first_step: TensorBoard leaves out what earlier files have from this step on.

        Raises:
            CheckpointError: the file cannot be written.
        """
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        # TensorBoard reads the files of a folder in the order of their names.
        self.path = folder / f"events.out.tfevents.{time.time_ns()}"
        restart = SessionLog(status=SessionLog.START)
        self._append(
            Event(wall_time=time.time(), file_version="brain.Event:2"),
            Event(wall_time=time.time(), step=first_step, session_log=restart),
        )

    def add(self, step: int, values: Iterable[Summary.Value]) -> None:
        """Write what belongs to a step.

        Raises:
            CheckpointError: the file cannot be written.
        """
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=values)
        if summary.value:
            self._append(Event(wall_time=time.time(), step=step, summary=summary))

    def _append(self, *events: Event) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Open for no longer than a write: however the run ends, what it added is there.
            with self.path.open("ab") as file:
                file.writelines(frame(event.SerializeToString()) for event in events)
        except OSError as err:
            raise CheckpointError(
                f"{self.path} cannot be written: {err.strerror or err}. Free some space, or set "
                "visualizer.enabled to false; the same command then goes on"
            ) from err


class TensorBoard(keras.callbacks.Callback):
    """Writes event files while a run goes on; stands behind all that adds to the logs."""

    def __init__(
        self,
        folder: Path,
        epochs_done: int,
        images: Callable[[], Iterable[Image]],
        curves: Callable[[], bytes | None],
        weights: Callable[[], Mapping[str, np.ndarray]] | None,
    ) -> None:
        """Take what to show.

        Args:
            folder: of the event files.
            epochs_done: what earlier files have of later epochs is of a run that was cut off.
            images: draws those of the first batch, uint8 (H, W, 3), RGB.
            curves: draws precision and recall of the last epoch as PNG; None where it has none.
            weights: name -> array, as in a checkpoint; None for no histograms.
        """
        super().__init__()
        self._folder = folder
        self._epochs_done = epochs_done
        self._images = images
        self._curves = curves
        self._weights = weights

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin a file with the images of the first batch."""
        first = self._epochs_done + 1
        self._file = EventFile(self._folder, first)
        images = enumerate(self._images(), start=1)
        self._file.add(first, (_image(f"first_batch/{k}", _png(image)) for k, image in images))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write what the epoch measured, and the weights that it came to."""
        self._file.add(epoch + 1, self._values(logs or {}))

    def _values(self, logs: Logs) -> Iterator[Summary.Value]:
        from tensorboard.compat.proto.summary_pb2 import Summary

        for name, value in logs.items():
            if math.isfinite(number := float(value)):
                yield Summary.Value(tag=_tag(name), simple_value=number)
        if picture := self._curves():
            yield _image("validation/precision_recall", picture)
        if self._weights is not None:
            for name, array in self._weights().items():
                yield _histogram(f"weights/{name}", array)


def make_tensorboard(
    folder: Path,
    recipe: Recipe,
    settings: Visualizer,
    batches: TrainingBatches,
    epochs_done: int,
    measured: Callable[[], Measured | None],
    weights: Callable[[], Mapping[str, np.ndarray]],
) -> TensorBoard:
    """Return the callback that shows a run as its recipe says.

    Args:
        folder: results of the run.
        recipe: classes, input format, whether curves are wanted.
        settings: what else is wanted.
        batches: the training set.
        epochs_done: number of the epoch to begin with, counted from 0.
        measured: returns the score of the last epoch; None where it has none.
        weights: returns name -> array, as in a checkpoint.
    """

    def curves() -> bytes | None:
        if not recipe.evaluation.precision_recall_plot or (found := measured()) is None:
            return None
        return draw_curves(found.outcomes, found.report)

    def images() -> Iterator[Image]:
        arrays = batches.batch(epochs_done * batches.steps_per_epoch)
        names = name_classes(recipe.classes, batches.source.categories).names
        for index in range(min(settings.images, len(arrays["row"]))):
            yield draw_batch_image(image_of(arrays, index, recipe.input), names, _SIDE_PX)

    return TensorBoard(
        folder / FOLDER,
        epochs_done,
        images,
        curves,
        weights if settings.weight_histograms else None,
    )


def _tag(name: str) -> str:
    """Return what TensorBoard calls a value of the logs: names before a slash are groups."""
    if name.startswith("AP_"):
        return f"validation/AP/{name.removeprefix('AP_')}"
    if name in ("validation_loss", "mAP"):
        return f"validation/{name.removeprefix('validation_')}"
    return f"training/{name}"


def _image(tag: str, png: bytes) -> Summary.Value:
    from tensorboard.compat.proto.summary_pb2 import Summary

    height, width = image_size(png, tag)[::-1]
    shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return Summary.Value(tag=tag, image=shown)


def _histogram(tag: str, values: np.ndarray) -> Summary.Value:
    from tensorboard.compat.proto.histogram_pb2 import HistogramProto
    from tensorboard.compat.proto.summary_pb2 import Summary

    # What is no number has no place in it; the next loss ends such a run.
    numbers = values[np.isfinite(values)].astype(np.float64)
    # TensorBoard's own function for it takes 40 times as long, and 30 bytes a weight.
    counts, edges = np.histogram(numbers, bins=_BINS)
    shown = HistogramProto(
        min=edges[0],
        max=edges[-1],
        num=numbers.size,
        sum=numbers.sum(),
        sum_squares=np.square(numbers).sum(),
        bucket_limit=edges[1:],
        bucket=counts,
    )
    return Summary.Value(tag=tag, histo=shown)


def _png(image: Image) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()
