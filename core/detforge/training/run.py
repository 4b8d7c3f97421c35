"""One training run from request to report."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import keras

from detforge.errors import CheckpointError, DatasetError
from detforge.graph.freeze import apply_freeze
from detforge.graph.regularize import apply_regularizer
from detforge.pretrained.start import load_start, prepare_start
from detforge.requests import TrainReport
from detforge.training.averaging import WeightAverage
from detforge.training.callbacks import Progress
from detforge.training.inputs import Inputs
from detforge.training.own_callbacks import own_callbacks
from detforge.training.precision import (
    SINGLE,
    computing_in,
    precision_of,
    return_single_precision,
)
from detforge.training.resume import restore_run
from detforge.training.schedules import RunLength
from detforge.training.trainer import Trainer, compile_trainer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from detforge.data.batches import TrainingBatches
    from detforge.data.samples import SampleSource
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.training.beginning import Beginning
    from detforge.training.callbacks import SaveCheckpoints

log = logging.getLogger("detforge")


def run_training(
    request: TrainRequest,
    recipe: Recipe,
    batches: TrainingBatches,
    validation: SampleSource | None,
    weights_dir: Path,
    beginning: Beginning,
) -> TrainReport:
    """Train as the spec says and return what was reached.

    Args:
        request: the key, the results folder.
        recipe: the spec in neutral terms.
        batches: the training set.
        validation: the validation set; None for none.
        weights_dir: existing folder for the checkpoints.
        beginning: random weights, given weights, or the middle of an earlier run.

    Raises:
        SpecError: the model cannot be built from the spec.
        DatasetError: an image cannot be read.
        CheckpointError: the model to start from does not fit, or a file cannot be written.
        DetforgeError: the loss is no longer a number.
    """
    start = beginning.start
    prepared = prepare_start(start, request, recipe) if start is not None else None
    if prepared is not None:
        recipe = replace(recipe, variant=prepared.variant)
    keras.utils.set_random_seed(recipe.seed)
    trainer = build_trainer(request, recipe, batches)
    if start is not None and prepared is not None:
        load_start(trainer.detection_model, prepared, start, request, recipe)
        if trainer.average:
            trainer.average.restart()
    elif beginning.checkpoint is not None and beginning.path is not None:
        restore_run(trainer, beginning.checkpoint, beginning.path)
    own = own_callbacks(request, recipe, trainer, batches, validation, weights_dir, beginning)
    others = [
        callback
        for some in request.detector.hook.callbacks(request=request, recipe=recipe)
        for callback in some
    ]
    with _told_where_to_go_on(own.saver, recipe.epochs, is_forced=request.force):
        fit(trainer, batches, recipe, beginning.epoch, [*own[:-1], *others, own.progress])
    return TrainReport(
        checkpoint=own.saver.saved, epochs=own.saver.finished, metrics=own.metrics.latest
    )


def build_trainer(request: TrainRequest, recipe: Recipe, batches: TrainingBatches) -> Trainer:
    """Return a compiled trainer around a new model."""
    policy = precision_of(recipe)
    with computing_in(policy):
        model = request.detector.build_model(request.spec, "train", recipe)
    if policy != SINGLE:
        return_single_precision(model)
    with request.spec.located():
        apply_freeze(model, recipe.freeze)
    apply_regularizer(model, recipe.regularizer)
    decay = recipe.averaging_decay
    trainer = Trainer(model, WeightAverage(model, decay) if decay else None)
    length = RunLength(recipe.epochs * batches.steps_per_epoch, batches.steps_per_epoch)
    compile_trainer(trainer, recipe, length, batches.batch(0), policy)
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


@contextlib.contextmanager
def _told_where_to_go_on(saver: SaveCheckpoints, epochs: int, *, is_forced: bool) -> Iterator[None]:
    """Say where a run that is cut off can go on, unless it would fail there again."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, CheckpointError, DatasetError):
        if saver.saved is None:
            log.warning("stopped before the first checkpoint; the same command starts anew")
        elif saver.saved_epoch == epochs:
            log.warning(
                "stopped behind the last epoch: %s is whole, and 'evaluate' scores it", saver.saved
            )
        else:
            log.warning(
                "stopped in epoch %d; the same command%s goes on from the checkpoint of epoch %d, "
                "%s, and repeats the steps since",
                *(saver.finished + 1, " without --force" if is_forced else ""),
                *(saver.saved_epoch, saver.saved),
            )
        raise


def fit(
    trainer: Trainer,
    batches: TrainingBatches,
    recipe: Recipe,
    first_epoch: int,
    callbacks: Sequence[keras.callbacks.Callback],
) -> None:
    """Run Keras' loop from a 0-based epoch to the last one."""
    inputs = Inputs(batches, first_epoch * batches.steps_per_epoch)
    try:
        trainer.fit(
            (item for item in inputs),  # Keras wants a generator
            epochs=recipe.epochs,
            initial_epoch=first_epoch,
            steps_per_epoch=batches.steps_per_epoch,
            callbacks=list(callbacks),
            shuffle=False,  # the stream is shuffled
            verbose=0,
        )
    except Exception as err:
        # Keras wraps what was raised while preparing data into an error of its backend.
        if batches.failure is not None:
            raise batches.failure from err
        raise
    finally:
        inputs.close()
        for callback in callbacks:
            if isinstance(callback, Progress):
                callback.close()
