"""Which ground-truth box each anchor learns.

Shape legend: B images, A anchors, N boxes (padded), K candidate anchors of a box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from detforge.boxes.iou import iou_matrix

if TYPE_CHECKING:
    Tensor = Any

BACKGROUND = -1
NEUTRAL = -2


def match_anchors(
    anchors_xyxy: Tensor,
    boxes_xyxy: Tensor,
    valid: Tensor,
    *,
    positive_iou: float,
    negative_iou: float,
    ignore: Tensor | None = None,
) -> Tensor:
    """Return the box of every anchor: greedy one-to-one first, then by threshold.

    SSD, section 2.2 (arXiv:1512.02325). First the pair of box and anchor with the largest
    overlap of all is matched and both leave the pool, until every valid box that overlaps a
    free anchor has one; equal overlaps go to the lower box, then to the lower anchor. Each
    remaining anchor then takes its best box from `positive_iou` on, is neutral from
    `negative_iou` on, and background below.

    Args:
        anchors_xyxy: (A, 4), pixels.
        boxes_xyxy: (B, N, 4), pixels.
        valid: bool (B, N), False for padding. A box without area counts as padding.
        positive_iou: least overlap of an anchor that was not first choice.
        negative_iou: least overlap at which an anchor is no longer background.
        ignore: bool (B, N) or None. Such a box gets no anchor, valid or not; what would be
            background is neutral where it overlaps one by `negative_iou`.

    Returns:
        int32 (B, A): index of the box, `BACKGROUND` or `NEUTRAL`. Carries no gradient.
    """
    anchors, boxes = ops.stop_gradient(anchors_xyxy), ops.stop_gradient(boxes_xyxy)
    valid = ops.cast(valid, "bool")
    if boxes.shape[1] == 0:
        return ops.full((ops.shape(boxes)[0], anchors.shape[0]), BACKGROUND, dtype="int32")
    if ignore is None:
        overlap = iou_matrix(_blank(boxes, valid), anchors)
        nearest_overlap = best_overlap = ops.max(overlap, axis=1)
    else:
        ignore = ops.cast(ignore, "bool")
        nearest = iou_matrix(_blank(boxes, valid | ignore), anchors)
        nearest_overlap = ops.max(nearest, axis=1)
        overlap = ops.where((valid & ~ignore)[:, :, None], nearest, 0.0)
        best_overlap = ops.max(overlap, axis=1)
    positive = (best_overlap >= positive_iou) & (best_overlap > 0)
    others = ops.where(nearest_overlap >= negative_iou, NEUTRAL, BACKGROUND)
    matched = ops.where(positive, ops.argmax(overlap, axis=1), others)
    return _overwrite(ops.cast(matched, "int32"), match_greedily(overlap))


def match_greedily(overlap: Tensor) -> Tensor:
    """Return one anchor for each box, largest overlap of all pairs first.

    Equal overlaps go to the lower box, then to the lower anchor.

    Args:
        overlap: float32 (B, N, A); 0 where a pair must not be matched.

    Returns:
        int32 (B, N): index of the anchor; -1 for a box that overlaps no anchor left free.
    """
    # The pair that greedy matching takes next is best in its row and best in its column, and
    # taking all such pairs at once takes the same ones: a few rounds instead of N passes.
    # At most N - 1 anchors are lost to other boxes, so the N best of each box are enough.
    overlaps, anchors = ops.top_k(overlap, min(overlap.shape[1], overlap.shape[2]))
    anchors = ops.cast(anchors, "int32")
    start = _Progress(
        chosen=ops.full_like(anchors[:, :, 0], -1),
        choice=ops.zeros_like(anchors[:, :, 0]),
        pending=overlaps[:, :, 0] > 0,
    )
    return ops.while_loop(
        lambda *state: ops.any(_Progress(*state).pending),
        lambda *state: tuple(_match_round(overlap, overlaps, anchors, _Progress(*state))),
        tuple(start),
    )[0]


class _Progress(NamedTuple):
    """Where greedy matching stands, for each box (B, N).

    Attributes:
        chosen: int32, the anchor it has, or -1.
        choice: int32, which of its candidates it wants now.
        pending: bool, neither matched nor out of candidates.
    """

    chosen: Tensor
    choice: Tensor
    pending: Tensor


def _match_round(overlap: Tensor, overlaps: Tensor, anchors: Tensor, state: _Progress) -> _Progress:
    """Match the pairs that are best in row and column; pass over the anchors that are gone.

    Args:
        overlap: (B, N, A), all pairs.
        overlaps: (B, N, K), of each box with its candidates, best first.
        anchors: int32 (B, N, K), the candidates.
        state: before the round.
    """
    chosen, choice, pending = state
    wanted = _pick(anchors, choice)
    is_gone = ops.any(wanted[:, :, None] == chosen[:, None, :], axis=2)
    rivals = ops.take_along_axis(overlap, wanted[:, None, :], axis=2)
    rivals = ops.where(pending[:, :, None], rivals, -1.0)
    boxes = ops.arange(overlap.shape[1], dtype="int32")
    is_best = ops.cast(ops.argmax(rivals, axis=1), "int32") == boxes
    wins = pending & is_best & ~is_gone
    choice = choice + ops.cast(pending & is_gone, "int32")
    last = anchors.shape[2] - 1
    has_choice = (choice <= last) & (_pick(overlaps, ops.minimum(choice, last)) > 0)
    return _Progress(
        chosen=ops.where(wins, wanted, chosen),
        choice=ops.minimum(choice, last),
        pending=pending & has_choice & ~wins,
    )


def _pick(candidates: Tensor, choice: Tensor) -> Tensor:
    """Return from (B, N, K) the one that (B, N) names."""
    return ops.take_along_axis(candidates, choice[:, :, None], axis=2)[:, :, 0]


def _blank(boxes: Tensor, kept: Tensor) -> Tensor:
    """Return the boxes with zeros, which overlap nothing, where they are not kept."""
    return ops.where(kept[:, :, None], boxes, ops.zeros_like(boxes))


def _overwrite(matched: Tensor, anchor_of_box: Tensor) -> Tensor:
    """Return (B, A) box indices with box n at the anchor of each (B, N), where it has one."""
    images, boxes = ops.shape(anchor_of_box)[0], anchor_of_box.shape[1]
    # Boxes without an anchor write into one column more, which is cut off again.
    spare = matched.shape[1]
    column = ops.where(anchor_of_box < 0, spare, anchor_of_box)
    row = ops.broadcast_to(ops.arange(images, dtype="int32")[:, None], ops.shape(column))
    box = ops.broadcast_to(ops.arange(boxes, dtype="int32")[None, :], ops.shape(column))
    places = ops.stack([ops.reshape(row, (-1,)), ops.reshape(column, (-1,))], axis=1)
    wider = ops.pad(matched, ((0, 0), (0, 1)))
    return ops.scatter_update(wider, places, ops.reshape(box, (-1,)))[:, :spare]
