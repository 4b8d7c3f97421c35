from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from keras import ops

from detforge.boxes.sampling import choose_randomly, random_order

SEEDS = st.integers(-(2**31), 2**31 - 1)


def choose(among, count, seed, **options):
    among = np.atleast_2d(among)
    seeds = np.broadcast_to(np.asarray(seed, np.int64).astype(np.int32), len(among))
    options = {"most": among.shape[1]} | options
    return ops.convert_to_numpy(choose_randomly(among, count, seeds, **options))


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(bool, st.tuples(st.just(2), st.just(40))), st.integers(0, 50), SEEDS)
def test_as_many_are_chosen_as_are_wanted_and_take_part(among, count, seed):
    chosen = choose(among, count, seed)
    assert not (chosen & ~among).any()
    assert chosen.sum(axis=1).tolist() == np.minimum(among.sum(axis=1), count).tolist()


@settings(deadline=None, max_examples=30)
@given(hnp.arrays(bool, (2, 30)), SEEDS)
def test_a_random_order_has_each_element_once_and_those_that_take_part_first(among, seed):
    seeds = np.full(2, seed, np.int64).astype(np.int32)
    order = ops.convert_to_numpy(random_order(among, seeds, most=30))
    for image in range(2):
        assert sorted(order[image]) == list(range(30))
        first = order[image, : among[image].sum()]
        assert among[image, first].all()


def test_each_image_has_a_count_of_its_own():
    chosen = choose(np.ones((3, 20), bool), np.array([0, 5, 30]), 7)
    assert chosen.sum(axis=1).tolist() == [0, 5, 20]


def test_the_same_seed_chooses_the_same_and_another_one_other_elements():
    among = np.ones((1, 1000), bool)
    assert (choose(among, 100, 3) == choose(among, 100, 3)).all()
    # 100 of 1000 drawn twice have about 10 in common.
    assert (choose(among, 100, 3) & choose(among, 100, 4)).sum() < 30
    assert (choose(among, 100, 3) & choose(among, 100, 3, stream=1)).sum() < 30


def test_images_of_one_batch_with_other_seeds_choose_apart():
    seeds = np.array([1, 2], np.int32)
    chosen = ops.convert_to_numpy(choose_randomly(np.ones((2, 1000), bool), 100, seeds, most=100))
    assert (chosen[0] & chosen[1]).sum() < 30


@pytest.mark.parametrize("step", [1, 2, 1024], ids=["counted", "even", "far-apart"])
def test_every_element_is_chosen_about_equally_often(step):
    seeds = (np.arange(4000) * step).astype(np.int32)
    chosen = choose_randomly(np.ones((4000, 64), bool), 16, seeds, most=16)
    counts = ops.convert_to_numpy(chosen).sum(axis=0)
    # 1000 expected of each, with a deviation of 27: five of them, for 64 elements.
    assert np.abs(counts - 1000).max() < 137


def test_neighbours_are_chosen_together_as_often_as_others():
    seeds = np.arange(4000, dtype=np.int32)
    chosen = choose_randomly(np.ones((4000, 64), bool), 16, seeds, most=16)
    chosen = ops.convert_to_numpy(chosen).astype(float)
    together = chosen.T @ chosen
    np.fill_diagonal(together, 238)
    # 4000 * 16 / 64 * 15 / 63 = 238 expected of each pair, with a deviation of 15.
    assert np.abs(together - 238).max() < 100
