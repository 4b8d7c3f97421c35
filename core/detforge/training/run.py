"""One training run from request to report."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from detforge.errors import CheckpointError, DatasetError
from detforge.evaluation.run import measure
from detforge.files import Checkpoint, save_checkpoint
from detforge.graph.freeze import apply_freeze
from detforge.graph.regularize import apply_regularizer
from detforge.inference.predictors import KerasPredictor
from detforge.requests import TrainReport
from detforge.training.averaging import WeightAverage
from detforge.training.callbacks import Progress, SaveCheckpoints, Validate
from detforge.training.devices import has_accelerator
from detforge.training.earlier_run import FACTS, checkpoints_in, epoch_of
from detforge.training.early_stopping import STATE, StopEarly
from detforge.training.inputs import Inputs
from detforge.training.metric_files import MetricFiles
from detforge.training.metrics import Clock, Metrics
from detforge.training.nonfinite import StopOnNaN, check_finite
from detforge.training.precision import (
    SINGLE,
    computing_in,
    precision_of,
    return_single_precision,
)
from detforge.training.resume import load_start, run_state
from detforge.training.schedules import RunLength
from detforge.training.tensorboard import make_tensorboard
from detforge.training.trainer import Trainer, compile_trainer
from detforge.training.validation_loss import ValidationLoss
from detforge.weights import collect_weights, restore_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from detforge.data.batches import TrainingBatches
    from detforge.data.samples import SampleSource
    from detforge.evaluation.run import Measured
    from detforge.model import DetectionModel
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.training.beginning import Beginning

log = logging.getLogger("detforge")


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
    keras.utils.set_random_seed(recipe.seed)
    model, trainer = build_trainer(request, recipe, batches)
    load_start(beginning, request, recipe, model, trainer)
    own = own_callbacks(
        request, recipe, model, trainer, batches, validation, weights_dir, beginning
    )
    others = [
        callback
        for some in request.detector.hook.callbacks(request=request, recipe=recipe)
        for callback in some
    ]
    with _told_where_to_go_on(own.saver):
        fit(trainer, batches, recipe, beginning.epoch, [*own[:-1], *others, own.progress])
    return TrainReport(
        checkpoint=own.saver.saved, epochs=own.saver.finished, metrics=own.metrics.latest
    )


def build_trainer(
    request: TrainRequest, recipe: Recipe, batches: TrainingBatches
) -> tuple[DetectionModel, Trainer]:
    """Return a new model and the compiled trainer around it."""
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
    return model, trainer


def own_callbacks(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    trainer: Trainer,
    batches: TrainingBatches,
    validation: SampleSource | None,
    weights_dir: Path,
    beginning: Beginning,
) -> OwnCallbacks:
    """Return what the core does around the steps of a run."""
    met = [path for path in checkpoints_in(weights_dir) if epoch_of(path) >= request.initial_epoch]
    earlier = met if request.force else []

    def save(epoch: int, ended: bool) -> Path:
        facts = {**beginning.facts, "epochs": recipe.epochs, "ended": ended}
        extra = {FACTS: facts} | ({STATE: stop.state()} if stop else {})
        position = epoch, epoch * steps
        path = _save(request, recipe, model, trainer, weights_dir, position, extra)
        _remove(earlier, but=(path, request.resume_model_weights))
        earlier.clear()
        return path

    names = trainer.loss_names, recipe.classes.names
    metrics = Metrics(MetricFiles(request.results_dir, *names, epochs_done=beginning.epoch))
    scorer = loss = None
    if validation is not None:
        scorer = _scorer(request, recipe, model, trainer, validation)
        loss = ValidationLoss(trainer, validation, recipe)
    stop = _stop_early(recipe, beginning, loss)
    steps = batches.steps_per_epoch
    validate = Validate(scorer, loss, recipe.evaluation.period, recipe.epochs)
    return OwnCallbacks(
        StopOnNaN(trainer.first_bad, batches.images_of, steps, looks_often=not has_accelerator()),
        Clock(steps * recipe.data.batch_size),
        metrics,
        stop or keras.callbacks.Callback(),
        SaveCheckpoints(save, recipe.checkpoints.interval, recipe.epochs, beginning),
        validate,
        stop or keras.callbacks.Callback(),
        metrics,
        _tensorboard(request, recipe, model, trainer, batches, validate, beginning),
        Progress(recipe.epochs, steps),
    )


def _save(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    trainer: Trainer,
    folder: Path,
    position: tuple[int, int],
    extra: Mapping[str, Any],
) -> Path:
    """Write the checkpoint of a position, in epochs and in steps."""
    # Not what the optimiser counts: it leaves out steps whose float16 gradients overflow.
    epoch, step = position
    weights = _averaged_weights(model, trainer)
    check_finite(weights)
    suffix = ".tlt" if request.key else ".detforge"
    path = folder / f"{recipe.checkpoints.name}_epoch_{epoch:03d}{suffix}"
    save_checkpoint(
        path,
        Checkpoint(
            detector=request.detector.name,
            plugin_version=request.detector.version,
            class_names=recipe.classes.names,
            spec_text=request.spec.text,
            epoch=epoch,
            step=step,
            weights=weights,
            optimizer=run_state(trainer),
            extra=extra,
        ),
        request.key,
    )
    return path


def _averaged_weights(model: DetectionModel, trainer: Trainer) -> dict[str, np.ndarray]:
    """Return the weights that are validated and saved."""
    with trainer.averaged():
        return collect_weights(model)


@contextlib.contextmanager
def _told_where_to_go_on(saver: SaveCheckpoints) -> Iterator[None]:
    """Say where a run that is cut off can go on, unless it would fail there again."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, CheckpointError, DatasetError):
        if saver.saved is None:
            log.warning("stopped before the first checkpoint; the same command starts anew")
        else:
            log.warning(
                "stopped in epoch %d; the same command goes on from the checkpoint of epoch %d, "
                "%s, and repeats the steps since",
                *(saver.finished + 1, saver.saved_epoch, saver.saved),
            )
        raise


def _remove(paths: Iterable[Path], but: Iterable[Path | None]) -> None:
    """Remove the checkpoints of an earlier run, now that this one has its own."""
    kept = {path.resolve() for path in but if path is not None}
    for path in paths:
        if path.resolve() not in kept:
            path.unlink(missing_ok=True)
            log.info("removed %s of an earlier run", path)


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
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    trainer: Trainer,
    source: SampleSource,
) -> Callable[[], Measured]:
    """Return a function that scores the current weights in the detector's evaluation graph."""
    evaluated = request.detector.build_model(request.spec, "evaluate", recipe)
    predictor = KerasPredictor(evaluated, recipe.classes.names)

    def current_score() -> Measured:
        restore_weights(evaluated, _averaged_weights(model, trainer))
        return measure(predictor.predict, source, recipe)

    return current_score


def _tensorboard(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
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
        weights=lambda: _averaged_weights(model, trainer),
    )


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
