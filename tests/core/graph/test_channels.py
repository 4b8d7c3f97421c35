from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from detforge.graph.channels import ChannelGraph, find_pieces

WIDTH = 5
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15)


@given(PAIRS)
def test_ties_are_followed_as_scipy_follows_edges(pairs):
    graph = ChannelGraph()
    tensors = [graph.new(WIDTH) for _ in range(10)]
    for one, other in pairs:
        graph.tie([tensors[one], tensors[other]])
    root = graph.roots()
    one, other = np.array(pairs, int).reshape(-1, 2).T
    edges = coo_matrix((np.ones(len(pairs)), (one, other)), shape=(10, 10))
    _, component = connected_components(edges, directed=False)
    for i in range(10):
        lowest = np.flatnonzero(component == component[i])[0]
        assert (root[tensors[i]] == tensors[lowest]).all()


@pytest.mark.parametrize("order", [1, -1], ids=["forwards", "backwards"])
def test_long_chain_of_ties_has_one_root(order):
    graph = ChannelGraph()
    tensors = [graph.new(1) for _ in range(3000)][::order]
    for pair in pairwise(tensors):
        graph.tie(pair)
    assert not graph.roots().any()


def test_nothing_tied_is_nothing_lost():
    graph = ChannelGraph()
    graph.new(3)
    assert graph.roots().tolist() == [0, 1, 2]


def test_channels_tied_to_kept_ones_are_kept():
    graph = ChannelGraph()
    a, b, c = graph.new(2), graph.new(2), graph.new(2)
    graph.tie([a, b])
    graph.keep(b)
    roots = graph.roots()
    is_whole = graph.is_whole(roots)
    assert is_whole[roots[a]].all()
    assert not is_whole[roots[c]].any()


def test_tensor_of_one_channel_is_spread_and_kept():
    graph = ChannelGraph()
    one, wide, other = graph.new(1), graph.new(4), graph.new(4)
    assert graph.tie([one, wide, other]) is wide
    roots = graph.roots()
    assert (roots[other] == wide).all()
    assert graph.is_whole(roots).tolist() == [True] + [False] * 8


@given(st.lists(st.lists(st.integers(0, 11), max_size=12), max_size=8))
def test_piece_is_what_the_same_groups_hold(groups):
    piece = find_pieces([np.array(group, int) for group in groups], 12)
    held = [frozenset(i for i, group in enumerate(groups) if c in group) for c in range(12)]
    for c in range(12):
        assert (piece[c] == 0) == (not held[c])
        for d in range(12):
            assert (piece[c] == piece[d]) == (held[c] == held[d])
