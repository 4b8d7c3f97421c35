"""Where a run begins: random weights, given weights, or the middle of an earlier run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import keras

from detforge.errors import CheckpointError, UsageError
from detforge.files import load_checkpoint
from detforge.weights import check_checkpoint, check_detector, restore_weights

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from detforge.files import Checkpoint
    from detforge.model import DetectionModel
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest

log = logging.getLogger("detforge")


def load_start(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    optimizer: keras.optimizers.Optimizer,
    steps_per_epoch: int,
) -> None:
    """Load what the request says to begin from.

    With an initial epoch above 1 everything of the checkpoint is taken, optimiser and position
    included; otherwise only the weights that fit.

    Raises:
        CheckpointError: the checkpoint does not fit.
        UsageError: it was saved after another epoch than the one to go on from.
    """
    path = request.resume_model_weights
    if path is None:
        return
    checkpoint = load_checkpoint(path, request.key)
    if request.initial_epoch == 1:
        _transfer(request, recipe, model, checkpoint, path)
        return
    check_checkpoint(request.detector, request.spec, recipe, checkpoint, str(path))
    _check_position(checkpoint, request.initial_epoch, steps_per_epoch, path)
    restore_weights(model, checkpoint.weights, file=str(path))
    _restore_optimizer(optimizer, checkpoint, path)
    log.info("going on from %s, epoch %d", path, request.initial_epoch)


def _transfer(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    checkpoint: Checkpoint,
    path: Path,
) -> None:
    check_detector(request.detector.name, checkpoint.detector, str(path))
    unmatched = restore_weights(model, checkpoint.weights, strict=False, file=str(path))
    log.info("starting from the weights of %s (epoch %d)", path, checkpoint.epoch)
    if len(unmatched.unexpected) + len(unmatched.shapes) == len(checkpoint.weights):
        raise CheckpointError(f"{path}: none of its weights fits this model ({unmatched})")
    if any(unmatched):
        log.warning("left at random, or left out: %s", unmatched)
    if checkpoint.class_names != recipe.classes.names:
        log.warning(
            "%s knows the classes %s, this run %s; the heads learn them anew",
            path,
            ", ".join(checkpoint.class_names),
            ", ".join(recipe.classes.names),
        )


def _check_position(
    checkpoint: Checkpoint, initial_epoch: int, steps_per_epoch: int, path: Path
) -> None:
    if checkpoint.epoch != initial_epoch - 1:
        raise UsageError(
            f"{path} was saved after epoch {checkpoint.epoch}: going on from it means "
            f"--initial_epoch {checkpoint.epoch + 1}"
        )
    if checkpoint.step != checkpoint.epoch * steps_per_epoch:
        raise CheckpointError(
            f"{path} was saved after {checkpoint.step} steps, but {checkpoint.epoch} epochs of "
            f"this data and batch size are {checkpoint.epoch * steps_per_epoch}; go on with the "
            "data and batch size of that run, or start a new one from its weights (leave out "
            "--initial_epoch)"
        )


def optimizer_state(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Return the optimiser's variables, iteration count included, by position and path."""
    return {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in _named_variables(optimizer).items()
    }


def _restore_optimizer(
    optimizer: keras.optimizers.Optimizer, checkpoint: Checkpoint, path: Path
) -> None:
    variables = _named_variables(optimizer)
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    if {name: value.shape for name, value in checkpoint.optimizer.items()} != shapes:
        raise CheckpointError(
            f"{path}: the optimiser's state does not fit this spec; start a new run from the "
            "weights instead (leave out --initial_epoch)"
        )
    for name, variable in variables.items():
        variable.assign(checkpoint.optimizer[name])


def _named_variables(optimizer: keras.optimizers.Optimizer) -> dict[str, keras.Variable]:
    # Keras numbers optimisers within a process: the name of this one says nothing.
    return {
        f"{i:04d}/{variable.path.partition('/')[2]}": variable
        for i, variable in enumerate(optimizer.variables)
    }
