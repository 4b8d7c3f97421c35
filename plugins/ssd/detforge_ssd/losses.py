"""MultiBox loss: cross-entropy with hard negatives, and smooth L1 on the box deltas.

SSD, section 2.2 (arXiv:1512.02325). Shape legend: B images, A anchors, C classes with the
background first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.losses import cross_entropy, smooth_l1

if TYPE_CHECKING:
    Tensor = Any


def multibox_loss(
    class_logits: Tensor,
    deltas: Tensor,
    class_targets: Tensor,
    delta_targets: Tensor,
    *,
    neg_pos_ratio: float,
    alpha: float,
    min_negatives: int = 0,
) -> dict[str, Tensor]:
    """Return the losses of one batch; their sum is what SSD minimises.

    Sums over positive and hard negative anchors, over the number of positives in the batch
    (at least 1). Hard negatives are chosen from the whole batch, where the paper chooses
    within each image: an image without objects may still teach.

    Args:
        class_logits: (B, A, C), before the softmax.
        deltas: (B, A, 4), predicted.
        class_targets: int32 (B, A), 0 background, -1 neutral.
        delta_targets: float32 (B, A, 4).
        neg_pos_ratio: hard negatives per positive.
        alpha: weight of the localisation loss.
        min_negatives: hard negatives at least, also in a batch without positives.

    Returns:
        "classification" and "localisation", float32 scalars.
    """
    losses = multibox_loss_per_image(
        class_logits,
        deltas,
        class_targets,
        delta_targets,
        neg_pos_ratio=neg_pos_ratio,
        alpha=alpha,
        min_negatives=min_negatives,
    )
    return {name: ops.mean(loss) for name, loss in losses.items()}


def multibox_loss_per_image(
    class_logits: Tensor,
    deltas: Tensor,
    class_targets: Tensor,
    delta_targets: Tensor,
    *,
    neg_pos_ratio: float,
    alpha: float,
    min_negatives: int = 0,
) -> dict[str, Tensor]:
    """Return what each image adds to `multibox_loss`, times B: float32 (B,) each.

    Arguments as there.
    """
    positive = ops.cast(class_targets > 0, "float32")
    positives = ops.sum(positive)
    class_loss = cross_entropy(class_logits, class_targets)
    negative_loss = ops.where(ops.equal(class_targets, 0), class_loss, 0.0)
    count = ops.maximum(ops.cast(neg_pos_ratio * positives, "int32"), min_negatives)
    counted = positive + hard_negatives(negative_loss, count)
    # Each positive weighs the same in whichever image it is, so images are not normalised.
    weight = ops.cast(ops.shape(deltas)[0], "float32") / ops.maximum(positives, 1.0)
    return {
        "classification": weight * ops.sum(class_loss * counted, axis=1),
        "localisation": weight * alpha * ops.sum(smooth_l1(deltas, delta_targets) * positive, 1),
    }


def hard_negatives(negative_loss: Tensor, count: Tensor) -> Tensor:
    """Return which anchors are the negatives with the largest loss in the batch.

    Args:
        negative_loss: float32 (B, A), 0 for anchors that are not background.
        count: int32 scalar, how many are wanted. Fewer come back when fewer have a loss
            above 0. Equal losses: first the earlier image, then the lower anchor.

    Returns:
        float32 (B, A), 1 or 0. Carries no gradient.
    """
    flat = ops.reshape(ops.stop_gradient(negative_loss), (-1,))
    ordered = ops.flip(ops.sort(flat))
    length = ops.shape(ordered)[0]
    least = ops.take(ordered, ops.clip(count - 1, 0, length - 1))
    above = flat > least
    # Of the anchors that share the smallest loss still chosen, only as many as are wanted.
    tied = ops.equal(flat, least) & (flat > 0)
    wanted = count - ops.sum(ops.cast(above, "int32"))
    first_tied = tied & (ops.cumsum(ops.cast(tied, "int32")) <= wanted)
    chosen = ops.cast((above | first_tied) & (count > 0), "float32")
    return ops.reshape(chosen, ops.shape(negative_loss))
