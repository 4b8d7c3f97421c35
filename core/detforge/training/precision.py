"""Computing in half precision while weights, losses and targets stay in single precision."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import keras

from detforge.training.devices import has_accelerator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.model import DetectionModel
    from detforge.recipe import Recipe

log = logging.getLogger("detforge")

SINGLE, HALF, BRAIN = "float32", "mixed_float16", "mixed_bfloat16"


def precision_of(recipe: Recipe) -> str:
    """Return the name of Keras' dtype policy that a run computes with.

    float16 on a GPU, as the users' older models were trained. On a CPU bfloat16, which processors
    have instructions for: it has the range of float32, so that its losses need no scaling.
    """
    if not recipe.mixed_precision:
        return SINGLE
    if has_accelerator():
        log.info("mixed precision: float16, with a loss scale that adapts")
        return HALF
    log.warning(
        "mixed precision: there is no GPU, so bfloat16 on the CPU; without instructions for it "
        "(AMX, AVX512-BF16) that is slower than single precision"
    )
    return BRAIN


@contextlib.contextmanager
def computing_in(policy: str) -> Iterator[None]:
    """Let layers that are built meanwhile compute as a dtype policy says.

    A layer that was given a dtype of its own keeps it. Weights are float32 under any policy.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def return_single_precision(model: DetectionModel) -> None:
    """Let the parts of a model return float32, whatever they compute in.

    Losses and decoding begin behind the parts, so this keeps them in single precision for every
    detector.

    Args:
        model: its `parts` are replaced by others with the same layers and weights.
    """
    parts = {}
    for name, part in model.parts.items():
        cast = keras.layers.Identity(dtype=SINGLE, name="in_single_precision")
        outputs = keras.tree.map_structure(cast, part.output)
        parts[name] = keras.Model(part.input, outputs, name=part.name)
    model.parts = parts


def with_loss_scale(
    optimizer: keras.optimizers.Optimizer, policy: str
) -> keras.optimizers.Optimizer:
    """Return an optimiser that scales the loss where float16 needs it.

    By 2^15 at first, halved and the step left out when a gradient overflows, doubled after 2000
    steps without. The scale is part of the optimiser's variables.
    """
    return keras.optimizers.LossScaleOptimizer(optimizer) if policy == HALF else optimizer
