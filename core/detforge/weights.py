"""Weights of a model by name, and models from checkpoints.

A weight is named ``<part>/<path of the Keras variable>``, ``backbone/conv1/kernel``: the same
in every process and on every backend, as long as a detector names its layers.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from detforge.errors import CheckpointError, PluginError, SpecError
from detforge.spec import parse_spec
from detforge.spec.differences import own_differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras
    import numpy as np

    from detforge.files import Checkpoint
    from detforge.model import DetectionModel, Mode
    from detforge.plugins import Detector
    from detforge.recipe import Recipe
    from detforge.spec import Spec

log = logging.getLogger(__name__)

_NAMES_SHOWN = 4


class Unmatched(NamedTuple):
    """What of a model and a set of weights did not find each other.

    Attributes:
        missing: weights of the model that the set lacks.
        unexpected: weights of the set that the model lacks.
        shapes: name, shape in the model, shape in the set.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    def __str__(self) -> str:
        """Return a few of each on one line."""
        shapes = [f"{name} {wanted} not {found}" for name, wanted, found in self.shapes]
        found = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "other shape": tuple(shapes),
        }
        return "; ".join(f"{what}: {few(names)}" for what, names in found.items() if names)


def named_variables(model: DetectionModel) -> dict[str, keras.Variable]:
    """Return the variable of each weight of a model, trainable or not, by its name.

    Raises:
        PluginError: two weights of the model have the same name.
    """
    found: dict[str, keras.Variable] = {}
    for part_name, part in model.parts.items():
        for variable in part.weights:
            name = f"{part_name}/{variable.path}"
            if name in found:
                raise PluginError(
                    f"two weights of the model are named {name!r}; give the layers of the part "
                    f"{part_name!r} names of their own"
                )
            found[name] = variable
    return found


def collect_weights(model: DetectionModel) -> dict[str, np.ndarray]:
    """Return every weight of a model, trainable or not.

    Returns:
        name -> array, in the dtype of the variable; sorted by name.

    Raises:
        PluginError: two weights of the model have the same name.
    """
    import numpy as np

    variables = named_variables(model)
    return {name: np.asarray(variables[name]) for name in sorted(variables)}


def restore_weights(
    model: DetectionModel,
    weights: Mapping[str, np.ndarray],
    *,
    strict: bool = True,
    file: str = "",
) -> Unmatched:
    """Set the weights of a model by name.

    Args:
        model: changed in place.
        weights: as `collect_weights` returned them.
        strict: refuse before anything is changed unless all names and shapes match; otherwise
            set what matches.
        file: where the weights come from, for messages.

    Returns:
        What did not match; empty when strict.

    Raises:
        CheckpointError: strict, and something does not match.
    """
    variables = named_variables(model)
    unmatched = _compare(variables, weights)
    if strict and any(unmatched):
        raise CheckpointError(
            f"{file or 'the weights'} does not fit the model of this spec ({unmatched}); use the "
            "spec it was trained with"
        )
    left_out = {name for name, *_ in unmatched.shapes}
    for name, variable in variables.items():
        if name in weights and name not in left_out:
            variable.assign(weights[name])
    return unmatched


def load_model(
    detector: Detector, spec: Spec, recipe: Recipe, checkpoint: Checkpoint, mode: Mode, file: str
) -> DetectionModel:
    """Return the model of a spec with the weights of a checkpoint.

    Args:
        detector: builds the model.
        spec: the spec of this run.
        recipe: the same in neutral terms.
        checkpoint: what to take the weights from.
        mode: see `detforge.hookspecs.build_model`.
        file: name of the checkpoint, for messages.

    Raises:
        CheckpointError: the checkpoint is of another detector, other classes, another network
            input, or another architecture.
    """
    check_checkpoint(detector, spec, recipe, checkpoint, file)
    model = detector.build_model(spec, mode, replace(recipe, variant=checkpoint.variant))
    restore_weights(model, checkpoint.weights, file=file)
    return model


def check_checkpoint(
    detector: Detector, spec: Spec, recipe: Recipe, checkpoint: Checkpoint, file: str
) -> None:
    """Check that a checkpoint was trained for what this spec describes.

    Its own spec is in it. Another network input is refused. Where the detector's own block
    differs (anchors, say), weights may fit and boxes still be wrong: that is a warning, since
    fields that matter in training alone live there too.

    Raises:
        CheckpointError: another detector, other classes, another network input.
    """
    check_origin(
        detector.name, recipe.classes.names, checkpoint.detector, checkpoint.class_names, file
    )
    try:
        trained = parse_spec(checkpoint.spec_text, detector.spec_schema(), file)
        trained_input = detector.recipe(trained).input
    except SpecError as err:
        log.warning("the spec inside %s is not one of this release (%s); not compared", file, err)
        return
    if trained_input != recipe.input:
        raise CheckpointError(
            f"{file} was trained on another network input ({trained_input}) than the spec "
            f"describes ({recipe.input}); use the spec it was trained with"
        )
    if fields := own_differences(trained.message, spec.message):
        log.warning(
            "%s was trained with another value of %s than this spec has; if that describes the "
            "model, what it finds will be wrong",
            file,
            ", ".join(fields),
        )


def check_detector(detector: str, found: str, file: str) -> None:
    """Check that a model is of this detector.

    Raises:
        CheckpointError: it is of another one.
    """
    if found != detector:
        raise CheckpointError(
            f"{file} is a model of {found}, not of {detector}; run 'detforge {found} ...' with it"
        )


def check_origin(
    detector: str,
    class_names: Sequence[str],
    found_detector: str,
    found_class_names: Sequence[str],
    file: str,
) -> None:
    """Check that a model is of this detector and of these classes, in this order.

    Raises:
        CheckpointError: it is not; shows both sides.
    """
    check_detector(detector, found_detector, file)
    if tuple(found_class_names) != tuple(class_names):
        raise CheckpointError(
            f"{file} was trained on the classes [{', '.join(found_class_names)}], but the spec's "
            f"target_class_mapping gives [{', '.join(class_names)}]; use the spec it was trained "
            "with"
        )


def _compare(
    variables: Mapping[str, keras.Variable], weights: Mapping[str, np.ndarray]
) -> Unmatched:
    shapes = []
    for name in sorted(variables.keys() & weights.keys()):
        wanted, found = tuple(variables[name].shape), tuple(weights[name].shape)
        if wanted != found:
            shapes.append((name, wanted, found))
    return Unmatched(
        missing=tuple(sorted(variables.keys() - weights.keys())),
        unexpected=tuple(sorted(weights.keys() - variables.keys())),
        shapes=tuple(shapes),
    )


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
