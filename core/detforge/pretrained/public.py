"""Published ImageNet weights, told by their layers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detforge.errors import CheckpointError
from detforge.pretrained import keras_names, own_names, timm_names, torch_names
from detforge.weights import few

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.pretrained.layouts import Layers, Layout
    from detforge.pretrained.reading import WeightFile

_IN_TORCH = (*torch_names.LAYOUTS, *timm_names.LAYOUTS)
_IMAGE_SLOTS = {"mean", "variance", "count"}  # of Keras' layer that normalises images


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PublicModel:
    """A published network in a file.

    Attributes:
        arch: of our family.
        depth: of it; 0 where there is only one.
        layout: how the file names layers, and what the network was trained on.
        layers: our layer name -> slot -> array, with the values of the file.
        left_out: layers of the file that we have no use for: classifiers.
    """

    arch: str
    depth: int
    layout: Layout
    layers: Layers
    left_out: tuple[str, ...]

    @property
    def epsilon(self) -> float:
        """Of its batch normalisation."""
        return self.layout.other_epsilons.get(self.arch, self.layout.epsilon)

    def __str__(self) -> str:
        """Return a name for messages."""
        return f"{backbone_name(self.arch, self.depth)} of {self.layout.source}"


def backbone_name(arch: str, depth: int) -> str:
    """Return "resnet 50", or the arch alone where it comes in one depth."""
    return f"{arch} {depth}" if depth else arch


def recognise(file: WeightFile) -> PublicModel | None:
    """Return the published network that a file holds, None when its names are not of one.

    Raises:
        CheckpointError: its layers are named like a network of a family of ours, but it is none
            that we have: another depth, another width, other layers.
    """
    if file.kind == "checkpoint":
        return None
    for layouts, layers in (
        (keras_names.LAYOUTS, file.layers),
        (_IN_TORCH, torch_names.layers_of(file.arrays)),
    ):
        for layout in layouts:
            if layout.fits(layers, str(file.path)):
                return _model(layout, layers, str(file.path))
    return None


def _model(layout: Layout, layers: Layers, file: str) -> PublicModel:
    ours = layout.rename(layers)
    rest = tuple(name for name, slots in layers.items() if slots and name not in ours)
    look = f"{file} names its layers like {layout.family} of {layout.source}"
    if strange := [name for name in rest if re.fullmatch(layout.trunk, name)]:
        raise CheckpointError(
            f"{look}, but holds {few(strange)}, which no {layout.family} here has; use weights of "
            "the plain network"
        )
    if unfit := [name for name in ours if not _is_layer(layers[name])]:
        raise CheckpointError(
            f"{look}, but {few(unfit)} is neither a convolution nor a normalisation in it; get the "
            "file again from where it came from"
        )
    found = {ours[name]: _own_layout(ours[name], layers[name]) for name in ours if layers[name]}
    member = own_names.member(layout.family, found)
    if member is None:
        raise CheckpointError(
            f"{look}, but is of a depth or width that there is not here; use weights of one of the "
            "depths that the spec can name, at their published width"
        )
    return PublicModel(
        arch=member[0],
        depth=member[1],
        layout=layout,
        layers=found,
        left_out=rest,
    )


def _is_layer(slots: Mapping[str, np.ndarray]) -> bool:
    """Return whether arrays have the axes of a convolution or of a normalisation, or are none."""
    axes = {slot: array.ndim for slot, array in slots.items()}
    kernel = axes.pop("kernel", 4)
    return kernel == 4 and all(n == 1 or slot in _IMAGE_SLOTS for slot, n in axes.items())


def _own_layout(name: str, slots: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return a layer with the axes of a depthwise kernel in Keras' order."""
    kernel = slots.get("kernel")
    if kernel is None or not own_names.is_depthwise(name) or kernel.shape[2] != 1:
        return slots
    return {**slots, "kernel": np.swapaxes(kernel, 2, 3)}
