from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.data.order import Order

seeds = st.integers(0, 2**32)


def _rows(order, steps):
    return np.array([[draw.row for draw in order.batch(step)] for step in steps])


@given(st.integers(1, 20), st.integers(1, 9), seeds)
def test_without_weights_every_round_is_a_permutation(images, size, seed):
    order = Order(np.ones(images), batch_size=size, seed=seed)
    steps = -(-3 * images // size)
    rows = _rows(order, range(steps)).ravel()
    for number in range(3):
        assert sorted(rows[number * images : (number + 1) * images]) == list(range(images))


@given(
    st.lists(st.sampled_from([0.25, 1.0, 1.7, 6.0]), min_size=1, max_size=12),
    st.integers(1, 5),
    seeds,
    st.data(),
)
def test_any_batch_can_be_asked_for(weights, size, seed, data):
    shapes = data.draw(st.lists(st.integers(0, 2), min_size=len(weights), max_size=len(weights)))
    shapes = np.unique(shapes, return_inverse=True)[1]
    order = Order(weights, batch_size=size, seed=seed, shapes=shapes)
    walked = [order.batch(step) for step in range(30)]
    for step in data.draw(st.permutations(range(30)))[:6]:
        fresh = Order(weights, batch_size=size, seed=seed, shapes=shapes)
        assert fresh.batch(step) == walked[step]


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=15),
    st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=15, max_size=15),
    st.integers(1, 5),
    seeds,
)
def test_images_of_a_batch_share_a_shape_and_none_is_lost(shapes, weights, size, seed):
    shapes = np.unique(shapes, return_inverse=True)[1]
    order = Order(weights[: len(shapes)], batch_size=size, seed=seed, shapes=shapes)
    seen = set()
    for step in range(80):
        batch = order.batch(step)
        assert len(batch) == size
        assert {draw.shape for draw in batch} == {shapes[draw.row] for draw in batch}
        assert len({draw.shape for draw in batch}) == 1
        for draw in batch:
            assert (draw.row, draw.turn) not in seen
            assert draw.turn == 0 or (draw.row, draw.turn - 1) in seen
            seen.add((draw.row, draw.turn))


@settings(max_examples=20)
@given(seeds)
def test_images_come_as_often_as_their_weights_say(seed):
    weights = np.repeat([1.0, 3.0, 0.5], [10, 4, 20])
    rows = _rows(Order(weights, batch_size=4, seed=seed), range(400)).ravel()
    counts = np.bincount(rows, minlength=34)
    expected = 1600 * weights / weights.sum()
    assert np.abs(counts - expected).max() <= 2


def test_images_of_one_weight_never_drift_apart():
    weights = np.repeat([1.0, 2.5], [7, 3])
    order = Order(weights, batch_size=3, seed=5)
    counts = np.zeros(10, int)
    for step in range(200):
        np.add.at(counts, [draw.row for draw in order.batch(step)], 1)
        for group in (counts[:7], counts[7:]):
            # An image more within a permutation, and one between waiting and leaving.
            assert np.ptp(group) <= 2


def test_rare_shape_waits_until_a_batch_is_full():
    shapes = [0] * 19 + [1]
    order = Order(np.ones(20), batch_size=4, seed=2, shapes=shapes)
    steps = [step for step in range(60) if order.batch(step)[0].shape == 1]
    assert len(steps) == 3
    assert [draw.turn for draw in order.batch(steps[1])] == [4, 5, 6, 7]


def test_another_seed_gives_another_order():
    one, other = (Order(np.ones(50), batch_size=10, seed=seed) for seed in (1, 2))
    assert (_rows(one, range(5)) != _rows(other, range(5))).any()


def test_rounds_differ():
    rows = _rows(Order(np.ones(50), batch_size=50, seed=1), range(4))
    assert len({tuple(row) for row in rows.tolist()}) == 4


@pytest.mark.parametrize("workers", [1, 6])
def test_threads_do_not_disturb_each_other(workers):
    order = Order(np.repeat([1.0, 2.0], 30), batch_size=7, seed=3, shapes=[0, 1] * 30)
    steps = list(itertools.islice(itertools.cycle([90, 3, 41, 0, 77]), 60))
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(order.batch, steps))
    alone = Order(np.repeat([1.0, 2.0], 30), batch_size=7, seed=3, shapes=[0, 1] * 30)
    assert found == [alone.batch(step) for step in steps]


def test_late_step_is_reached_without_walking_there():
    batch = Order([1.0, 2.0, 0.1], batch_size=2, seed=0).batch(10**12)
    assert len(batch) == 2
