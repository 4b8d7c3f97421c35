"""What a family of backbones is; says so without Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
