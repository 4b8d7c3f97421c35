"""Weights of a file put into the layers of a model that have their names.

A layer is loaded whole or not at all: half a layer, a kernel without its bias say, computes nothing
that anybody trained.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import keras

from detforge.errors import CheckpointError
from detforge.pretrained.layer_names import slot_of
from detforge.text_table import table
from detforge.weights import few

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from detforge.model import DetectionModel

    Slots = Mapping[str, np.ndarray]

Status = Literal["Yes", "No", "None"]

_NO_SUCH_LAYER = "no such layer in the file"


@dataclass(frozen=True, slots=True)
class LayerStatus:
    """What became of one layer of the model.

    Attributes:
        part: of the model.
        name: of the layer.
        kind: its class.
        status: "None": it has no weights; "Yes": all of them were loaded; "No": none was.
        reason: why not; or a remark on how.
        is_left_out: it was not wanted.
    """

    part: str
    name: str
    kind: str
    status: Status
    reason: str = ""
    is_left_out: bool = False


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What was loaded, layer by layer.

    Attributes:
        layers: of the model, in its order.
        unused: layers of the file that hold weights and that no layer took.
    """

    layers: tuple[LayerStatus, ...]
    unused: tuple[str, ...]

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the layers that were loaded."""
        return tuple(layer.name for layer in self.layers if layer.status == "Yes")

    @property
    def missing(self) -> tuple[LayerStatus, ...]:
        """Layers that were wanted and not loaded."""
        return tuple(
            layer for layer in self.layers if layer.status == "No" and not layer.is_left_out
        )

    def table(self) -> str:
        """Return a line a layer: name(type), status, reason."""
        rows = [
            (f"{layer.name}({layer.kind})", layer.status, layer.reason) for layer in self.layers
        ]
        return table(("layer(type)", "status", "reason"), rows, left=3)

    def summary(self, source: str) -> str:
        """Return one line: how many layers were loaded from where, and which were not."""
        with_weights = [layer for layer in self.layers if layer.status != "None"]
        text = f"{len(self.loaded)} of {len(with_weights)} layers loaded from {source}"
        if left := [layer.name for layer in with_weights if layer.status == "No"]:
            text += f"; {len(left)} left at random: {few(left)}"
        if self.unused:
            text += f"; not used of the file: {few(self.unused)}"
        return text


def load_layers(
    model: DetectionModel,
    layers: Mapping[str, Slots],
    *,
    skip: str = "",
    file: str = "the file",
) -> LoadReport:
    """Set the weights of each layer of a model that has a layer of its name in a file.

    Args:
        model: changed in place, unless an error is raised.
        layers: layer name -> slot -> array, as `detforge.pretrained.reading.read_weights` has
            them.
        skip: regular expression; a layer with a weight in whose name it is found
            (``part/layer/slot``) keeps its own. Empty for none.
        file: where the weights come from, for messages.

    Raises:
        CheckpointError: nothing fits, or nothing of the backbone; the expression is none, or is
            found in every name.
    """
    pattern = _compiled(skip)
    rows, assigned = [], []
    found_in_file: set[int] = set()
    for part, layer in _all_layers(model):
        row, values = _match(part, layer, layers, pattern)
        rows.append(row)
        assigned.extend(values)
        found_in_file.update(map(id, _found(part, layer, layers).values()))
    unused = [
        name
        for name, slots in layers.items()
        if slots and not any(id(array) in found_in_file for array in slots.values())
    ]
    report = LoadReport(tuple(rows), tuple(unused))
    _check(model, report, layers, skip, file)
    for variable, value in assigned:
        variable.assign(value)
    return report


def _compiled(skip: str) -> re.Pattern[str] | None:
    try:
        return re.compile(skip) if skip else None
    except re.error as err:
        raise CheckpointError(
            f"the expression {skip!r} of weights to leave out is none: {err}"
        ) from err


def _all_layers(model: DetectionModel) -> Iterator[tuple[str, keras.Layer]]:
    for name, part in model.parts.items():
        for layer in part.layers:
            yield name, layer


def _found(part: str, layer: keras.Layer, layers: Mapping[str, Slots]) -> Slots:
    """Return the weights of the layer's name; a wrapper answers to that of its inner layer too."""
    inner = layer.layer if isinstance(layer, keras.layers.Wrapper) else layer
    for name in (layer.name, inner.name):
        for key in (f"{part}/{name}", name):
            if slots := layers.get(key):
                return slots
    return {}


