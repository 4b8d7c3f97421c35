"""SSD and DSSD on every backbone of their documents."""

from __future__ import annotations

import pytest

from detforge_ssd.backbones import FAMILIES
from tests.ssd.test_model import build

ALL = [(arch, depth) for arch, family in FAMILIES.items() for depth in family.depths or (0,)]
each_backbone = pytest.mark.parametrize(
    ("arch", "depth"), ALL, ids=[f"{arch}{depth or ''}" for arch, depth in ALL]
)

HALVED = (38, 19, 10, 5, 3, 2)
FLOORED = (37, 18, 9, 5, 3, 2)  # 2 x 2 pools drop an odd last row
LARGE = (512, 512, 256, 256, 256)
MID = (256, 256, 128, 128, 128)
SMALL = (128, 128, 128, 128)
# Layers of the backbone that predict, the one the extra layers hang off; sides at 300 x 300 and
# channels of the six maps.
MAPS = {
    ("resnet", 10): (("block_2a_relu", "block_4a_relu"), HALVED, (128, 512, *SMALL)),
    ("resnet", 18): (("block_2b_relu", "block_4b_relu"), HALVED, (128, *MID)),
    ("resnet", 34): (("block_2d_relu", "block_4c_relu"), HALVED, (128, *MID)),
    ("resnet", 50): (("block_2d_relu", "block_4c_relu"), HALVED, (512, *LARGE)),
    ("resnet", 101): (("block_2d_relu", "block_4c_relu"), HALVED, (512, *LARGE)),
    ("vgg", 16): (("block_4c_relu", "block_5c_relu"), HALVED, (512, *LARGE)),
    ("vgg", 19): (("block_4d_relu", "block_5d_relu"), HALVED, (512, *LARGE)),
    ("darknet", 19): (
        ("b3_conv3_lrelu", "b4_conv5_lrelu", "b5_conv5_lrelu"), FLOORED, (256, 512, *MID[:4])
    ),
    ("darknet", 53): (("b3_add8", "b4_add8", "b5_add4"), HALVED, (256, 512, *LARGE[:4])),
    ("googlenet", 0): (("inception_3b_output", "inception_5b_output"), FLOORED, (480, *LARGE)),
    ("mobilenet_v1", 0): (("conv_pw_relu_5", "conv_pw_relu_11"), HALVED, (256, 512, *SMALL)),
    ("mobilenet_v2", 0): (("re_lu_7", "block_12_add"), HALVED, (192, 96, *SMALL)),
    ("squeezenet", 0): (("fire8", "fire9"), HALVED, (512, 512, *SMALL)),
    ("efficientnet_b0", 0): (
        ("block4a_expand_activation", "block6a_expand_activation", "top_activation"),
        HALVED,
        (240, 672, *LARGE[:4]),
    ),
}  # fmt: skip


@each_backbone
def test_maps_have_the_documented_layers_and_sizes(arch, depth):
    model = build(depth, arch=arch)
    layer = model.parts["detector"].get_layer
    taps, sides, channels = MAPS[arch, depth]
    maps = [layer(f"ssd_conf_{k}").input for k in range(6)]
    wanted = [(None, side, side, width) for side, width in zip(sides, channels, strict=True)]
    assert [x.shape for x in maps] == wanted
    assert len(model.anchors) == (8744 if sides == HALVED else 8108)
    *first, last = (layer(name).output for name in taps)
    assert all(x is tap for x, tap in zip(maps, first, strict=False))
    # The small set has no block 0: the backbone's last map predicts.
    number = 1 if channels[2:] == SMALL else 0
    assert layer(f"ssd_expand_block_{number}_conv_0").input is last
    assert number == 0 or maps[1] is last


@pytest.mark.parametrize("network", ["ssd", "dssd"])
@pytest.mark.parametrize(
    ("arch", "depth"), [("mobilenet_v2", 0), ("squeezenet", 0), ("googlenet", 0), ("darknet", 19)]
)
def test_wide_input_has_maps_of_its_shape(arch, depth, network):
    part = build(depth, 960, 544, arch=arch, network=network).parts["detector"]
    columns, rows = (120, 60, 30, 15, 8, 4), (68, 34, 17, 9, 5, 3)
    sizes = [part.get_layer(f"ssd_conf_{k}").output.shape[1:3] for k in range(6)]
    assert sizes == list(zip(rows, columns, strict=True))
