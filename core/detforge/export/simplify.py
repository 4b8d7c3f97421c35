"""Passes over ONNX graphs that leave the numbers alone."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Collection

    import onnx


def slimmed(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model that computes the same with fewer nodes, by onnxslim.

    Above all, Keras reads the batch size from a tensor and joins it with the other lengths at run
    time, five nodes a reshape that some runtimes cannot plan ahead. Names, metadata and declared
    shapes stay.
    """
    import onnxslim

    slim = cast("onnx.ModelProto", onnxslim.slim(model))
    del slim.graph.value_info[:]
    return slim


def name_by_layer(model: onnx.ModelProto, layers: Collection[str]) -> None:
    """Name every node after the Keras layer it comes from, in place: ``stem/Conv``.

    The names of TensorFlow and tf2onnx hold counters that depend on what the process converted
    before; equal models must give equal files, and people look layers up by name.

    Args:
        model: changed in place; names of its inputs and outputs stay.
        layers: names of the layers.
    """
    graph = model.graph
    renamed = {value.name: value.name for value in (*graph.input, *graph.output)} | {"": ""}
    constants = {constant.name: constant for constant in graph.initializer}
    counts: Counter[str] = Counter()
    for node in graph.node:
        layer = _layer_of(node.name, layers)
        name = f"{layer}/{node.op_type}" if layer else node.op_type
        counts[name] += 1
        node.name = name if counts[name] == 1 else f"{name}_{counts[name]}"
        for index, tensor in enumerate(node.output):
            renamed.setdefault(tensor, f"{node.name}:{index}")
        for index, tensor in enumerate(node.input):
            if tensor in constants:
                renamed.setdefault(tensor, f"{node.name}/input_{index}")
    for node in graph.node:
        node.input[:] = [renamed[tensor] for tensor in node.input]
        node.output[:] = [renamed[tensor] for tensor in node.output]
    for constant in graph.initializer:
        constant.name = renamed[constant.name]
    ordered = sorted(graph.initializer, key=lambda constant: constant.name)
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(ordered)


def _layer_of(name: str, layers: Collection[str]) -> str:
    """Return the layer in a name such as ``net_1/stem_1/convolution``, or ''."""
    for scope in name.split("/"):
        # TensorFlow appends a counter to scopes, so that "conv_1" most likely means "conv".
        base = re.sub(r"_\d+$", "", scope)
        for candidate in (base, scope):
            if candidate in layers:
                return candidate
    return ""
