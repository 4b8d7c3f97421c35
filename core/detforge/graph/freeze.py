"""Freezing backbone blocks and batch-normalisation statistics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from detforge.backbones.layers import BatchNormalization
from detforge.errors import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import keras

    from detforge.model import DetectionModel
    from detforge.recipe import Freeze

log = logging.getLogger(__name__)


def apply_freeze(model: DetectionModel, freeze: Freeze) -> None:
    """Stop some blocks, or the backbone's statistics, from changing, and say so in the log.

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
    if freeze.blocks:
        _freeze_blocks(model, sorted(set(freeze.blocks)))
    if freeze.batch_norm:
        _freeze_statistics(model)


def _freeze_blocks(model: DetectionModel, blocks: list[int]) -> None:
    layers = [layer for layer in _layers(model, blocks) if layer.weights]
    for layer in layers:
        layer.trainable = False
    word = "block" if len(blocks) == 1 else "blocks"
    numbers = ", ".join(map(str, blocks))
    log.info("frozen: %s %s of the backbone (%d layers)", word, numbers, len(layers))


def _freeze_statistics(model: DetectionModel) -> None:
    layers = [
        layer for layer in _layers(model, model.blocks) if isinstance(layer, BatchNormalization)
    ]
    for layer in layers:
        layer.frozen_statistics = True
    if layers:
        message = "frozen: batch statistics of the backbone (%d layers); gamma and beta train"
        log.info(message, len(layers))
    else:
        log.warning("the backbone has no batch normalisation whose statistics could be frozen")


def _layers(model: DetectionModel, blocks: Iterable[int]) -> Iterator[keras.Layer]:
    names = {name for block in blocks for name in model.blocks[block]}
    for part in model.parts.values():
        yield from (layer for layer in part.layers if layer.name in names)
