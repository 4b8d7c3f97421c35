"""How somebody else's files name the layers of a network that we have too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detforge.pretrained.conversion import Pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np

    Layers = Mapping[str, Mapping[str, np.ndarray]]
    """Layer name -> slot -> array."""

    Rename = Callable[[Layers], Mapping[str, str]]
    """Weights of a file -> their layer name -> ours, of those that belong to the network."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGENET = Pixels(
    "rgb", tuple(255 * mean for mean in _MEAN), tuple(1 / (255 * d) for d in _DEVIATION)
)
"""Colours of ImageNet's mean and deviation."""

SYMMETRIC = Pixels("rgb", (127.5,) * 3, (1 / 127.5,) * 3)
"""Colours in -1..1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """One way in which published files name the layers of a family.

    Attributes:
        source: who publishes it, for messages.
        family: of ours, "efficientnet" for all its versions.
        mark: expression; a file with a layer whose whole name it matches is of this layout.
        trunk: expression of names that belong to the network, not to a classifier on top; one
            that `rename` does not know means another network.
        rename: see `Rename`.
        epsilon: of its batch normalisation.
        other_epsilons: of members that have another one, by arch.
        pixels: what it was trained on.
        pixels_inside: the same, from layers by our names, where the weights themselves say.
        options: of `BackboneOptions`, that it needs.
        file_mark: expression that the file's name must hold as well, where layers alone do not
            tell.
        remark: what had to be assumed.
        differences: what of the network we build otherwise, whatever the options.
    """

    source: str
    family: str
    mark: str
    trunk: str
    rename: Rename
    epsilon: float
    pixels: Pixels
    pixels_inside: Callable[[Layers], Pixels] | None = None
    other_epsilons: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    file_mark: str = ""
    remark: str = ""
    differences: tuple[str, ...] = ()

    def fits(self, layers: Iterable[str], file_name: str) -> bool:
        """Return whether a file of these layers is of this layout."""
        if self.file_mark and not re.search(self.file_mark, file_name):
            return False
        return any(re.fullmatch(self.mark, name) for name in layers)


def by_rules(*rules: tuple[str, str | Callable[..., str | None]]) -> Rename:
    """Return a `Rename` that names layer by layer.

    Args:
        rules: expressions of their whole name; what it becomes, as `re.Match.expand` takes it or
            as a function of the groups, None for no layer of ours. The first that matches counts.
    """
    compiled = [(re.compile(pattern), into) for pattern, into in rules]

    def rename(layers: Layers) -> dict[str, str]:
        found = {name: _first(compiled, name) for name in layers}
        return {theirs: ours for theirs, ours in found.items() if ours}

    return rename


def _first(rules: list[tuple[re.Pattern[str], Any]], name: str) -> str | None:
    for pattern, into in rules:
        if match := pattern.fullmatch(name):
            return match.expand(into) if isinstance(into, str) else into(*match.groups())
    return None


def letter(index: int | str, first: int = 0) -> str:
    """Return the letter of a unit of a stage: a, b, c, ..."""
    return chr(ord("a") + int(index) - first)
