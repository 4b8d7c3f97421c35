"""Passes over ONNX graphs that leave the numbers alone."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    from collections.abc import Collection


def fold_reshapes(model: onnx.ModelProto) -> None:
    """Give every reshape of a batch a constant shape, in place.

    Keras reads the batch size from the tensor and joins it with the other lengths at run time:
    five nodes that some runtimes cannot plan ahead. One unknown length may be written as -1.

    Args:
        model: changed in place; nodes that become useless are dropped.
    """
    graph = model.graph
    shapes = _inferred_shapes(model)
    constants = {initializer.name for initializer in graph.initializer}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] in constants:
            continue
        lengths = shapes.get(node.output[0])
        # 0 would mean "as in the input", and two unknowns cannot be told apart.
        if lengths is None or 0 in lengths or lengths.count(-1) > 1:
            continue
        name = f"{node.output[0]}_shape"
        graph.initializer.append(numpy_helper.from_array(np.array(lengths, np.int64), name))
        node.input[1] = name
    drop_unused(graph)


def drop_unused(graph: onnx.GraphProto) -> None:
    """Drop nodes and constants that no output depends on, in place."""
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    constants = [constant for constant in graph.initializer if constant.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)


def _inferred_shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    """Return name -> lengths, -1 where unknown, of every tensor whose rank is known."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {}
    for value in (*inferred.value_info, *inferred.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape"):
            shapes[value.name] = [
                length.dim_value if length.HasField("dim_value") else -1
                for length in tensor.shape.dim
            ]
    return shapes


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
