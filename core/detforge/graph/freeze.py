"""Freezing backbone blocks and batch-normalisation statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from detforge.backbones.layers import BatchNormalization
from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.model import DetectionModel
    from detforge.recipe import Freeze

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def apply_freeze(model: DetectionModel, freeze: Freeze) -> None:
    """Stop the convolutions of some blocks, or the backbone's statistics, from changing.

    Batch normalisation of a frozen block goes on training unless ``freeze.batch_norm`` is set;
    with it, gamma and beta still train and only the moving statistics stay.

    Args:
        model: changed in place, before it is compiled.
        freeze: block numbers and the batch-normalisation switch.

    Raises:
        SpecError: the backbone has no such block.
    """
    unknown = [block for block in freeze.blocks if block not in model.blocks]
    if unknown:
        known = ", ".join(str(block) for block in sorted(model.blocks))
        raise SpecError(
            Problem(freeze.field, f"the backbone has no block {unknown[0]}; it has {known}")
        )
    for block in freeze.blocks:
        for layer in _layers(model, model.blocks[block]):
            if isinstance(layer, _CONVOLUTIONS):
                layer.trainable = False
    if freeze.batch_norm:
        prefixes = tuple(prefix for block in model.blocks.values() for prefix in block)
        for layer in _layers(model, prefixes):
            if isinstance(layer, BatchNormalization):
                layer.frozen_statistics = True


def _layers(model: DetectionModel, prefixes: tuple[str, ...]) -> Iterator[keras.Layer]:
    for part in model.parts.values():
        yield from (layer for layer in part.layers if layer.name.startswith(prefixes))
