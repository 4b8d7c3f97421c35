"""The blocks of every family, on an input as odd as inputs may be: 131 x 257, one channel."""

from __future__ import annotations

import re
from functools import cache
from types import SimpleNamespace

import keras
import pytest

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.graph.freeze import apply_freeze
from detforge.recipe import Freeze

INCEPTIONS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
# Layers of each block by name, as the documents of the users' older models list them, and rows and
# columns of the last map.
BLOCKS = {
    ("resnet", 10): ({0: "(bn_)?conv1", **{n: f"block_{n}[a-z]_.*" for n in range(1, 5)}}, (9, 17)),
    ("resnet", 50): ({0: "(bn_)?conv1", **{n: f"block_{n}[a-z]_.*" for n in range(1, 5)}}, (9, 17)),
    ("vgg", 16): ({n: f"block_{n}[a-z]_.*" for n in range(1, 6)}, (9, 17)),
    ("darknet", 19): (
        {0: "conv1(_bn)?", **{n: rf"b{n}_conv\d(_bn)?" for n in range(1, 6)}},
        (4, 8),
    ),
    ("darknet", 53): (
        {
            0: "conv1(_bn)?",
            **{n: rf"(conv{n + 1}|b{n}_conv\d_[12])(_bn)?" for n in range(1, 6)},
        },
        (5, 9),
    ),
    ("googlenet", 0): (
        {
            0: "(bn_)?(conv1|conv2|conv2_reduce)",
            **{n: f"inception_{name}_.*" for n, name in enumerate(INCEPTIONS, 1)},
        },
        (8, 16),
    ),
    ("mobilenet_v1", 0): (
        {0: "conv1(_bn)?", **{n: f"conv_(dw|pw)_{n}(_bn)?" for n in range(1, 14)}},
        (5, 9),
    ),
    ("mobilenet_v2", 0): (
        {
            0: "(bn_)?conv1",
            1: "expanded_conv_.*",
            **{n + 1: f"block_{n}_.*" for n in range(1, 17)},
            18: "conv_1(_bn)?",
        },
        (5, 9),
    ),
    ("squeezenet", 0): ({0: "conv1", **{n - 1: f"fire{n}_.*" for n in range(2, 10)}}, (9, 17)),
    ("efficientnet_b0", 0): (
        {0: "stem_.*", **{n: f"block{n}[a-z]_.*" for n in range(1, 8)}, 8: "top_.*"},
        (5, 9),
    ),
}
each_backbone = pytest.mark.parametrize(
    ("arch", "depth"), BLOCKS, ids=[f"{arch}{depth or ''}" for arch, depth in BLOCKS]
)


@cache
def built(arch, depth):
    """Return the whole backbone as a detector that passes look at."""
    images = keras.Input((131, 257, 1))
    backbone = find_backbone(arch, depth, field="a_config")
    features = add_backbone(images, backbone, last_block=max(backbone.blocks))
    part = keras.Model(images, features.output)
    return SimpleNamespace(parts={"part": part}, blocks=features.blocks)


@each_backbone
def test_block_freezes_the_layers_that_documents_list_and_no_other(arch, depth):
    model = built(arch, depth)
    layers = [layer for layer in model.parts["part"].layers if layer.weights]
    patterns, _ = BLOCKS[arch, depth]
    assert list(model.blocks) == list(patterns)
    for block, pattern in patterns.items():
        apply_freeze(model, Freeze(blocks=(block,)))
        frozen = [layer.name for layer in layers if not layer.trainable_weights]
        assert frozen == [layer.name for layer in layers if re.fullmatch(pattern, layer.name)]
        assert frozen
        for layer in layers:
            layer.trainable = True


@each_backbone
def test_odd_sides_and_one_channel_are_taken(arch, depth):
    part = built(arch, depth).parts["part"]
    first = next(layer for layer in part.layers if layer.weights)
    assert first.kernel.shape[2] == 1
    assert part.output_shape[1:3] == BLOCKS[arch, depth][1]
