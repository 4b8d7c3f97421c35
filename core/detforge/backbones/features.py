"""A backbone added to a functional graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.backbones.family import Backbone


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A backbone inside a graph.

    Attributes:
        output: Keras tensor (B, H, W, C), the last feature map.
        blocks: block number -> names of its layers, for freezing.
        backbone: what was built.
    """

    output: Any
    blocks: Mapping[int, tuple[str, ...]]
    backbone: Backbone
    _graph: keras.Model

    def tap(self, layer: str) -> Any:
        """Return what a layer puts out, a Keras tensor (B, H, W, C)."""
        return self._graph.get_layer(layer).output


def add_backbone(
    images: Any,
    backbone: Backbone,
    *,
    first_block: int | None = None,
    last_block: int | None = None,
) -> Features:
    """Add a backbone to the graph that ``images`` begins; its layers stay flat in it.

    Args:
        images: Keras tensor (B, H, W, C); of a later first block what the block before put out.
        backbone: what to build.
        first_block: where to begin; None for the first.
        last_block: where to end; None for where the family says.
    """
    end = backbone.family.last_block if last_block is None else last_block
    x, seen = images, {layer.name for layer in keras.Model(images, images).layers}
    names: dict[int, tuple[str, ...]] = {}
    for number, add in backbone.blocks.items():
        if first_block is not None and number < first_block:
            continue
        if end is not None and number > end:
            break
        x = add(x)
        graph = keras.Model(images, x)
        new = tuple(layer.name for layer in graph.layers if layer.name not in seen)
        names[number] = new
        seen.update(new)
    return Features(x, names, backbone, graph)
