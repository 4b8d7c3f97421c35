"""Losses of box predictions, one number an anchor or region.

Shape legend: B images, A anchors or regions, C classes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import ops

if TYPE_CHECKING:
    Tensor = Any

# Cross-entropy of a probability of 1e-15: more than that, one anchor cannot cost.
_MAX_CROSS_ENTROPY = 15 * math.log(10)


def cross_entropy(class_logits: Tensor, class_targets: Tensor) -> Tensor:
    """Return the softmax cross-entropy of each anchor, capped; 0 if neutral.

    Args:
        class_logits: (B, A, C), before the softmax.
        class_targets: int32 (B, A), negative if neutral.

    Returns:
        float32 (B, A).
    """
    # float32 even under mixed precision: float16 sums of thousands of anchors lose the tail.
    logits = ops.cast(class_logits, "float32")
    target = ops.maximum(ops.cast(class_targets, "int32"), 0)
    loss = ops.sparse_categorical_crossentropy(target, logits, from_logits=True)
    # The cap acts on the value alone: an anchor that is far off must still learn.
    loss = loss + ops.stop_gradient(ops.minimum(loss, _MAX_CROSS_ENTROPY) - loss)
    return ops.where(ops.cast(class_targets, "int32") >= 0, loss, 0.0)


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the sigmoid cross-entropy of each anchor; 0 if neutral.

    Args:
        logits: (B, A), before the sigmoid.
        targets: int32 (B, A), 1, 0, or negative if neutral.

    Returns:
        float32 (B, A).
    """
    logits = ops.cast(logits, "float32")
    positive = ops.cast(targets > 0, "float32")
    loss = ops.relu(logits) - logits * positive + ops.softplus(-ops.abs(logits))
    return ops.where(targets >= 0, loss, 0.0)


def smooth_l1(deltas: Tensor, delta_targets: Tensor, *, sigma: float = 1.0) -> Tensor:
    """Return smooth L1 summed over the four deltas.

    Fast R-CNN, equation 3 (arXiv:1504.08083).

    Args:
        deltas: (B, A, 4), predicted.
        delta_targets: (B, A, 4).
        sigma: quadratic up to an error of 1 / sigma ** 2, and there linear.

    Returns:
        float32 (B, A).
    """
    error = ops.abs(ops.cast(deltas, "float32") - ops.cast(delta_targets, "float32"))
    limit = 1 / sigma**2
    loss = ops.where(error < limit, 0.5 * error * error / limit, error - 0.5 * limit)
    return ops.sum(loss, axis=-1)
