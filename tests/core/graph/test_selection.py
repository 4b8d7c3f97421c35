import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detforge.errors import UsageError
from detforge.graph.selection import Selection, channel_norms, equalize, normalize, select

SCORES = st.integers(1, 64).flatmap(
    lambda size: arrays(np.float64, size, elements=st.floats(0, 1, width=16))
)
SELECTIONS = st.builds(
    Selection,
    threshold=st.floats(0, 1),
    granularity=st.integers(1, 20),
    min_filters=st.integers(0, 40),
)


def kept(scores, **changes):
    selection = Selection(**{"granularity": 1, "min_filters": 0, **changes})
    return np.flatnonzero(select(np.array(scores, float), selection)).tolist()


def test_defaults_are_the_documented_ones():
    assert Selection() == Selection(
        threshold=0.1,
        normalizer="max",
        equalization="union",
        granularity=8,
        min_filters=16,
        excluded=(),
    )


def test_norms_rank_filters_as_torch_does():
    """torch 2.13, prune.ln_structured(n=2, amount=5, dim=0), zeroes these five of the filters."""
    kernel = np.random.default_rng(7).normal(size=(3, 3, 4, 12)).astype("float32")
    scores = normalize(channel_norms(kernel, 3), "max")
    gone = sorted(np.argsort(scores)[:5].tolist())
    assert gone == [0, 4, 5, 9, 11]


@pytest.mark.parametrize(("axis", "norms"), [(0, [5.0, 13.0]), (1, [np.sqrt(34), np.sqrt(160)])])
def test_norms_are_those_of_slices_along_an_axis(axis, norms):
    np.testing.assert_allclose(channel_norms(np.array([[3.0, 4.0], [5.0, 12.0]]), axis), norms)


def test_normalizers_by_hand():
    norms = np.array([3.0, 4.0, 0.0, 12.0])
    np.testing.assert_allclose(normalize(norms, "max"), [0.25, 1 / 3, 0, 1])
    # All weights have the norm 13, and there are four filters.
    np.testing.assert_allclose(normalize(norms, "L2"), [12 / 13, 16 / 13, 0, 48 / 13])


@pytest.mark.parametrize("normalizer", ["max", "L2"])
def test_layer_of_zeros_has_scores_of_zero(normalizer):
    assert normalize(np.zeros(3), normalizer).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("equalization", "merged"),
    [
        ("union", [0.9, 0.8, 0.5]),
        ("intersection", [0.4, 0.2, 0.0]),
        ("arithmetic_mean", [0.65, 0.5, 0.25]),
        ("geometric_mean", [0.6, 0.4, 0.0]),
    ],
)
def test_scores_of_tied_layers_merge_by_hand(equalization, merged):
    """Channel 0 has 0.4 and 0.9, channel 1 has 0.8 and 0.2, channel 2 has 0.5 and 0."""
    scores = np.array([0.4, 0.8, 0.5, 0.0, 0.2, 0.9])
    channels = np.array([0, 1, 2, 2, 1, 0])
    found = equalize(scores, channels, 4, equalization)
    np.testing.assert_allclose(found[:3], merged)
    assert np.isnan(found[3])


def test_threshold_itself_is_not_enough_to_stay():
    assert kept([0.1, 0.2, 0.3], threshold=0.2) == [2]


def test_filter_of_zeros_goes_at_threshold_0():
    assert kept([0.5, 0.0, 0.1], threshold=0.0) == [0, 2]


@pytest.mark.parametrize(("strong", "count"), [(1, 8), (8, 8), (9, 10), (10, 10)])
def test_ten_filters_in_steps_of_eight_become_eight_or_ten(strong, count):
    scores = [1.0] * strong + [0.0] * (10 - strong)
    assert kept(scores, granularity=8) == list(range(count))


def test_minimum_is_rounded_up_to_the_granularity():
    assert len(kept([1.0] + [0.0] * 63, min_filters=16, granularity=12)) == 24


def test_layer_that_is_narrower_than_the_minimum_stays():
    assert kept([1.0, 0.0, 0.0], min_filters=16) == [0, 1, 2]


def test_last_channel_never_goes():
    assert kept([0.0, 0.0], threshold=0.5) == [0]


def test_strongest_stay_and_of_equal_ones_those_in_front():
    assert kept([0.2, 0.9, 0.2, 0.2, 0.8], threshold=0.85, min_filters=4) == [0, 1, 2, 4]


@given(SCORES, SELECTIONS)
def test_count_is_enough_and_a_multiple_or_all(scores, selection):
    is_kept = select(scores, selection)
    count, width = is_kept.sum(), scores.size
    assert count % selection.granularity == 0 or count == width
    assert count >= max(1, min(selection.min_filters, width))
    assert is_kept[scores > selection.threshold].all()
    if count < width:
        assert scores[is_kept].min() >= scores[~is_kept].max()


@given(SCORES, SELECTIONS, st.floats(0, 1))
def test_higher_threshold_keeps_some_of_the_same_channels(scores, selection, other):
    low, high = sorted([selection.threshold, other])
    rest = {"granularity": selection.granularity, "min_filters": selection.min_filters}
    of_low = select(scores, Selection(threshold=low, **rest))
    of_high = select(scores, Selection(threshold=high, **rest))
    assert not (of_high & ~of_low).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": -0.1}, "threshold is -0.1; use a number from 0 on"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"granularity": 0}, "granularity is 0; use 1 or more"),
        ({"min_filters": -1}, "least number of filters is -1; use 0 or more"),
        ({"normalizer": "l2"}, "'l2'; use one of max, L2"),
        ({"equalization": "mean"}, "'mean'; use one of union, intersection"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_value_out_of_range_is_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        Selection(**changes)
