"""Backbones: image in, feature maps out; one file a family, one registry.

A backbone is added block by block to the caller's functional graph, so that a part stays flat.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from detforge.backbones.family import Backbone, Block, Family
from detforge.backbones.options import BackboneOptions
from detforge.errors import PluginError, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Backbone", "BackboneOptions", "Block", "Family", "find_backbone", "register_backbones"]

# name in a spec -> module with its family, which builds on Keras and is loaded late.
_MODULES = {
    "resnet": "resnet",
    "vgg": "vgg",
    "darknet": "darknet",
    "googlenet": "googlenet",
    "mobilenet_v1": "mobilenet_v1",
    "mobilenet_v2": "mobilenet_v2",
    "squeezenet": "squeezenet",
    **{f"efficientnet_b{version}": "efficientnet" for version in range(8)},
}
# What plugins of the present detector bring.
_REGISTRY: dict[str, Family] = {}


def register_backbones(answers: Iterable[Mapping[str, Family]]) -> None:
    """Add the families of all answers to the hook `backbones`, in place of any added before.

    Raises:
        PluginError: a name is taken by another family.
    """
    brought: dict[str, Family] = {}
    for name, family in (pair for answer in answers for pair in answer.items()):
        if name in _MODULES or name in brought:
            raise PluginError(f"a plugin brings a backbone {name!r}, but there is one already")
        brought[name] = family
    _REGISTRY.clear()
    _REGISTRY.update(brought)


def find_backbone(arch: str, depth: int, *, field: str, **options: Any) -> Backbone:
    """Return a backbone of the family called ``arch``.

    Args:
        arch: name of the family.
        depth: number of layers; 0 for a family that comes in one depth only.
        field: path of the spec message that asks, ``"ssd_config"``, for messages.
        options: of `BackboneOptions`, where they shall differ from the family's defaults.

    Raises:
        SpecError: no such family or depth, or an option that the family does not have.
    """
    names = sorted({*_MODULES, *_REGISTRY})
    if arch not in names:
        known = ", ".join(names)
        raise SpecError(Problem(f"{field}.arch", f"no backbone {arch!r}; there is {known}"))
    family = _family(arch)
    if depth not in (family.depths or (0,)):
        depths = " or ".join(str(d) for d in family.depths)
        advice = f"use {depths}" if depths else "it comes in one"
        raise SpecError(Problem(f"{field}.nlayers", f"{arch} has no depth {depth}; {advice}"))
    chosen = BackboneOptions(**{**family.defaults, **options})
    if unknown := [name for name in options if name not in family.options]:
        known = ", ".join(sorted(family.options)) or "none"
        message = f"{arch} has no option {unknown[0]}; it has {known}"
        raise SpecError(Problem(f"{field}.arch", message))
    if chosen.activation not in family.activations:
        known = " or ".join(family.activations)
        message = f"{arch} has no activation {chosen.activation!r}; use {known}"
        raise SpecError(Problem(f"{field}.arch", message))
    return Backbone(arch, depth, chosen, family)


def _family(name: str) -> Family:
    if name in _REGISTRY:
        return _REGISTRY[name]
    module = importlib.import_module(f"detforge.backbones.{_MODULES[name]}")
    return module.FAMILIES[name]
