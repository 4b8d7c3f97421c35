"""Where a run begins: random weights, given weights, or the middle of an earlier run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import keras

from detforge.errors import CheckpointError
from detforge.weights import check_detector, restore_weights

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from detforge.files import Checkpoint
    from detforge.model import DetectionModel
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.training.beginning import Beginning
    from detforge.training.trainer import Trainer

log = logging.getLogger("detforge")


def load_start(
    beginning: Beginning, request: TrainRequest, recipe: Recipe, trainer: Trainer
) -> None:
    """Load what the run begins with.

    A run that resumes takes everything of its checkpoint, optimiser and position included;
    otherwise only the weights that fit.

    Raises:
        CheckpointError: the checkpoint does not fit.
    """
    path, checkpoint, model = beginning.path, beginning.checkpoint, trainer.detection_model
    if path is None or checkpoint is None:
        return
    if beginning.resumes:
        restore_weights(model, checkpoint.weights, file=str(path))
        _restore_state(trainer, checkpoint, path)
        return
    _transfer(request, recipe, model, checkpoint, path)
    if trainer.average:
        trainer.average.restart()


def _transfer(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    checkpoint: Checkpoint,
    path: Path,
) -> None:
    check_detector(request.detector.name, checkpoint.detector, str(path))
    unmatched = restore_weights(model, checkpoint.weights, strict=False, file=str(path))
    loaded = len(checkpoint.weights) - len(unmatched.unexpected) - len(unmatched.shapes)
    if not loaded:
        raise CheckpointError(f"{path}: none of its weights fits this model ({unmatched})")
    log.info(
        "a new run from the weights of %s, of its epoch %d: %d of %d arrays loaded, optimiser and "
        "position not (they would be with --initial_epoch %d)",
        *(path, checkpoint.epoch, loaded, len(checkpoint.weights), checkpoint.epoch + 1),
    )
    if any(unmatched):
        log.warning("not loaded, or left at random: %s", unmatched)
    if checkpoint.class_names != recipe.classes.names:
        log.warning(
            "%s knows the classes %s, this run %s; the heads learn them anew",
            path,
            ", ".join(checkpoint.class_names),
            ", ".join(recipe.classes.names),
        )


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
