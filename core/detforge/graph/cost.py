"""What each layer of a model costs: weights, and multiplications with an addition.

Multiply-adds are counted from shapes; nothing runs. As in the papers, they are those of
convolutions and dense layers (plain, depthwise, separable, transposed); biases, normalisation,
activations, pooling, and what a detector does outside its parts (decoding, NMS) count nothing.
Data are channels last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from detforge.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from detforge.model import DetectionModel

    Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerCost:
    """What one layer costs for one image.

    Attributes:
        part: name of the part of the model that it is in.
        layer: its name, unique in the part.
        kind: its class, "Conv2D".
        output_shapes: of what it puts out, call by call; the first axis is the rows that one
            image makes, 1 in most parts.
        parameters: numbers in its weights, trainable or not. Weights that several layers share
            count in the first of them.
        trainable_parameters: those among them that train.
        multiply_adds: of all its calls.
    """

    part: str
    layer: str
    kind: str
    output_shapes: tuple[Shape, ...]
    parameters: int
    trainable_parameters: int
    multiply_adds: int


class _Call(NamedTuple):
    """Where the graph of a part calls a layer: shapes of what goes in and comes out."""

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]


def layer_costs(model: DetectionModel) -> list[LayerCost]:
    """Return the cost of every layer of a model, part by part, in the order of the graph.

    Raises:
        PluginError: a part takes inputs of free size, and ``model.input_shapes`` lacks it.
    """
    costs, counted = [], set[int]()
    for name, part in model.parts.items():
        calls = _calls(part, _input_shapes(model, name))
        for layer in part.layers:
            weights = [weight for weight in layer.weights if id(weight) not in counted]
            counted.update(map(id, weights))
            costs.append(
                LayerCost(
                    part=name,
                    layer=layer.name,
                    kind=type(layer).__name__,
                    output_shapes=tuple(s for call in calls[layer] for s in call.outputs),
                    parameters=_size(weights),
                    trainable_parameters=_size(w for w in weights if w.trainable),
                    multiply_adds=sum(_multiply_adds(layer, call) for call in calls[layer]),
                )
            )
    return costs


def _input_shapes(model: DetectionModel, name: str) -> list[Shape]:
    """Return the shapes of the inputs of a part for one image, rows first."""
    inputs = model.parts[name].inputs
    if name in model.input_shapes:
        # Pruning may have left fewer channels than the model says.
        pairs = zip(model.input_shapes[name], inputs, strict=True)
        return [(*shape[:-1], tensor.shape[-1]) for shape, tensor in pairs]
    shapes = [(1, *tensor.shape[1:]) for tensor in inputs]
    if any(None in shape for shape in shapes):
        raise PluginError(
            f"the part {name!r} takes inputs of free size; the model must say in input_shapes "
            "which size to count with"
        )
    return shapes


def _calls(part: keras.Model, shapes: Sequence[Shape]) -> dict[Any, list[_Call]]:
    """Return operation -> its calls, in the graph that a part is for inputs of these shapes."""
    inputs = [
        keras.KerasTensor(shape, dtype=tensor.dtype)
        for shape, tensor in zip(shapes, part.inputs, strict=True)
    ]
    found: dict[Any, list[_Call]] = {operation: [] for operation in part.operations}
    for tensor, shape in zip(part.inputs, shapes, strict=True):
        found[tensor._keras_history.operation].append(_Call((), (shape,)))

    def recorded(operation: keras.Operation) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            outputs = operation.compute_output_spec(*args, **kwargs)
            found[operation].append(_Call(_shapes((args, kwargs)), _shapes(outputs)))
            return outputs

        return call

    # The way of Keras' own `compute_output_spec`, which keeps what lies between to itself.
    part._run_through_graph(inputs, operation_fn=recorded)
    return found


def _shapes(tensors: Any) -> tuple[Shape, ...]:
    flat = keras.tree.flatten(tensors)
    return tuple(x.shape for x in flat if isinstance(x, keras.KerasTensor))


def _size(weights: Iterable[keras.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _multiply_adds(layer: keras.Layer, call: _Call) -> int:
    """Return the multiply-adds of one call: a kernel's numbers times the places it is laid on."""
    if isinstance(layer, keras.layers.Dense):
        return math.prod(layer.kernel.shape) * math.prod(call.outputs[0][:-1])
    if isinstance(layer, keras.layers.Conv2DTranspose):
        return math.prod(layer.kernel.shape) * math.prod(call.inputs[0][:-1])
    if isinstance(layer, keras.layers.SeparableConv2D):
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
        return _size(kernels) * math.prod(call.outputs[0][:-1])
    if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        return math.prod(layer.kernel.shape) * math.prod(call.outputs[0][:-1])
    return 0
