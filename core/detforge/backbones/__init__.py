"""Backbones: image in, feature maps out; one file a family, one registry.

A backbone is built into the caller's functional graph, so that a part stays flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from detforge.errors import PluginError, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Builder(Protocol):
    """Adds a backbone to a functional graph."""

    def __call__(self, images: Any, depth: int) -> Mapping[str, Any]:
        """Return the named feature maps of ``images``, a Keras tensor (B, H, W, C).

        Every layer's name begins with the name of its block.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Backbone:
    """One family.

    Attributes:
        build: adds it to a graph.
        depths: the depths it comes in; empty when there is only one.
        blocks: block number -> prefixes of the names of its layers, for freezing.
    """

    build: Builder
    depths: tuple[int, ...]
    blocks: Mapping[int, tuple[str, ...]]


_REGISTRY: dict[str, Backbone] = {}


def register_backbones(found: Mapping[str, Backbone]) -> None:
    """Add the families that a plugin's `backbones` hook brings.

    Raises:
        PluginError: a name is taken by another family.
    """
    for name, backbone in found.items():
        if _families().get(name, backbone) != backbone:
            raise PluginError(f"a plugin brings a backbone {name!r}, but there is one already")
        _REGISTRY[name] = backbone


def find_backbone(arch: str, depth: int, *, field: str) -> Backbone:
    """Return the family called ``arch``, after checking that it comes in ``depth``.

    Args:
        arch: name of the family.
        depth: number of layers; 0 for a family that comes in one depth only.
        field: path of the spec message that asks, ``"ssd_config"``, for messages.

    Raises:
        SpecError: no such family or depth.
    """
    families = _families()
    backbone = families.get(arch)
    if backbone is None:
        known = ", ".join(sorted(families))
        raise SpecError(Problem(f"{field}.arch", f"no backbone {arch!r}; there is {known}"))
    if depth not in (backbone.depths or (0,)):
        allowed = " or ".join(str(d) for d in backbone.depths) or "leave it out"
        raise SpecError(Problem(f"{field}.nlayers", f"{arch} has no depth {depth}; use {allowed}"))
    return backbone


def _families() -> dict[str, Backbone]:
    from detforge.backbones.resnet import RESNET

    return {"resnet": RESNET, **_REGISTRY}
