"""The body of the task `prune`: load, choose, narrow, compare, and only then write."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from detforge.errors import CheckpointError, SpecError, UsageError
from detforge.files import Checkpoint, load_checkpoint, pack_checkpoint, save_checkpoint
from detforge.graph.cost import layer_costs
from detforge.graph.prune import apply_pruning, survey
from detforge.graph.selection import Selection
from detforge.pruning.check import compare, objects_in
from detforge.pruning.costs import cost_fields
from detforge.pruning.history import with_pruning
from detforge.pruning.target import lowest_threshold
from detforge.requests import PruneReport
from detforge.spec import parse_spec
from detforge.weights import check_detector, collect_weights, load_model

if TYPE_CHECKING:
    from pathlib import Path

    from detforge.graph.prune import PruningPlan
    from detforge.model import DetectionModel
    from detforge.recipe import Recipe
    from detforge.requests import PruneRequest
    from detforge.spec import Spec

log = logging.getLogger("detforge")

_SUFFIXES = (".detforge", ".tlt")


class _Loaded(NamedTuple):
    """A checkpoint in memory: what it says, and its model."""

    checkpoint: Checkpoint  # without arrays: the model has its own
    spec: Spec
    recipe: Recipe
    model: DetectionModel
    optimizer_bytes: int
    seconds: float  # that this took


def run_prune(request: PruneRequest) -> PruneReport:
    """Prune the checkpoint of a request and write the result.

    Raises:
        UsageError: the output exists, or the selection makes no sense for this model.
        CheckpointError: the checkpoint cannot be used, or the result not be written.
        DatasetError: none of the images to check can be read.
    """
    output, loaded = _output(request), _load(request)
    model, recipe, images = loaded.model, loaded.recipe, request.check_images
    costs = layer_costs(model)
    before = objects_in(images, model, recipe) if images is not None else []
    plan, threshold, seconds = _prune(request, model)
    after = objects_in(images, model, recipe) if images is not None else []
    if not plan.widths:
        log.warning("nothing is removed: each layer keeps all its channels; raise the threshold")
    report = PruneReport(
        checkpoint=output,
        threshold=threshold,
        file_bytes_before=request.model.stat().st_size,
        optimizer_bytes=loaded.optimizer_bytes,
        seconds=seconds,
        seconds_to_build=loaded.seconds,
        check=compare(before, after, len(recipe.classes.names)) if before else {},
        **cost_fields(costs, layer_costs(model), plan.channels),
    )
    return _written(request, report, _pruned(request, report, loaded, plan))


def _load(request: PruneRequest) -> _Loaded:
    start = time.perf_counter()
    checkpoint = load_checkpoint(request.model, request.key)
    spec, recipe = _spec_of(request, checkpoint)
    model = load_model(request.detector, spec, recipe, checkpoint, "infer", str(request.model))
    optimizer_bytes = sum(array.nbytes for array in checkpoint.optimizer.values())
    checkpoint = replace(checkpoint, weights={}, optimizer={})
    seconds = time.perf_counter() - start
    return _Loaded(checkpoint, spec, recipe, model, optimizer_bytes, seconds)


def _output(request: PruneRequest) -> Path | None:
    """Return the file to write, None for none; refuses before any work is done."""
    output = request.output
    if request.dry_run or output is None:
        return None
    if not output.suffix:
        output = output.with_suffix(".tlt" if request.key else ".detforge")
    if output.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"{output}: a pruned checkpoint is no {output.suffix} file; call it "
            f"{' or '.join(_SUFFIXES)}"
        )
    if output.exists() and not request.force:
        raise UsageError(f"{output} exists; choose another name with -o, or replace it (--force)")
    return output


def _spec_of(request: PruneRequest, checkpoint: Checkpoint) -> tuple[Spec, Recipe]:
    """Return the spec to build the model from, and the same in neutral terms.

    Raises:
        CheckpointError: the checkpoint is of another detector, or the spec in it of another
            release.
        SpecError: fields of a given spec disagree with each other.
    """
    detector, file = request.detector, str(request.model)
    check_detector(detector.name, checkpoint.detector, file)
    if request.spec is not None:
        return request.spec, detector.recipe(request.spec)
    try:
        spec = parse_spec(checkpoint.spec_text, detector.spec_schema(), file)
        return spec, detector.recipe(spec)
    except SpecError as err:
        raise CheckpointError(
            f"the spec inside {file} is not one of this release ({err}); give one that is with -e"
        ) from err


def _prune(request: PruneRequest, model: DetectionModel) -> tuple[PruningPlan, float, float]:
    """Narrow a model; return what stays, by which threshold, and the seconds it took."""
    start = time.perf_counter()
    selection = Selection(
        threshold=request.threshold,
        normalizer=request.normalizer,
        equalization=request.equalization_criterion,
        granularity=request.granularity,
        min_filters=request.min_filters,
        excluded=request.excluded_layers,
    )
    surveyed = survey(model)
    if request.target_ratio is not None:
        threshold = lowest_threshold(surveyed, selection, request.target_ratio)
        selection = replace(selection, threshold=threshold)
    plan = surveyed.plan(selection)
    apply_pruning(model, plan)
    return plan, selection.threshold, time.perf_counter() - start


def _pruned(
    request: PruneRequest, report: PruneReport, loaded: _Loaded, plan: PruningPlan
) -> Checkpoint:
    """Return the checkpoint of a pruned model: the start of a new run, at its epoch 0."""
    before = loaded.checkpoint
    digest = hashlib.sha256(request.model.read_bytes()).hexdigest()
    return Checkpoint(
        detector=request.detector.name,
        plugin_version=request.detector.version,
        class_names=before.class_names,
        spec_text=loaded.spec.text,
        epoch=0,
        step=0,
        weights=collect_weights(loaded.model),
        variant=before.variant.narrowed(plan.widths),
        extra=with_pruning(before, request, report, digest),
    )


def _written(request: PruneRequest, report: PruneReport, pruned: Checkpoint) -> PruneReport:
    """Write a checkpoint where the report says; return the report with the size of the file."""
    if report.checkpoint is None:
        return replace(report, file_bytes_after=len(pack_checkpoint(pruned)))
    save_checkpoint(report.checkpoint, pruned, request.key)
    return replace(report, file_bytes_after=report.checkpoint.stat().st_size)
