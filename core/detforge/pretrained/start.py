"""What a new run takes its weights from: a file, or ImageNet; given by an option or by the spec.

In two steps: `find_start` reads what was named before any data are, and without Keras;
`prepare_start` brings it into the form of the spec's model, for which it may have to look at one.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import CheckpointError, UsageError
from detforge.pretrained.reading import WeightFile, read_weights
from detforge.recipe import Variant
from detforge.requests import IMAGENET
from detforge.weights import few

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from detforge.backbones import Backbone
    from detforge.model import DetectionModel
    from detforge.pretrained.matching import LoadReport
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest

log = logging.getLogger("detforge")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Start:
    """What a new run takes its weights from.

    Attributes:
        source: the file as it was named, or `IMAGENET`.
        file: its content; None for `IMAGENET`.
        facts: what identifies it, as JSON gives it back.
    """

    source: str
    file: WeightFile | None
    facts: Mapping[str, Any]


class Prepared(NamedTuple):
    """Weights for the spec's model.

    Attributes:
        source: where they are from, for messages.
        layers: layer name of ours -> slot -> array.
        variant: how the network has to differ from the one that the spec describes.
    """

    source: str
    layers: Mapping[str, Mapping[str, np.ndarray]]
    variant: Variant


def find_start(request: TrainRequest, recipe: Recipe) -> Start | None:
    """Return what a new run starts from, read; None for random weights or to go on from a file.

    An option of the command wins over the spec, and says so.

    Raises:
        CheckpointError: the file cannot be read, or is of no kind that has weights; a pruned
            model is not one of detforge.
        UsageError: an epoch to go on with, of public weights.
    """
    given, spec = request.resume_model_weights, recipe.start
    named = spec.pruned or spec.weights
    if given is None:
        return _from_spec(named, request, is_pruned=bool(spec.pruned)) if named else None
    if request.initial_epoch > 1:
        if str(given) == IMAGENET:
            raise UsageError(
                "--initial_epoch goes on from a checkpoint of detforge, and imagenet is none; "
                "leave it out to start a new run"
            )
        return None
    if named and named != str(given):
        log.info("starting from %s, which -m names, and not from %s of the spec", given, named)
    return _read(str(given), request.key)


def _from_spec(named: str, request: TrainRequest, *, is_pruned: bool) -> Start:
    try:
        found = _read(named, request.key)
    except CheckpointError as err:
        raise CheckpointError(f"{err} ({request.spec.file} names it)") from err
    if is_pruned and (found.file is None or found.file.checkpoint is None):
        raise CheckpointError(
            f"{named} is not a checkpoint of detforge, and {request.spec.file} names it as the "
            "pruned model; name what 'detforge ... prune' wrote"
        )
    return found


def _read(source: str, key: str | None) -> Start:
    if source == IMAGENET:
        return Start(source=source, file=None, facts={"weights": IMAGENET, "initial_epoch": 1})
    file = read_weights(Path(source), key)
    return Start(source=source, file=file, facts=file_facts(Path(source), initial_epoch=1))


def file_facts(path: Path, *, initial_epoch: int) -> dict[str, Any]:
    """Return what identifies a file that a run starts from, or goes on from."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"sha256": digest, "initial_epoch": initial_epoch}


def prepare_start(start: Start, request: TrainRequest, recipe: Recipe) -> Prepared:
    """Return the weights in the form of the spec's model; says in the log what was done to them.

    Args:
        start: what `find_start` returned.
        request: builds the model where weights of others have to be fitted to it.
        recipe: the spec in neutral terms.

    Raises:
        CheckpointError: the weights are of another network, or of one that is not known; they
            cannot be downloaded.
        SpecError: the model cannot be built from the spec.
    """
    file = start.file
    if file is not None and file.checkpoint is not None:
        return Prepared(start.source, file.layers, _own_variant(file, request, recipe))
    from detforge.pretrained.imagenet import fetch
    from detforge.pretrained.public import recognise
    from detforge.pretrained.translation import translate

    found = recognise(file) if file is not None else None
    if file is not None and found is None:
        if not file.layers:
            raise CheckpointError(
                f"{start.source} names its weights {few(list(file.arrays))}: neither as detforge "
                "does (layer/kernel) nor as a published network that is known here"
            )
        return Prepared(start.source, file.layers, Variant())
    backbone = _backbone(start, request, recipe)
    if file is None:
        file = fetch(backbone.arch, backbone.depth)
        found = recognise(file)
    assert found is not None  # what Keras publishes is known
    translated = translate(found, file, backbone, recipe.input)
    for note in translated.notes:
        log.info("%s: %s", start.source, note)
    options = dict(translated.options)
    return Prepared(start.source, translated.layers, Variant(backbone=options))


