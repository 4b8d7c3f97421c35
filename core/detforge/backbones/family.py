"""What a family of backbones is, and how one is added to a functional graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from detforge.backbones.options import BackboneOptions

Block = Callable[[Any], Any]
"""Adds one block to a graph: Keras tensor (B, H, W, C) -> Keras tensor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """Backbones of one design.

    Attributes:
        blocks: (depth, options) -> the blocks by number, from the image on; the numbers are those
            that specs freeze.
        depths: the depths it comes in; empty when there is only one, which is then 0.
        options: names of the `BackboneOptions` that it has.
        activations: that it can have; the first one is how it is published.
        last_block: where detectors end it unless they say otherwise; None for its last.
    """

    blocks: Callable[[int, BackboneOptions], Mapping[int, Block]]
    depths: tuple[int, ...] = ()
    options: frozenset[str] = frozenset()
    activations: tuple[str, ...] = ("relu",)
    last_block: int | None = None


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
