"""Pruning on the networks of SSD and DSSD: what is left does what it did before."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.graph.prune import apply_pruning, plan_pruning
from detforge.graph.selection import Selection
from tests.core.graph.pruned import images_for, masked, run, shapes
from tests.core.graph.random_graphs import scatter
from tests.ssd.test_backbones import ALL
from tests.ssd.test_model import build

SELECTION = Selection(threshold=0.5)
FAST = [("resnet", 10, "ssd"), ("mobilenet_v2", 0, "dssd")]
DSSD = [("darknet", 19, "dssd"), ("squeezenet", 0, "dssd")]
SLOW = [(*backbone, "ssd") for backbone in ALL if backbone != ("resnet", 10)] + DSSD


@pytest.mark.parametrize(
    ("arch", "depth", "network"),
    [*FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)],
    ids=[f"{network}_{arch}{depth or ''}" for arch, depth, network in FAST + SLOW],
)
def test_pruned_network_does_what_the_network_does_with_zeros(arch, depth, network):
    extra = "pred_num_channels: 256" if network == "dssd" else ""
    model = build(depth, 128, 128, arch=arch, network=network, extra=extra)
    scatter(model.parts["detector"], seed=1)
    assert plan_pruning(model, Selection(threshold=0)).widths == {}
    images = images_for(model, count=1)
    plan = _pruned(model, images)
    _check_widths(plan.channels)
    total, left = plan.parameters
    assert left == sum(int(np.prod(shape)) for shape in shapes(model.parts).values())
    assert left < 0.7 * total
    _pruned(model, images)  # and once more


def _pruned(model, images):
    """Prune a model, compare it with the one before, and return the plan."""
    plan, before = plan_pruning(model, SELECTION), model.parts
    apply_pruning(model, plan)
    expected = run(masked(before, plan.kept), images)
    for found, wanted in zip(run(model.parts, images), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())
    return plan


def _check_widths(channels):
    for name, (before, after) in channels.items():
        is_head = name.startswith(("ssd_conf", "ssd_loc"))
        assert after >= min(16, before), name
        assert after == before or (after % 8 == 0 and not is_head), name
    # What feeds the heads is pruned, too.
    narrowed = [name for name, (before, after) in channels.items() if after < before]
    assert any(name.startswith(("ssd_expand", "ssd_mpred")) for name in narrowed)
