"""Default of the task `evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import DatasetError
from detforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from detforge.requests import EvaluateReport, EvaluateRequest


@hookimpl(trylast=True)
def evaluate(request: EvaluateRequest) -> EvaluateReport:
    """Score a checkpoint or an ONNX file on the validation sources of the spec."""
    from detforge.data.sources import open_validation

    recipe = request.detector.recipe(request.spec)
    source = open_validation(recipe, request.detector)
    if source is None:
        raise DatasetError(
            f"{request.spec.file}: there is nothing to evaluate on; name images and labels, or "
            "records, in dataset_config.validation_data_sources"
        )
    from detforge.evaluation.run import score
    from detforge.inference.predictors import load_predictor

    predictor = load_predictor(
        request.detector, request.spec, recipe, request.model, request.key, mode="evaluate"
    )
    return score(predictor.predict, source, recipe)
