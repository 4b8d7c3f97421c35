"""A moving average of the weights, which a run validates and saves in their place."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from detforge.weights import named_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from detforge.model import DetectionModel

_RAW, _STEPS = "raw/", "average/steps"


class WeightAverage:
    """The average of every weight of a model, normalisation statistics included.

    After step n (from 1) an average moves by ``1 - d`` of its distance to the weight, with
    ``d = min(decay, (1 + n) / (10 + n))``: a young average has nothing to hold on to.

    Statistics of batch normalisation are averaged like weights, not copied. They are an average
    already, of the last hundred steps or so; those of the newest weights would not fit weights
    that are ten thousand steps old.

    A step folds in what the step before made of the weights: that is where all backends let a
    model change its variables. `catch_up` folds in the newest step, between two steps.

    Attributes:
        variables: all state, for a Keras model to track.
    """

    def __init__(self, model: DetectionModel, decay: float) -> None:
        """Begin with the present weights.

        Args:
            model: built; its weights are read, never changed, except by `in_place`.
            decay: at least 0 and below 1; the nearer to 1, the longer the average remembers.
        """
        self._decay = decay
        self._weights = named_variables(model)
        self._averages = {
            name: keras.Variable(value, dtype="float32", trainable=False, autocast=False)
            for name, value in _copies(self._weights).items()
        }
        self._steps = keras.Variable(0.0, dtype="float32", trainable=False, autocast=False)
        # 1 while the weights hold a step that the average lacks.
        self._pending = keras.Variable(0.0, dtype="float32", trainable=False, autocast=False)
        self.variables = [*self._averages.values(), self._steps, self._pending]

    def begin_step(self) -> None:
        """Fold in the step before; called inside each training step, before the forward pass."""
        self._fold()
        self._pending.assign(1.0)

    def catch_up(self) -> None:
        """Fold in the newest step; called between two steps."""
        self._fold()
        self._pending.assign(0.0)

    def _fold(self) -> None:
        n = self._steps + 1
        share = self._pending * (1 - ops.minimum(self._decay, (1 + n) / (10 + n)))
        for name, average in self._averages.items():
            weight = ops.stop_gradient(ops.cast(self._weights[name], "float32"))
            average.assign(average + share * (weight - average))
        self._steps.assign_add(self._pending)

    def restart(self) -> None:
        """Begin anew with the present weights."""
        _assign(self._averages, _copies(self._weights))
        for count in (self._steps, self._pending):
            count.assign(0.0)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the averages instead of its weights for a while."""
        self.catch_up()
        raw = _copies(self._weights)
        _assign(self._weights, _copies(self._averages))
        try:
            yield
        finally:
            _assign(self._weights, raw)

    def state(self) -> dict[str, np.ndarray]:
        """Return what a run needs beside the averages to go on: raw weights and their number."""
        self.catch_up()
        raw = {f"{_RAW}{name}": value for name, value in _copies(self._weights).items()}
        return {**raw, _STEPS: np.array(self._steps)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a model that holds averages, and give it the raw weights.

        Args:
            state: as `state` returned it.
        """
        self.restart()
        self._steps.assign(state[_STEPS])
        _assign(self._weights, {name: state[f"{_RAW}{name}"] for name in self._weights})


# Copies on the host: on JAX, variables that share memory cannot both be given to a step.
def _copies(variables: Mapping[str, keras.Variable]) -> dict[str, np.ndarray]:
    return {name: np.array(variable) for name, variable in variables.items()}


def _assign(variables: Mapping[str, keras.Variable], values: Mapping[str, np.ndarray]) -> None:
    for name, variable in variables.items():
        variable.assign(values[name])
