"""One training run from request to report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import keras

from detforge.data.sources import open_sources
from detforge.errors import CheckpointError, UsageError
from detforge.evaluation.run import score
from detforge.files import Checkpoint, load_checkpoint, save_checkpoint
from detforge.graph.freeze import apply_freeze
from detforge.graph.regularize import apply_regularizer
from detforge.inference.predictors import KerasPredictor
from detforge.requests import EvaluateReport, TrainReport
from detforge.training.callbacks import Metrics, Progress, SaveCheckpoints, StopOnNaN, Validate
from detforge.training.trainer import Trainer, compile_trainer
from detforge.weights import collect_weights, restore_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np

    from detforge.data.batches import TrainingBatches
    from detforge.data.samples import SampleSource
    from detforge.model import DetectionModel
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest

log = logging.getLogger("detforge")


def run_training(
    request: TrainRequest, recipe: Recipe, batches: TrainingBatches, weights_dir: Path
) -> TrainReport:
    """Train as the spec says and return what was reached.

    Args:
        request: what to start from, the key, the results folder.
        recipe: the spec in neutral terms.
        batches: the training set.
        weights_dir: existing folder for the checkpoints.

    Raises:
        SpecError: the model cannot be built from the spec.
        DatasetError: an image cannot be read.
        CheckpointError: the model to start from does not fit.
        UsageError: the checkpoint and the epoch to go on from disagree.
    """
    keras.utils.set_random_seed(recipe.seed)
    model, trainer = build_trainer(request, recipe, batches)
    first_epoch = _load_start(request, recipe, model, trainer)
    saver = SaveCheckpoints(
        lambda epoch: _save(request, recipe, model, trainer, weights_dir, epoch),
        recipe.checkpoints.interval,
        recipe.epochs,
    )
    metrics = Metrics(
        request.results_dir / "training_log.csv",
        (*trainer.loss_names, "mAP", *(f"AP_{name}" for name in recipe.classes.names)),
    )
    own = [StopOnNaN(), *_validation(request, recipe, model), metrics, saver]
    extra = [
        callback
        for some in request.detector.hook.callbacks(request=request, recipe=recipe)
        for callback in some
    ]
    progress = Progress(recipe.epochs, batches.steps_per_epoch, recipe.data.batch_size)
    _fit(trainer, batches, recipe, first_epoch, [*own, *extra, progress])
    assert saver.last is not None
    return TrainReport(checkpoint=saver.last, epochs=recipe.epochs, metrics=metrics.latest)


def build_trainer(
    request: TrainRequest, recipe: Recipe, batches: TrainingBatches
) -> tuple[DetectionModel, Trainer]:
    """Return a new model and the compiled trainer around it."""
    model = request.detector.build_model(request.spec, "train")
    with request.spec.located():
        apply_freeze(model, recipe.freeze)
    apply_regularizer(model, recipe.regularizer)
    trainer = Trainer(model)
    total_steps = recipe.epochs * batches.steps_per_epoch
    compile_trainer(trainer, recipe, total_steps, batches.batch(0))
    trainer.optimizer.build(trainer.trainable_variables)
    return model, trainer


def _load_start(
    request: TrainRequest, recipe: Recipe, model: DetectionModel, trainer: Trainer
) -> int:
    """Load what the run starts from; return the 0-based epoch to begin with."""
    path, first_epoch = request.resume_model_weights, request.initial_epoch - 1
    if path is None:
        if first_epoch:
            raise UsageError("--initial_epoch above 1 needs the checkpoint to go on from: -m FILE")
        return 0
    checkpoint = load_checkpoint(path, request.key)
    if checkpoint.detector != request.detector.name:
        raise CheckpointError(
            f"{path} is a checkpoint of {checkpoint.detector}, not of {request.detector.name}"
        )
    if not first_epoch:
        unmatched = restore_weights(model, checkpoint.weights, strict=False, file=str(path))
        log.info(
            "starting from the weights of %s (epoch %d); %s", path, checkpoint.epoch, unmatched
        )
        return 0
    if checkpoint.epoch != first_epoch:
        raise UsageError(
            f"{path} was saved after epoch {checkpoint.epoch}: going on from it means "
            f"--initial_epoch {checkpoint.epoch + 1}"
        )
    if first_epoch >= recipe.epochs:
        raise UsageError(
            f"the run is already complete: {path} was saved after epoch {checkpoint.epoch} of "
            f"{recipe.epochs}; raise training_config.num_epochs"
        )
    restore_weights(model, checkpoint.weights, file=str(path))
    _restore_optimizer(trainer.optimizer, checkpoint, path)
    log.info("going on from %s, epoch %d", path, request.initial_epoch)
    return first_epoch


def optimizer_state(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """Return the optimiser's variables, iteration count included, by position and path."""
    return {
        f"{i:04d}/{variable.path}": keras.ops.convert_to_numpy(variable)
        for i, variable in enumerate(optimizer.variables)
    }


