"""What is checked and opened before Keras is loaded, so that mistakes show at once."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from detforge.data.batches import TrainingBatches
from detforge.data.sources import open_training
from detforge.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest


def with_options(recipe: Recipe, request: TrainRequest) -> Recipe:
    """Return the recipe with what options of the command switch on, whatever its spec says."""
    if request.use_multiprocessing:
        recipe = replace(recipe, data=replace(recipe.data, multiprocessing=True))
    return replace(recipe, mixed_precision=recipe.mixed_precision or request.use_amp)


def open_training_data(request: TrainRequest, recipe: Recipe) -> TrainingBatches:
    """Return the batches of the run.

    Raises:
        DatasetError: the sources cannot be read, or hold a class that the spec does not map.
    """
    if not recipe.data.training:
        raise DatasetError(
            f"{request.spec.file}: there is nothing to train on; name images and labels, or "
            "records, in dataset_config.data_sources"
        )
    source = open_training(recipe, request.detector)
    return TrainingBatches(source, recipe, seed=recipe.seed)


def check_start(request: TrainRequest, recipe: Recipe) -> None:
    """Check that the options that say where to begin agree, and what would end the run.

    Raises:
        UsageError: an epoch to go on from without a checkpoint, or past the end of the run; a
            validation loss to watch where there is none, or not after every epoch; a package
            that TensorBoard's files need and that is not installed.
    """
    _check_monitor(request, recipe)
    _check_visualizer(request, recipe)
    if request.initial_epoch > 1 and request.resume_model_weights is None:
        raise UsageError(
            "--initial_epoch above 1 needs the checkpoint to go on from: -m FILE. A run that was "
            "interrupted goes on by itself when its command is repeated without --initial_epoch"
        )
    if request.initial_epoch > recipe.epochs:
        raise UsageError(
            f"--initial_epoch {request.initial_epoch} lies after the last of "
            f"{recipe.epochs} epochs; raise training_config.num_epochs"
        )


def _check_monitor(request: TrainRequest, recipe: Recipe) -> None:
    if recipe.early_stopping is None or recipe.early_stopping.monitor != "validation_loss":
        return
    wrong = []
    if not recipe.data.validation and recipe.data.validation_fold is None:
        wrong.append("the spec names no validation data")
    if recipe.evaluation.period != 1:
        wrong.append(f"validation comes every {recipe.evaluation.period} epochs, not after each")
    if wrong:
        raise UsageError(
            f"{request.spec.file}: early_stopping watches validation_loss, but "
            f"{' and '.join(wrong)}; change that, or write monitor: loss"
        )


def _check_visualizer(request: TrainRequest, recipe: Recipe) -> None:
    if recipe.visualizer is None:
        return
    extras = {"tensorboard": "tensorboard"}
    if recipe.evaluation.precision_recall_plot:
        extras["matplotlib"] = "train"
    for package, extra in extras.items():
        if find_spec(package) is None:
            raise UsageError(
                f"{request.spec.file}: training_config.visualizer is enabled and needs {package}, "
                f"which is not installed; install it with 'pip install detforge[{extra}]', or "
                "write enabled: false"
            )


def make_weights_dir(request: TrainRequest) -> Path:
    """Create the folder for checkpoints and return it.

    Raises:
        UsageError: it cannot be created.
    """
    folder = request.results_dir / "weights"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"{folder}: cannot be created: {err.strerror}") from err
    return folder