def _match(
    part: str, layer: keras.Layer, layers: Mapping[str, Slots], skip: re.Pattern[str] | None
) -> tuple[LayerStatus, list[tuple[keras.Variable, Any]]]:
    """Return what becomes of a layer, and the variables to set."""

    def status(word: Status, reason: str = "", *, is_left_out: bool = False) -> LayerStatus:
        return LayerStatus(part, layer.name, type(layer).__name__, word, reason, is_left_out)

    variables = {slot_of(variable.path): variable for variable in layer.weights}
    if not variables:
        return status("None"), []
    if skip and any(skip.search(f"{part}/{layer.name}/{slot}") for slot in variables):
        return status("No", f"left out: {skip.pattern}", is_left_out=True), []
    if len(variables) < len(layer.weights):
        return status("No", "several of its weights have one name"), []
    found = _found(part, layer, layers)
    if not found:
        return status("No", _NO_SUCH_LAYER), []
    if found.keys() != variables.keys():
        return status("No", f"has {', '.join(variables)}; in the file {', '.join(found)}"), []
    found, remark = _for_grey_images(variables, found)
    for slot, variable in variables.items():
        if reason := _unfit(slot, tuple(variable.shape), found[slot]):
            return status("No", reason), []
    return status("Yes", remark), [(variables[slot], array) for slot, array in found.items()]


def _for_grey_images(variables: Mapping[str, keras.Variable], found: Slots) -> tuple[Slots, str]:
    """Sum the kernels of three colours where the model looks at one channel."""
    kernel = variables.get("kernel")
    if kernel is None or len(kernel.shape) != 4 or kernel.shape[2] != 1:
        return found, ""
    shape = found["kernel"].shape
    if len(shape) != 4 or shape[2] != 3 or shape[3] != kernel.shape[3]:
        return found, ""
    summed = found["kernel"].sum(axis=2, keepdims=True)
    return {**found, "kernel": summed}, "3 input channels summed into 1"


def _unfit(slot: str, wanted: tuple[int, ...], array: np.ndarray) -> str:
    """Return why an array cannot be a weight; '' if it can."""
    import numpy as np

    if array.shape != wanted:
        return f"{slot} has the shape {wanted}; in the file {array.shape}"
    if not np.isfinite(array).all():
        return f"{slot} in the file holds values that are no numbers"
    return ""


def _check(
    model: DetectionModel,
    report: LoadReport,
    layers: Mapping[str, Slots],
    skip: str,
    file: str,
) -> None:
    with_weights = [layer for layer in report.layers if layer.status != "None"]
    left_out = [layer for layer in with_weights if layer.is_left_out]
    if left_out == with_weights:
        raise CheckpointError(
            f"the expression {skip!r} of weights to leave out is found in every weight of the "
            "model: nothing would be loaded"
        )
    in_backbone = {name for names in model.blocks.values() for name in names}
    expected = [layer for layer in with_weights if layer not in left_out]
    backbone = [layer for layer in expected if layer.name in in_backbone]
    for name, wanted in (("the model", expected), ("the backbone", backbone)):
        if wanted and not any(layer.status == "Yes" for layer in wanted):
            reasons = Counter(layer.reason for layer in wanted)
            commonest = f" ({wanted[0].name}: {wanted[0].reason})" if len(reasons) > 1 else ""
            in_file = [layer for layer, slots in layers.items() if slots]
            raise CheckpointError(
                f"{file}: none of its weights fits {name}{commonest}. The file has "
                f"{few(in_file) or 'no layers'}; {name} has "
                f"{few([layer.name for layer in wanted])}"
            )
