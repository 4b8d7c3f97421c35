"""What holds of every graph that is pruned."""

import json
from types import SimpleNamespace

import keras
import numpy as np
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.core.graph.pruned import images_for, masked, run, shapes
from tests.core.graph.random_graphs import draw_model

from detforge.errors import UsageError
from detforge.graph.narrow import narrow_parts
from detforge.graph.prune import apply_pruning, plan_pruning
from detforge.graph.selection import Selection

SELECTIONS = st.builds(
    Selection,
    threshold=st.sampled_from([0.2, 0.4, 0.6]),
    normalizer=st.just("max"),
    equalization=st.sampled_from(["union", "intersection", "arithmetic_mean", "geometric_mean"]),
    granularity=st.integers(1, 3),
    min_filters=st.integers(0, 3),
)
few = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])


def plan_of(model, selection):
    """Return a plan; an example where nothing is above the threshold says nothing here."""
    try:
        return plan_pruning(model, selection)
    except UsageError:
        reject()


@few
@given(st.data(), SELECTIONS)
def test_pruned_model_does_what_the_model_does_with_zeros_for_removed_channels(data, selection):
    model = draw_model(data.draw)
    images = images_for(model)
    for _ in range(2):  # what is pruned can be pruned again
        plan, before = plan_of(model, selection), model.parts
        apply_pruning(model, plan)
        expected = run(masked(before, plan.kept), images)
        for found, wanted in zip(run(model.parts, images), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        counted = sum(int(np.prod(shape)) for shape in shapes(model.parts).values())
        assert plan.parameters[1] == counted


@few
@given(st.data(), SELECTIONS)
def test_widths_are_multiples_or_whole_and_never_below_the_minimum(data, selection):
    """Of layers that nothing ties in pieces, that is."""
    model = draw_model(data.draw, pieces=False)
    for before, after in plan_of(model, selection).channels.values():
        assert after % selection.granularity == 0 or after == before
        assert after >= max(1, min(selection.min_filters, before))


@few
@given(st.data(), SELECTIONS)
def test_widths_in_json_rebuild_the_same_shapes(data, selection):
    model = draw_model(data.draw)
    plan = plan_of(model, selection)
    again = SimpleNamespace(
        parts={name: keras.models.clone_model(part) for name, part in model.parts.items()},
        joins=model.joins,
    )
    narrow_parts(again, json.loads(json.dumps(plan.widths)))
    apply_pruning(model, plan)
    assert shapes(again.parts) == shapes(model.parts)


@few
@given(st.data())
def test_threshold_0_changes_nothing(data):
    model = draw_model(data.draw)
    images = images_for(model)
    before = run(model.parts, images)
    plan = plan_pruning(model, Selection(threshold=0, granularity=1, min_filters=0))
    apply_pruning(model, plan)
    assert plan.widths == {}
    for found, wanted in zip(run(model.parts, images), before, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
