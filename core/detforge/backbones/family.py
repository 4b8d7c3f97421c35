"""What a family of backbones is, and one of its members; says so without Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detforge.backbones.options import Activation, BackboneOptions

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
        activations: that it can have.
        defaults: of its options, where they differ from those of `BackboneOptions`.
        last_block: where detectors end it unless they say otherwise; None for its last.
    """

    blocks: Callable[[int, BackboneOptions], Mapping[int, Block]]
    depths: tuple[int, ...] = ()
    options: frozenset[str] = frozenset()
    activations: tuple[Activation, ...] = ("relu",)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    last_block: int | None = None


@dataclass(frozen=True, slots=True)
class Backbone:
    """One member of a family, ready to be built.

    Attributes:
        arch: name of the family.
        depth: one of its depths; 0 where there is only one.
        options: switches, the family's defaults filled in.
        family: the design.
    """

    arch: str
    depth: int
    options: BackboneOptions
    family: Family

    @property
    def blocks(self) -> Mapping[int, Block]:
        """The blocks by number, from the image on."""
        return self.family.blocks(self.depth, self.options)
