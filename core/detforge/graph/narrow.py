"""Parts of a model rebuilt with fewer channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from detforge.errors import CheckpointError
from detforge.graph.calls import input_name
from detforge.graph.trace import trace_channels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.graph.rules import Flow
    from detforge.model import DetectionModel


def narrow_parts(model: DetectionModel, widths: Mapping[str, Mapping[str, int]]) -> None:
    """Put narrower parts with random weights in the place of those that have other widths.

    Layers keep their names, their config, their penalties, and whether they train.

    Args:
        model: its parts are replaced.
        widths: part -> layer -> channels that it puts out, as `PruningPlan.widths` says; an input
            of a part is a layer too.

    Raises:
        CheckpointError: the widths are not of this model.
        PluginError: a layer that no rule is known for.
    """
    if not any(widths.values()):
        return
    flows = trace_channels(model).flows
    for part, layers in widths.items():
        for layer, width in layers.items():
            _check_width(part, layer, width, flows)
    model.parts = {
        name: _narrowed(part, widths[name], flows[name]) if widths.get(name) else part
        for name, part in model.parts.items()
    }


def _check_width(
    part: str, layer: str, width: int, flows: Mapping[str, Mapping[str, Flow]]
) -> None:
    flow = flows.get(part, {}).get(layer)
    if flow is None or flow.resized is None:
        found = "which has no channels of its own there"
    elif not 1 <= width <= flow.output.size:
        found = f"which has {flow.output.size} there"
    else:
        return
    raise CheckpointError(
        f"{width} channels of the layer {layer!r} of the part {part!r}, {found}: the widths of a "
        "pruned model do not fit the model of this spec; use the spec it was trained with"
    )


def _narrowed(
    part: keras.Model, widths: Mapping[str, int], flows: Mapping[str, Flow]
) -> keras.Model:
    def changes(name: str) -> dict[str, Any]:
        resized = flows[name].resized
        return resized(widths[name]) if resized and name in widths else {}

    def new_input(tensor: keras.KerasTensor) -> Any:
        name = input_name(tensor)
        config = {"batch_shape": tensor.shape, "dtype": tensor.dtype, "name": name}
        return keras.Input(**(config | changes(name)))

    def new_layer(layer: keras.Layer) -> keras.Layer:
        return layer.from_config(layer.get_config() | changes(layer.name))

    inputs = keras.tree.map_structure(new_input, part.input)
    try:
        clone = keras.models.clone_model(part, input_tensors=inputs, clone_function=new_layer)
    except ValueError as err:  # Keras' word for shapes that do not go together
        raise CheckpointError(
            f"the widths of a pruned model do not fit the part {part.name!r} of the model of this "
            f"spec ({err}); use the spec it was trained with"
        ) from err
    clones = {layer.name: layer for layer in clone.layers}
    for layer in part.layers:
        for old, new in zip(layer.weights, clones[layer.name].weights, strict=True):
            new.regularizer = old.regularizer  # set on variables, unknown to configs
    return clone
