"""A small pruned model and what it puts out; as a program, on the backend that Keras has there."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import keras
import numpy as np
from tests.core.graph.pruned import images_for, run
from tests.core.graph.random_graphs import scatter

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.graph.prune import apply_pruning, plan_pruning
from detforge.graph.selection import Selection


def pruned_outputs() -> list[np.ndarray]:
    """Return the outputs of a pruned EfficientNet-B0 up to block 2, weights by a seed."""
    images = keras.Input((32, 32, 3), name="images")
    backbone = find_backbone("efficientnet_b0", 0, field="test")
    features = add_backbone(images, backbone, last_block=2)
    logits = keras.layers.Dense(4)(keras.layers.Flatten()(features.output))
    model = SimpleNamespace(parts={"network": keras.Model(images, logits)}, joins=())
    scatter(model.parts["network"], seed=3)
    plan = plan_pruning(model, Selection(threshold=0.6, granularity=2, min_filters=4))
    assert plan.parameters[1] < 0.7 * plan.parameters[0]
    apply_pruning(model, plan)
    return run(model.parts, images_for(model))


if __name__ == "__main__":
    np.savez(sys.argv[1], *pruned_outputs())
