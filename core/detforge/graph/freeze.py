"""Freezing backbone blocks and batch-normalisation statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.backbones.layers import BatchNormalization
from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import keras

    from detforge.model import DetectionModel
    from detforge.recipe import Freeze


def apply_freeze(model: DetectionModel, freeze: Freeze) -> None:
    """Stop some blocks, or the backbone's statistics, from changing.

    Nothing in a frozen block changes: batch normalisation keeps gamma and beta, and normalises
    with its stored statistics. With ``freeze.batch_norm`` the whole backbone does the latter,
    while gamma and beta of blocks that are not frozen train.

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
            layer.trainable = False
    if freeze.batch_norm:
        for layer in _layers(model, [name for names in model.blocks.values() for name in names]):
            if isinstance(layer, BatchNormalization):
                layer.frozen_statistics = True


def _layers(model: DetectionModel, names: Collection[str]) -> Iterator[keras.Layer]:
    for part in model.parts.values():
        yield from (layer for layer in part.layers if layer.name in names)
