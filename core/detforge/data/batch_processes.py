"""Batches prepared by processes: each is an interpreter of its own.

They are started anew, never forked: the training library's threads run here, and a fork would wait
for them for ever. Arrays come back through shared memory, since a pipe copies a batch four times.
The memory has no name: it goes with the last process that holds it, however that ends.
"""

from __future__ import annotations

import logging
import pickle
import queue
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from detforge.data.memory import keep_freed_memory
from detforge.data.processes import Worker
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detforge.data.batches import TrainingBatches
    from detforge.data.samples import SampleSource
    from detforge.recipe import Recipe

    Arrays = dict[str, NDArray]

_START = "spawn"
_ALIGNMENT = 64
_PLACES = 16  # arrays of a batch, at most


class _Place(NamedTuple):
    """Where an array lies in the memory of its process."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    offset: int


class BatchProcesses:
    """Processes that prepare the batches of a `TrainingBatches`.

    Safe in as many threads as there are processes.
    """

    def __init__(
        self, source: SampleSource, recipe: Recipe, *, seed: int, count: int, batch_bytes: int
    ) -> None:
        """Start the processes.

        Args:
            source: the training images; pickled.
            recipe: of the run.
            seed: likewise.
            count: number of processes.
            batch_bytes: of the arrays of the largest batch.

        Raises:
            DatasetError: the source cannot be pickled.
        """
        size = batch_bytes + _PLACES * _ALIGNMENT
        # One piece: that it fits is asked once, so that all of it must be asked for.
        memory = get_context(_START).RawArray("b", count * size)
        self._memory = np.frombuffer(memory, np.uint8).reshape(count, size)
        self._idle: queue.SimpleQueue[tuple[int, Worker]] = queue.SimpleQueue()
        self._workers: list[Worker] = []
        try:
            for index in range(count):
                work = _Preparation(source, recipe, seed, memory, index * size, size)
                self._start(index, work, source.name)
        except BaseException:
            self.close()
            raise

    def _start(self, index: int, work: _Preparation, name: str) -> None:
        advice = "lower training_config.n_workers"
        try:
            worker = Worker(work, start=_START, advice=advice)
        except (pickle.PicklingError, TypeError, AttributeError) as err:
            raise DatasetError(
                f"{name} cannot be handed to other processes ({err}); leave use_multiprocessing out"
            ) from err
        self._workers.append(worker)
        self._idle.put((index, worker))

    def batch(self, step: int) -> tuple[Arrays, Mapping[int, int]]:
        """Return one batch, and what `TrainingBatches.take_crowded` says of it.

        Raises:
            DatasetError: an image cannot be used, or a process was ended from outside.
        """
        index, worker = self._idle.get()
        try:
            worker.begin(step)
            places, crowded = worker.result()
            return _copies(self._memory[index], places), crowded
        finally:
            self._idle.put((index, worker))

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class _Preparation:
    """The work of a process: a step in, the places of the arrays of its batch out."""

    def __init__(
        self, source: SampleSource, recipe: Recipe, seed: int, memory: Any, start: int, size: int
    ) -> None:
        self._given = source, recipe, seed
        self._memory, self._start, self._size = memory, start, size
        self._batches: TrainingBatches | None = None

    def __call__(self, step: int) -> tuple[list[_Place], Mapping[int, int]]:
        batches = self._batches = self._batches or self._open()
        arrays = batches.batch(step)
        memory = np.frombuffer(self._memory, np.uint8)[self._start : self._start + self._size]
        return _put(arrays, memory), batches.take_crowded()

    def _open(self) -> TrainingBatches:
        from detforge.data.batches import TrainingBatches

        keep_freed_memory()
        # What is to say about the data has been said by the process that trains.
        logging.getLogger("detforge").addHandler(logging.NullHandler())
        source, recipe, seed = self._given
        return TrainingBatches(source, recipe, seed=seed)


def _put(arrays: Arrays, memory: NDArray[np.uint8]) -> list[_Place]:
    places, offset = [], 0
    for name, array in arrays.items():
        place = _Place(name, array.shape, array.dtype.str, offset)
        _view(memory, place)[...] = array
        places.append(place)
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    return places


def _copies(memory: NDArray[np.uint8], places: list[_Place]) -> Arrays:
    """Return arrays that stay as they are when the process writes its next batch."""
    return {place.name: _view(memory, place).copy() for place in places}


def _view(memory: NDArray[np.uint8], place: _Place) -> NDArray:
    dtype = np.dtype(place.dtype)
    stop = place.offset + dtype.itemsize * int(np.prod(place.shape))
    return memory[place.offset : stop].view(dtype).reshape(place.shape)
