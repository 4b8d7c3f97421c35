"""What a run needs beside its weights, to go on as if it had never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from detforge.errors import CheckpointError
from detforge.weights import restore_weights

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from detforge.files import Checkpoint
    from detforge.training.trainer import Trainer


def restore_run(trainer: Trainer, checkpoint: Checkpoint, path: Path) -> None:
    """Take everything of a checkpoint, optimiser and position included.

    Raises:
        CheckpointError: the checkpoint does not fit.
    """
    restore_weights(trainer.detection_model, checkpoint.weights, file=str(path))
    _restore_state(trainer, checkpoint, path)


def run_state(trainer: Trainer) -> dict[str, np.ndarray]:
    """Return what a run needs beside the weights that it shows, to go on as if never stopped.

    The optimiser's variables, iteration count and loss scale included, by position and path; the
    seeds of layers that draw at random; and the raw weights where averages are shown.
    """
    variables = _named_variables(trainer)
    state = {name: keras.ops.convert_to_numpy(value) for name, value in variables.items()}
    return state | (trainer.average.state() if trainer.average else {})


def _restore_state(trainer: Trainer, checkpoint: Checkpoint, path: Path) -> None:
    shapes = {name: value.shape for name, value in run_state(trainer).items()}
    if {name: value.shape for name, value in checkpoint.optimizer.items()} != shapes:
        raise CheckpointError(
            f"{path}: the optimiser's state does not fit this spec; start a new run from the "
            "weights instead (leave out --initial_epoch)"
        )
    for name, variable in _named_variables(trainer).items():
        variable.assign(checkpoint.optimizer[name])
    if trainer.average:
        trainer.average.restore(checkpoint.optimizer)


def _named_variables(trainer: Trainer) -> dict[str, keras.Variable]:
    # Keras numbers optimisers within a process: the name of this one says nothing.
    optimizer = {
        f"{i:04d}/{variable.path.partition('/')[2]}": variable
        for i, variable in enumerate(trainer.optimizer.variables)
    }
    seeds = {
        f"seed/{part}/{i:04d}": variable
        for part, network in trainer.detection_model.parts.items()
        for i, variable in enumerate(_seeds(network))
    }
    return optimizer | seeds


def _seeds(network: keras.Model) -> list[keras.Variable]:
    """Return the seeds of layers such as dropout: all the state that Keras calls no weight."""
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
