"""Which image comes when: an endless shuffled stream, cut into batches of one shape.

Rows of the same weight and shape form a group. A group comes as one permutation after the other,
so that none of its images is ever ahead of another by more than one. A round mixes as many draws
as there are rows, each group with its share; where all weights and shapes are equal, it is one
permutation of all rows. Walking through the rounds, the images of a shape wait until they fill a
batch.

How much of a group lies before a round is known without walking there, so that any batch can be
asked for. Shape legend: N rows, G groups, S shapes, D draws of a round.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Keep the draws of the permutations apart from those that mix the groups.
_PERMUTATION, _MIXTURE = 0, 1


class Draw(NamedTuple):
    """One image of a batch.

    Attributes:
        row: of the source.
        turn: how often it was drawn before.
        shape: number of its shape.
    """

    row: int
    turn: int
    shape: int


class _Round(NamedTuple):
    """The draws of a round.

    Attributes:
        rows: int64 (D,).
        turns: int64 (D,).
        of_shape: S arrays: the draws of each shape, in order.
        full: shape, and place in the stream of the shape, of the last image of each batch that
            becomes full in this round, in order.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.int64]
    of_shape: list[NDArray[np.int64]]
    full: list[tuple[int, int]]


class Order:
    """The draws of every batch: a function of the seed and the step. Safe in several threads."""

    def __init__(
        self, weights: ArrayLike, *, batch_size: int, seed: int, shapes: ArrayLike | None = None
    ) -> None:
        """Group the rows.

        Args:
            weights: (N,), above 0: how often each row is drawn, relative to the others.
            batch_size: images of a batch.
            seed: decides everything.
            shapes: int (N,), number of the shape of each row, from 0; None where all are equal.
        """
        weights = np.asarray(weights, np.float64)
        shapes = np.zeros(len(weights), int) if shapes is None else np.asarray(shapes)
        keys = np.stack([shapes, weights], axis=1)
        groups, members = np.unique(keys, axis=0, return_inverse=True)
        self._members = [np.flatnonzero(members.ravel() == g) for g in range(len(groups))]
        self._shapes = groups[:, 0].astype(np.int64)
        # Of a round; whole numbers where all weights are equal.
        totals = np.array([len(rows) for rows in self._members]) * groups[:, 1]
        self._shares = totals * len(weights) / totals.sum()
        self._batch_size = batch_size
        self._seed = seed
        self._round = lru_cache(maxsize=4)(self._draw_round)

    def batch(self, step: int) -> list[Draw]:
        """Return the images of a batch, all of one shape."""
        number = self._round_of(step)
        shape, last = self._round(number).full[step - self._steps_before(number)]
        first = last + 1 - self._batch_size
        return [self._draw(shape, place, number) for place in range(first, last + 1)]

    def _draws_before(self, number: int) -> NDArray[np.int64]:
        """Return int64 (G,): draws of each group before a round."""
        return np.floor(self._shares * number).astype(np.int64)

    def _places_before(self, number: int) -> NDArray[np.int64]:
        """Return int64 (S,): draws of each shape before a round."""
        return np.bincount(self._shapes, weights=self._draws_before(number)).astype(np.int64)

    def _steps_before(self, number: int) -> int:
        return int((self._places_before(number) // self._batch_size).sum())

    def _round_of(self, step: int) -> int:
        """Return the round in which a batch becomes full."""
        low, high = 0, 1
        while self._steps_before(high) <= step:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if self._steps_before(middle) <= step:
                low = middle
            else:
                high = middle
        return low

    def _draw(self, shape: int, place: int, number: int) -> Draw:
        """Return the image at a place in the stream of a shape, not after a round."""
        while (first := int(self._places_before(number)[shape])) > place:
            number -= 1
        drawn = self._round(number)
        index = drawn.of_shape[shape][place - first]
        return Draw(int(drawn.rows[index]), int(drawn.turns[index]), shape)

    def _draw_round(self, number: int) -> _Round:
        starts, stops = self._draws_before(number), self._draws_before(number + 1)
        groups = np.repeat(np.arange(len(starts)), stops - starts)
        np.random.default_rng((self._seed, _MIXTURE, number)).shuffle(groups)
        rows, turns = np.empty((2, len(groups)), np.int64)
        for group, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
            rows[groups == group], turns[groups == group] = self._draw_group(group, start, stop)
        of_shape = [np.flatnonzero(self._shapes[groups] == s) for s in range(max(self._shapes) + 1)]
        return _Round(rows, turns, of_shape, self._full_batches(number, of_shape))

    def _draw_group(
        self, group: int, start: int, stop: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows and turns of a group, from one of its draws to another."""
        members = self._members[group]
        turns = np.arange(start, stop) // len(members)
        skipped = start % len(members)
        permutations = [
            np.random.default_rng((self._seed, _PERMUTATION, turn, group)).permutation(members)
            for turn in range(start // len(members), -(-stop // len(members)))
        ]
        rows = np.concatenate([members[:0], *permutations])
        return rows[skipped : skipped + len(turns)], turns

    def _full_batches(
        self, number: int, of_shape: list[NDArray[np.int64]]
    ) -> list[tuple[int, int]]:
        """Return `_Round.full`."""
        found = []
        for shape, first in enumerate(self._places_before(number).tolist()):
            places = first + np.arange(len(of_shape[shape]))
            is_last = (places + 1) % self._batch_size == 0
            when = of_shape[shape][is_last]
            found += [(w, shape, p) for w, p in zip(when, places[is_last].tolist(), strict=True)]
        return [(shape, place) for _, shape, place in sorted(found)]
