"""Greedy non-maximum suppression of thousands of boxes that keeps thousands.

Taking them one by one costs a pass over all boxes for each that is kept. Here a tile of boxes is
decided at once: against all that were kept before, then among themselves.

Shape legend: B images, K boxes (best first), T boxes of a tile, M boxes kept at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from detforge.boxes.iou import iou_matrix

if TYPE_CHECKING:
    Tensor = Any

_TILE = 256


class _Progress(NamedTuple):
    """Where suppression stands.

    Attributes:
        tile: int32 scalar, number of the next tile.
        chosen: float32 (B, M + 1, 4), the boxes kept so far, then zeros; the last row is waste.
        index: int32 (B, M + 1), their numbers, then -1.
        count: int32 (B,), how many they are.
    """

    tile: Tensor
    chosen: Tensor
    index: Tensor
    count: Tensor


def keep_best(boxes_xyxy: Tensor, alive: Tensor, *, iou_threshold: float, most: int) -> Tensor:
    """Return the boxes that no better box covers; `greedy_nms` for many.

    Args:
        boxes_xyxy: float32 (B, K, 4), pixels, best first.
        alive: bool (B, K), False for boxes that take no part.
        iou_threshold: largest overlap of two boxes that are both kept.
        most: M, boxes of an image that are kept at most.

    Returns:
        int32 (B, M): indices of the boxes kept, best first; -1 where there are no more.
    """
    images, count = ops.shape(boxes_xyxy)[0], boxes_xyxy.shape[1]
    missing = -count % _TILE
    boxes = ops.pad(boxes_xyxy, ((0, 0), (0, missing), (0, 0)))
    alive = ops.pad(alive, ((0, 0), (0, missing)), constant_values=False)
    tiles = (count + missing) // _TILE

    def unfinished(*state: Tensor) -> Tensor:
        now = _Progress(*state)
        return (now.tile < tiles) & ops.any(now.count < most)

    def step(*state: Tensor) -> tuple[Tensor, ...]:
        now = _Progress(*state)
        start = now.tile * _TILE
        tile = ops.slice(boxes, (0, start, 0), (images, _TILE, 4))
        waiting = ops.slice(alive, (0, start), (images, _TILE))
        waiting = waiting & ~_is_covered(tile, now, iou_threshold)
        return tuple(_add(now, tile, _decide(tile, waiting, iou_threshold)))

    begin = _Progress(
        tile=ops.zeros((), dtype="int32"),
        chosen=ops.zeros((images, most + 1, 4), dtype="float32"),
        index=ops.full((images, most + 1), -1, dtype="int32"),
        count=ops.zeros((images,), dtype="int32"),
    )
    return _Progress(*ops.while_loop(unfinished, step, tuple(begin))).index[:, :most]


def _is_covered(tile: Tensor, now: _Progress, iou_threshold: float) -> Tensor:
    """Return which boxes of a tile one of those kept before covers, bool (B, T)."""
    images, rows = ops.shape(tile)[0], now.chosen.shape[1]
    size = min(2 * _TILE, rows)
    pieces = (ops.max(now.count) + size - 1) // size

    def unfinished(piece: Tensor, covered: Tensor) -> Tensor:
        return piece < pieces

    def step(piece: Tensor, covered: Tensor) -> tuple[Tensor, Tensor]:
        # The last piece may look at some rows a second time, which changes nothing.
        start = ops.minimum(piece * size, rows - size)
        chosen = ops.slice(now.chosen, (0, start, 0), (images, size, 4))
        overlaps = iou_matrix(chosen, tile) > iou_threshold
        return piece + 1, covered | ops.any(overlaps, axis=1)

    nothing = ops.zeros_like(tile[:, :, 0], dtype="bool")
    return ops.while_loop(unfinished, step, (ops.zeros((), dtype="int32"), nothing))[1]


def _decide(tile: Tensor, waiting: Tensor, iou_threshold: float) -> Tensor:
    """Return which boxes of a tile stay, bool (B, T), as far as the others of it decide."""
    order = ops.arange(_TILE, dtype="int32")
    covers = (iou_matrix(tile, tile) > iou_threshold) & (order[:, None] < order[None, :])

    def unsettled(kept: Tensor, before: Tensor) -> Tensor:
        return ops.any(ops.not_equal(kept, before))

    def step(kept: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        return waiting & ~ops.any(covers & kept[:, :, None], axis=1), kept

    # Each round settles all boxes whose better neighbours are settled; the first has none.
    return ops.while_loop(unsettled, step, (waiting, ops.zeros_like(waiting)))[0]


def _add(now: _Progress, tile: Tensor, kept: Tensor) -> _Progress:
    """Return the progress with the boxes of a tile that stay."""
    images, waste = ops.shape(tile)[0], now.chosen.shape[1] - 1
    place = now.count[:, None] + ops.cumsum(ops.cast(kept, "int32"), axis=1) - 1
    kept = kept & (place < waste)
    place = ops.where(kept, place, waste)
    row = ops.broadcast_to(ops.arange(images, dtype="int32")[:, None], ops.shape(place))
    places = ops.reshape(ops.stack([row, place], axis=-1), (-1, 2))
    number = now.tile * _TILE + ops.arange(_TILE, dtype="int32")[None, :]
    number = ops.where(kept, number, -1)
    rows = ops.where(kept[:, :, None], tile, 0.0)
    return _Progress(
        tile=now.tile + 1,
        chosen=ops.scatter_update(now.chosen, places, ops.reshape(rows, (-1, 4))),
        index=ops.scatter_update(now.index, places, ops.reshape(number, (-1,))),
        count=now.count + ops.sum(ops.cast(kept, "int32"), axis=1),
    )
