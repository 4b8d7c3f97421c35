"""The stream of batches as `fit` wants it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from detforge.data.batches import TrainingBatches


class Inputs:
    """Iterator of ``(batch,)`` that outlives an exception of `fit` without hanging.

    A backend may go on pulling from a thread of its own after `fit` has raised; from `close` on
    it is told that the data has ended.
    """

    def __init__(self, batches: TrainingBatches, first_step: int) -> None:
        self._batches = batches
        self._stream = batches.stream(first_step)
        self._is_closed = False

    def __iter__(self) -> Inputs:
        return self

    def __next__(self) -> tuple[dict[str, np.ndarray]]:
        """Return the next batch; an end of the data that nobody asked for is an error.

        Raises:
            DetforgeError: an image cannot be used.
        """
        if self._is_closed:
            raise StopIteration
        for batch in self._stream:
            return (batch,)
        if self._batches.failure is None:
            raise StopIteration
        raise self._batches.failure

    def close(self) -> None:
        """End the stream and its threads."""
        self._is_closed = True
        # A thread of the backend may be inside the generator; it then ends with its next step.
        with contextlib.suppress(ValueError):
            self._stream.close()