def _restore_optimizer(
    optimizer: keras.optimizers.Optimizer, checkpoint: Checkpoint, path: Path
) -> None:
    stored = [checkpoint.optimizer[name] for name in sorted(checkpoint.optimizer)]
    shapes = [tuple(variable.shape) for variable in optimizer.variables]
    if [value.shape for value in stored] != shapes:
        raise CheckpointError(
            f"{path}: the optimiser's state does not fit this spec; start a new run from the "
            "weights instead (leave out --initial_epoch)"
        )
    for variable, value in zip(optimizer.variables, stored, strict=True):
        variable.assign(value)


def _save(
    request: TrainRequest,
    recipe: Recipe,
    model: DetectionModel,
    trainer: Trainer,
    folder: Path,
    epoch: int,
) -> Path:
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
            step=int(trainer.optimizer.iterations),
            weights=collect_weights(model),
            optimizer=optimizer_state(trainer.optimizer),
        ),
        request.key,
    )
    return path


def _validation(request: TrainRequest, recipe: Recipe, model: DetectionModel) -> list[Validate]:
    if not recipe.data.validation:
        log.info("no validation sources: the run has no mAP")
        return []
    source = open_sources(recipe.data.validation, request.detector, what="validation")
    return [
        Validate(_scorer(request, recipe, model, source), recipe.evaluation.period, recipe.epochs)
    ]


def _scorer(
    request: TrainRequest, recipe: Recipe, model: DetectionModel, source: SampleSource
) -> Callable[[], EvaluateReport]:
    """Return a function that scores the current weights in the detector's evaluation graph."""
    evaluated = request.detector.build_model(request.spec, "evaluate")
    predictor = KerasPredictor(evaluated, recipe.classes.names)

    def current_score() -> EvaluateReport:
        restore_weights(evaluated, collect_weights(model))
        return score(predictor.predict, source, recipe)

    return current_score


def _fit(
    trainer: Trainer,
    batches: TrainingBatches,
    recipe: Recipe,
    first_epoch: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    stream = batches.stream(first_epoch * batches.steps_per_epoch)
    try:
        trainer.fit(
            _inputs(stream, batches),
            epochs=recipe.epochs,
            initial_epoch=first_epoch,
            steps_per_epoch=batches.steps_per_epoch,
            callbacks=callbacks,
            shuffle=False,  # the stream is shuffled
            verbose=0,
        )
    except Exception as err:
        # Keras wraps what was raised while preparing data into an error of its backend.
        if batches.failure is not None:
            raise batches.failure from err
        raise
    finally:
        stream.close()


def _inputs(
    stream: Iterator[dict[str, np.ndarray]], batches: TrainingBatches
) -> Iterator[tuple[dict[str, np.ndarray]]]:
    """Yield the stream as inputs of `fit`; when the data ends, that is an error."""
    yield from ((batch,) for batch in stream)
    assert batches.failure is not None
    raise batches.failure
