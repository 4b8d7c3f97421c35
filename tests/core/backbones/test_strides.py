from __future__ import annotations

import keras
import pytest

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone

# The block that goes from stride 16 to 32, and the channels in front of it.
HALVING = [
    ("resnet", 18, 4, 256),
    ("resnet", 50, 4, 1024),
    ("mobilenet_v1", 0, 12, 512),
    ("mobilenet_v2", 0, 14, 96),
    ("darknet", 19, 5, 512),
    ("darknet", 53, 5, 512),
    ("efficientnet_b0", 0, 6, 112),
    ("efficientnet_b1", 0, 6, 112),
]


@pytest.mark.parametrize(("max_stride", "side"), [(16, 8), (32, 4)])
@pytest.mark.parametrize(("arch", "depth", "block", "channels"), HALVING)
def test_a_block_behind_stride_16_keeps_its_map_or_halves_it(
    arch, depth, block, channels, max_stride, side
):
    backbone = find_backbone(arch, depth, field="here", max_stride=max_stride)
    features = keras.Input((8, 8, channels))
    found = add_backbone(features, backbone, first_block=block, last_block=block)
    assert list(found.blocks) == [block]
    assert found.output.shape[1:3] == (side, side)


@pytest.mark.parametrize("use_pooling", [False, True])
def test_the_largest_stride_leaves_the_blocks_in_front_as_they_are(use_pooling):
    plain = find_backbone("resnet", 10, field="here", use_pooling=use_pooling)
    other = find_backbone("resnet", 10, field="here", use_pooling=use_pooling, max_stride=16)
    images = keras.Input((64, 64, 3))
    sides = [add_backbone(images, b, last_block=3).output.shape[1] for b in (plain, other)]
    assert sides == [4, 4]
