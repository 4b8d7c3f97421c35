"""The four losses of Faster R-CNN.

Faster R-CNN, equation 1 (arXiv:1506.01497), and Fast R-CNN, section 2.3 (arXiv:1504.08083). Each is
a sum over the sample of an image, divided by the size that the sample should have; images count
alike. Shape legend: B images, A anchors, R regions, C classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from detforge.boxes.losses import binary_cross_entropy, cross_entropy, smooth_l1
from detforge_faster_rcnn.rpn_targets import POSITIVE

if TYPE_CHECKING:
    from detforge_faster_rcnn.roi_targets import RegionTargets
    from detforge_faster_rcnn.rpn_targets import AnchorTargets

    Tensor = Any

# The box loss of anchors turns from square to line at an error of 1 / 9.
_RPN_SIGMA = 3.0


def rpn_losses(
    logits: Tensor,
    deltas: Tensor,
    targets: AnchorTargets,
    *,
    mini_batch: int,
    class_weight: float = 1.0,
    box_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Return the losses of the proposal network.

    Args:
        logits: (B, A), before the sigmoid.
        deltas: (B, A, 4), predicted.
        targets: of a sample of the anchors.
        mini_batch: anchors of an image that the sample should have.
        class_weight: factor of the first loss.
        box_weight: factor of the second.

    Returns:
        "rpn_class" and "rpn_box", float32 scalars.
    """
    positive = ops.equal(targets.labels, POSITIVE)
    class_loss = binary_cross_entropy(logits, targets.labels)
    box_loss = smooth_l1(deltas, targets.deltas, sigma=_RPN_SIGMA)
    box_loss = ops.where(positive, box_loss, 0.0)
    return {
        "rpn_class": class_weight * _mean(class_loss, mini_batch),
        "rpn_box": box_weight * _mean(box_loss, mini_batch),
    }


def roi_losses(
    logits: Tensor,
    deltas: Tensor,
    targets: RegionTargets,
    *,
    mini_batch: int,
    class_weight: float = 1.0,
    box_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Return the losses of the classifier of regions.

    Args:
        logits: (B, R, C + 1), before the softmax, the background last.
        deltas: (B, R, C, 4), predicted, for each class.
        targets: of a sample of the regions.
        mini_batch: regions of an image that the sample should have.
        class_weight: factor of the first loss.
        box_weight: factor of the second.

    Returns:
        "roi_class" and "roi_box", float32 scalars.
    """
    n_classes = deltas.shape[2]
    has_object = (targets.classes >= 0) & (targets.classes < n_classes)
    label = ops.where(has_object, targets.classes, 0)
    own = ops.take_along_axis(deltas, label[:, :, None, None], axis=2)[:, :, 0]
    box_loss = ops.where(has_object, smooth_l1(own, targets.deltas), 0.0)
    class_loss = cross_entropy(logits, targets.classes)
    return {
        "roi_class": class_weight * _mean(class_loss, mini_batch),
        "roi_box": box_weight * _mean(box_loss, mini_batch),
    }


def _mean(loss: Tensor, mini_batch: int) -> Tensor:
    """Return the mean over the images of (B, A) sums, over the size of their samples."""
    return ops.mean(ops.sum(loss, axis=1)) / mini_batch
