"""The calls of layers that a part is made of, as Keras keeps them.

Pruning goes by them. `detforge.graph.cost` runs through the graph instead, for the shapes that
follow from an input of another size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras


class Call(NamedTuple):
    """One use of a layer; a layer that is shared has several.

    Attributes:
        layer: what is called.
        inputs: tensors of the graph that it takes.
        outputs: tensors of the graph that it gives.
    """

    layer: keras.Operation
    inputs: tuple[keras.KerasTensor, ...]
    outputs: tuple[keras.KerasTensor, ...]


def input_name(tensor: keras.KerasTensor) -> str:
    """Return the name of the layer that an input of a part is; its own may be another."""
    return tensor._keras_history.operation.name


def calls(part: keras.Model) -> Iterator[Call]:
    """Yield the calls of a functional model, each behind those whose results it takes.

    Its inputs are tensors, no calls.
    """
    by_depth = part._nodes_by_depth  # depth 0 is the outputs' own
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if not node.is_input:
                yield Call(node.operation, tuple(node.input_tensors), tuple(node.output_tensors))
