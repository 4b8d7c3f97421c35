"""Default of the task `evaluate`."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.errors import DatasetError
from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.data.samples import SampleSource
    from detforge.evaluation.run import Measured
    from detforge.recipe import Recipe
    from detforge.requests import EvaluateReport, EvaluateRequest

log = logging.getLogger("detforge")


@hookimpl(trylast=True)
def evaluate(request: EvaluateRequest) -> EvaluateReport:
    """Score a checkpoint or an ONNX file on the validation sources of the spec."""
    from detforge.data.sources import open_validation

    recipe = request.detector.recipe(request.spec)
    if request.metric is not None:
        recipe = replace(recipe, evaluation=replace(recipe.evaluation, mode=request.metric))
    source = open_validation(recipe, request.detector)
    if source is None:
        raise DatasetError(
            f"{request.spec.file}: there is nothing to evaluate on; name images and labels, or "
            "records, in dataset_config.validation_data_sources"
        )
    from detforge.data.labels import name_classes
    from detforge.evaluation.run import measure
    from detforge.files.metadata import spec_hash
    from detforge.inference.predictors import OnnxPredictor, load_predictor

    predictor = load_predictor(
        request.detector, request.spec, recipe, request.model, request.key, mode="evaluate"
    )
    recipe = replace(recipe, classes=name_classes(recipe.classes, source.categories))
    measured = measure(predictor.predict, source, recipe)
    if measured.report.without_objects:
        names = ", ".join(measured.report.without_objects)
        log.info("no object to find of %s: left out of the means", names)
    return replace(
        measured.report,
        model=request.model,
        model_kind="onnx" if isinstance(predictor, OnnxPredictor) else "checkpoint",
        spec_sha256=spec_hash(request.spec.text),
        files=_write_pictures(request, recipe, measured, source),
    )


def _write_pictures(
    request: EvaluateRequest, recipe: Recipe, measured: Measured, source: SampleSource
) -> dict[str, Path]:
    from detforge.evaluation.artifacts import CURVES, write_artifacts, write_curves

    if request.results_dir is not None:
        return write_artifacts(measured, source, request.results_dir)
    if recipe.evaluation.precision_recall_plot:
        return write_curves(measured, request.model.parent / CURVES)
    return {}
