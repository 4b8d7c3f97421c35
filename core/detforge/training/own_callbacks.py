"""What the core does around the steps of a run, put together from the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import keras

from detforge.evaluation.run import measure
from detforge.inference.predictors import KerasPredictor
from detforge.pruning.history import history_of
from detforge.training.callbacks import Progress, SaveCheckpoints, Validate
from detforge.training.checkpoint_writer import CheckpointWriter
from detforge.training.devices import has_accelerator
from detforge.training.early_stopping import STATE, StopEarly
from detforge.training.metric_files import MetricFiles
from detforge.training.metrics import Clock, Metrics
from detforge.training.nonfinite import StopOnNaN
from detforge.training.tensorboard import make_tensorboard
from detforge.training.validation_loss import ValidationLoss
from detforge.weights import restore_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from detforge.data.batches import TrainingBatches
    from detforge.data.samples import SampleSource
    from detforge.evaluation.run import Measured
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.training.beginning import Beginning
    from detforge.training.trainer import Trainer


class OwnCallbacks(NamedTuple):
    """The core's callbacks, in the order in which they run at the end of an epoch.

    The checkpoint is written before validation, which may fail, and the metrics before that, so
    that the log of a run that goes on from the checkpoint has no gap.
    """

    stop_on_nan: StopOnNaN
    clock: Clock
    losses: Metrics
    stop_by_loss: keras.callbacks.Callback
    saver: SaveCheckpoints
    validate: Validate
    stop_by_validation: keras.callbacks.Callback
    metrics: Metrics
    tensorboard: keras.callbacks.Callback
    progress: Progress


def own_callbacks(
    request: TrainRequest,
    recipe: Recipe,
    trainer: Trainer,
    batches: TrainingBatches,
    validation: SampleSource | None,
    weights_dir: Path,
    beginning: Beginning,
) -> OwnCallbacks:
    """Return what the core does around the steps of a run.

    Args:
        request: the key, the results folder.
        recipe: the spec in neutral terms.
        trainer: compiled.
        batches: the training set.
        validation: the validation set; None for none.
        weights_dir: existing folder for the checkpoints.
        beginning: what the run goes on from.
    """
    score = loss = None
    if validation is not None:
        score = _scorer(request, recipe, trainer, validation)
        loss = ValidationLoss(trainer, validation, recipe)
    stop = _stop_early(recipe, beginning, loss)
    steps = batches.steps_per_epoch
    writer = CheckpointWriter(
        *(request, recipe, trainer, weights_dir, steps),
        *(beginning.facts, history_of(beginning.checkpoint, recipe.variant), stop),
    )
    names = trainer.loss_names, recipe.classes.names
    metrics = Metrics(MetricFiles(request.results_dir, *names, epochs_done=beginning.epoch))
    validate = Validate(score, loss, recipe.evaluation.period, recipe.epochs)
    return OwnCallbacks(
        StopOnNaN(trainer.first_bad, batches.images_of, steps, looks_often=not has_accelerator()),
        Clock(steps * recipe.data.batch_size),
        metrics,
        stop or keras.callbacks.Callback(),
        SaveCheckpoints(writer.write, recipe.checkpoints.interval, recipe.epochs, beginning),
        validate,
        stop or keras.callbacks.Callback(),
        metrics,
        _tensorboard(request, recipe, trainer, batches, validate, beginning),
        Progress(recipe.epochs, steps),
    )


def _stop_early(
    recipe: Recipe, beginning: Beginning, loss: ValidationLoss | None
) -> StopEarly | None:
    """Return what ends the run early, as far as it had waited; None where nothing does."""
    settings = recipe.early_stopping
    if settings is None:
        return None
    stop = StopEarly(settings, loss if settings.monitor == "validation_loss" else None)
    if beginning.resumes and beginning.checkpoint is not None:
        stop.restore(beginning.checkpoint.extra.get(STATE, {}), beginning.epoch)
    return stop


def _scorer(
    request: TrainRequest, recipe: Recipe, trainer: Trainer, source: SampleSource
) -> Callable[[], Measured]:
    """Return a function that scores the present weights in the detector's evaluation graph."""
    evaluated = request.detector.build_model(request.spec, "evaluate", recipe)
    predictor = KerasPredictor(evaluated, recipe.classes.names)

    def present_score() -> Measured:
        restore_weights(evaluated, trainer.shown_weights())
        return measure(predictor.predict, source, recipe)

    return present_score


def _tensorboard(
    request: TrainRequest,
    recipe: Recipe,
    trainer: Trainer,
    batches: TrainingBatches,
    validate: Validate,
    beginning: Beginning,
) -> keras.callbacks.Callback:
    """Return what writes event files, where the recipe asks for them."""
    if recipe.visualizer is None:
        return keras.callbacks.Callback()
    return make_tensorboard(
        *(request.results_dir, recipe, recipe.visualizer, batches, beginning.epoch),
        measured=lambda: validate.latest,
        weights=trainer.shown_weights,
    )
