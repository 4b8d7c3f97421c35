"""A step of training with every backbone that a spec may name."""

from __future__ import annotations

import numpy as np
import pytest

from detforge.training.schedules import RunLength
from detforge.training.trainer import Trainer, compile_trainer
from detforge.weights import collect_weights
from detforge_faster_rcnn.architectures import FAMILIES, family_of
from detforge_faster_rcnn.network import build_network
from tests.faster_rcnn.small import batch, build, recipe_of, small_message

# Features and the vector that each region becomes.
WIDTHS = {
    "resnet:10": (256, 512),
    "resnet:18": (256, 512),
    "resnet:34": (256, 512),
    "resnet:50": (1024, 2048),
    "resnet:101": (1024, 2048),
    "vgg:16": (512, 4096),
    "vgg:19": (512, 4096),
    "googlenet": (832, 1024),
    "mobilenet_v1": (512, 1024),
    "mobilenet_v2": (96, 1280),
    "darknet:19": (512, 1024),
    "darknet:53": (512, 1024),
    "efficientnet:b0": (112, 1280),
    "efficientnet:b1": (112, 1280),
}
# What no other family has: the spec's fields that it does.
SWITCHES = {
    "resnet": "all_projections: true use_pooling: true",
    "vgg": "dropout_rate: 0.1 use_pooling: true",
    "mobilenet_v2": "all_projections: true",
    "efficientnet": (
        'dropout_rate: 0.1 drop_connect_rate: 0.2 activation { activation_type: "relu" }'
    ),
}


def network(arch, model=""):
    """Return the parts for an image of any size, which makes them quickly."""
    message = small_message(arch=arch, model=f"roi_pooling_config {{ pool_size: 2 }} {model}")
    return build_network(
        message.model_config, image_shape=(None, None, 3), n_anchors=9, n_classes=2, variant={}
    )


@pytest.mark.parametrize("arch", ["resnet:10", "mobilenet_v1", "googlenet", "vgg:16"])
def test_features_have_stride_16_and_the_documented_channels(arch):
    parts = network(arch).parts
    assert parts["backbone"].compute_output_shape((1, 160, 96, 3)) == (1, 10, 6, WIDTHS[arch][0])
    assert parts["roi_head"].get_layer("dense_class").kernel.shape == (WIDTHS[arch][1], 3)


@pytest.mark.slow
@pytest.mark.parametrize("arch", WIDTHS)
def test_a_step_of_training_changes_every_part_of_every_backbone(arch):
    family = family_of(arch)
    pooling = "roi_pooling_config { pool_size: 2 }"
    model = build(arch=arch, model=f"{pooling} {SWITCHES.get(family, '')}")
    assert model.parts["backbone"].output.shape == (None, 8, 8, WIDTHS[arch][0])
    assert model.parts["roi_head"].get_layer("dense_class").kernel.shape[0] == WIDTHS[arch][1]
    assert set(FAMILIES[family].blocks) <= set(model.blocks)
    arrays, trainer = batch(), Trainer(model)
    compile_trainer(trainer, recipe_of(arch=arch), RunLength(1, 1), arrays)
    trainer.run_eagerly = True  # a single step is not worth compiling
    before = collect_weights(model)
    logs = trainer.train_on_batch(arrays, return_dict=True)
    assert np.isfinite(float(logs["loss"]))
    after = collect_weights(model)
    changed = {name.split("/")[0] for name in before if (before[name] != after[name]).any()}
    assert changed == set(model.parts)
    assert all(np.isfinite(values).all() for values in after.values())
