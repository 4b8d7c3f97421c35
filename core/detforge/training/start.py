"""What is checked and opened before Keras is loaded, so that mistakes show at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from detforge.data.batches import TrainingBatches
from detforge.data.sources import open_sources
from detforge.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest

log = logging.getLogger("detforge")


def open_training_data(request: TrainRequest, recipe: Recipe) -> TrainingBatches:
    """Return the batches of the run; says what they are made of.

    Raises:
        DatasetError: the sources cannot be read, or hold a class that the spec does not map.
    """
    if not recipe.data.training:
        raise DatasetError(
            f"{request.spec.file}: there is nothing to train on; name images and labels, or "
            "records, in dataset_config.data_sources"
        )
    source = open_sources(recipe.data.training, request.detector, what="training")
    batches = TrainingBatches(source, recipe, seed=recipe.seed)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(source.class_counts().items()))
    log.info("training on %d images (%s)", len(source), counts)
    return batches


def make_weights_dir(request: TrainRequest) -> Path:
    """Create the folder for checkpoints and return it.

    Raises:
        UsageError: it cannot be created, or holds another run that would be overwritten.
    """
    folder = request.results_dir / "weights"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"{folder}: cannot be created: {err.strerror}") from err
    if request.initial_epoch == 1 and any(folder.iterdir()):
        raise UsageError(
            f"{folder} holds the checkpoints of another run; choose another results folder, or go "
            "on with that run: -m CHECKPOINT --initial_epoch N"
        )
    return folder
