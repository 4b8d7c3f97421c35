"""Default of the task `train`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import TrainReport, TrainRequest


@hookimpl(trylast=True)
def train(request: TrainRequest) -> TrainReport:
    """Train with the core's loop."""
    from detforge.data.sources import open_validation
    from detforge.pretrained.start import find_start
    from detforge.training.beginning import find_beginning, report_finished
    from detforge.training.class_counts import report_classes
    from detforge.training.start import (
        check_start,
        make_weights_dir,
        open_training_data,
        with_options,
    )

    recipe = with_options(request.detector.recipe(request.spec), request)
    check_start(request, recipe)
    start = find_start(request, recipe)
    batches = open_training_data(request, recipe)
    validation = open_validation(recipe, request.detector)
    weights_dir = make_weights_dir(request)
    beginning = find_beginning(request, recipe, batches, weights_dir, start)
    if beginning.is_finished(recipe):
        return report_finished(beginning, request, recipe)
    recipe = replace(recipe, variant=beginning.variant)
    report_classes(batches.source, validation, recipe.classes)
    from detforge.training.run import run_training  # Keras loads here

    return run_training(request, recipe, batches, validation, weights_dir, beginning)
