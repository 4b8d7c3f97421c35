"""A backbone added to a functional graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.backbones.family import Family
    from detforge.backbones.options import BackboneOptions


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A backbone inside a graph.

    Attributes:
        output: Keras tensor (B, H, W, C), the last feature map.
        blocks: block number -> names of its layers, for freezing.
    """

    output: Any
    blocks: Mapping[int, tuple[str, ...]]
    _graph: keras.Model

    def tap(self, layer: str) -> Any:
        """Return what a layer puts out, a Keras tensor (B, H, W, C)."""
        return self._graph.get_layer(layer).output


def add_backbone(
    images: Any,
    family: Family,
    depth: int,
    options: BackboneOptions,
    *,
    last_block: int | None = None,
) -> Features:
    """Add a backbone to the graph that ``images`` begins; its layers stay flat in it.

    Args:
        images: Keras tensor (B, H, W, C).
        family: the design.
        depth: one of its depths; 0 where there is only one.
        options: switches.
        last_block: where to end; None for where the family says.
    """
    end = family.last_block if last_block is None else last_block
    x, seen = images, {layer.name for layer in keras.Model(images, images).layers}
    names: dict[int, tuple[str, ...]] = {}
    for number, add in family.blocks(depth, options).items():
        if end is not None and number > end:
            break
        x = add(x)
        graph = keras.Model(images, x)
        new = tuple(layer.name for layer in graph.layers if layer.name not in seen)
        names[number] = new
        seen.update(new)
    return Features(x, names, graph)