def load_start(
    model: DetectionModel, prepared: Prepared, start: Start, request: TrainRequest, recipe: Recipe
) -> None:
    """Set the weights of a model that was built with the variant of what it starts from.

    A table of all layers, a summary and what is particular go to the log.

    Raises:
        CheckpointError: nothing fits; see `detforge.pretrained.matching.load_layers`. Or a pruned
            model is of another network.
    """
    from detforge.pretrained.matching import load_layers

    skip = recipe.start.skip_weights
    report = load_layers(model, prepared.layers, skip=skip, file=prepared.source)
    if prepared.variant.widths:
        _check_network(report, prepared)
    log.info("%s", report.table())
    for layer in report.layers:
        if layer.status == "Yes" and layer.reason:
            log.info("%s: %s", layer.name, layer.reason)
    _say_new_run(start, request)
    log.info("%s", report.summary(prepared.source))
    if skip and not any(layer.is_left_out for layer in report.layers):
        log.warning("no weight has a name in which %r is found: none was left out", skip)
    in_backbone = {name for names in model.blocks.values() for name in names}
    if left := [layer.name for layer in report.missing if layer.name in in_backbone]:
        log.warning("of the backbone %d layers are left at random: %s", len(left), few(left))
    _compare_classes(start, recipe)


def _backbone(start: Start, request: TrainRequest, recipe: Recipe) -> Backbone:
    """Return the backbone that the spec describes; the model around it is thrown away."""
    found = request.detector.build_model(request.spec, "train", recipe).backbone
    if found is None:
        raise CheckpointError(
            f"{start.source} holds weights of a published backbone, and the model of "
            f"{request.detector.name} has none of detforge's backbones; start from a checkpoint"
        )
    return found


def _own_variant(file: WeightFile, request: TrainRequest, recipe: Recipe) -> Variant:
    """Return what of a checkpoint's variant concerns the spec's model.

    Another detector has other parts, so nothing is as narrow there; its backbone may be the same.
    """
    variant, checkpoint = file.variant, file.checkpoint
    assert checkpoint is not None
    if not variant.backbone:
        options: dict[str, Any] = {}
    else:
        built = request.detector.build_model(request.spec, "train", recipe).backbone
        known = built.family.options if built else variant.backbone
        options = {name: value for name, value in variant.backbone.items() if name in known}
    is_ours = checkpoint.detector == request.detector.name
    return Variant(backbone=options, widths=variant.widths if is_ours else {})


def _check_network(report: LoadReport, prepared: Prepared) -> None:
    """Refuse to give the widths of a pruned model to a network that only resembles it."""
    absent = [layer.name for layer in report.missing if layer.name not in prepared.layers]
    if odd := [*absent, *report.unused]:
        raise CheckpointError(
            f"{prepared.source} is a pruned model of another network than the spec describes: "
            f"only one of the two has {few(odd)}. A pruned model trains on with the spec it was "
            "trained with"
        )


def _say_new_run(start: Start, request: TrainRequest) -> None:
    checkpoint = start.file.checkpoint if start.file is not None else None
    if checkpoint is None:
        log.info("a new run from the weights of %s", start.source)
    elif checkpoint.detector != request.detector.name:
        log.info(
            "a new run from the weights of %s, a model of %s", start.source, checkpoint.detector
        )
    elif not checkpoint.epoch:
        log.info("a new run from the weights of %s, a pruned model", start.source)
    else:
        log.info(
            "a new run from the weights of %s, of its epoch %d; optimiser and position not (they "
            "would be with --initial_epoch %d)",
            *(start.source, checkpoint.epoch, checkpoint.epoch + 1),
        )


def _compare_classes(start: Start, recipe: Recipe) -> None:
    checkpoint = start.file.checkpoint if start.file is not None else None
    if checkpoint is not None and checkpoint.class_names != recipe.classes.names:
        log.warning(
            "%s knows the classes %s, this run %s; the heads learn them anew",
            start.source,
            ", ".join(checkpoint.class_names),
            ", ".join(recipe.classes.names),
        )
