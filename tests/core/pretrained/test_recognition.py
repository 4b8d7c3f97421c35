"""What a file is told to be, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest
from tests.core.pretrained.loading import weight_file
from tests.core.pretrained.test_torch_weights import FAST, RECORDED, SLOW

from detforge.backbones import find_backbone
from detforge.errors import CheckpointError
from detforge.pretrained.public import recognise
from detforge.pretrained.translation import translate
from detforge.recipe import InputFormat

IMAGE = InputFormat(
    height=64, width=64, color_order="bgr", mean=(103.53, 116.28, 123.675), scale=(1.0,) * 3
)


def blank(name, **changed):
    """Return a state dict whose arrays take no memory; changed: shapes, () removes."""
    lines = [line.split() for line in RECORDED[f"{name}/state"].tolist()]
    shapes = {key: tuple(map(int, shape)) for key, *shape in lines}
    shapes = {**shapes, **{key.replace("__", "."): shape for key, shape in changed.items()}}
    return {key: np.broadcast_to(np.float32(1), shape) for key, shape in shapes.items() if shape}


def state_file(name, path="model.safetensors", **changed):
    return weight_file(Path(path), arrays=blank(name, **changed))


def notes_of(file, arch, depth, image=IMAGE, **options):
    backbone = find_backbone(arch, depth, field="ssd_config", **options)
    return translate(recognise(file), file, backbone, image)


@pytest.mark.parametrize(
    ("name", "arch", "depth"), FAST + SLOW, ids=[case[0] for case in FAST + SLOW]
)
def test_network_is_told_by_its_layers(name, arch, depth):
    found = recognise(state_file(name))
    assert (found.arch, found.depth) == (arch, depth)


def test_networks_wrapped_for_several_gpus_are_told_too():
    arrays = {f"module.{key}": array for key, array in blank("resnet18").items()}
    assert recognise(weight_file(Path("model.npz"), arrays=arrays)).depth == 18


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        (
            "resnet50",
            {"layer3__6__conv1__weight": (256, 1024, 1, 1)},
            "depth or width that there is not here",
        ),
        ("resnet50", {"layer1__0__conv2__weight": (128, 128, 3, 3)}, "depth or width"),
        (
            "resnet50",
            {"layer1__0__se__fc1__weight": (16, 256, 1, 1)},
            r"holds layer1\.0\.se\.fc1, which no resnet here has",
        ),
        ("vgg16_bn", {"features__40__weight": ()}, r"features\.40"),
        ("efficientnet_b0", {"features__7__0__block__3__0__weight": (352, 1152, 1, 1)}, "width"),
        ("mobilenet_v2", {"features__2__conv__2__weight": (16, 96, 1, 1)}, "width"),
        ("timm.mobilenetv2_100", {"blocks__1__2__conv_pw__weight": (9, 9, 1, 1)}, r"blocks\.1\.2"),
        ("squeezenet1_0", {"features__6__squeeze__weight": (32, 256, 1, 1)}, r"features\.6"),
        ("resnet18", {"layer1__0__conv1__weight": (64, 64)}, r"layer1\.0\.conv1 is neither"),
    ],
)
def test_network_that_only_looks_like_one_of_ours_is_refused(name, changed, message):
    file = state_file(name, **changed)
    with pytest.raises(CheckpointError, match=message) as caught:
        recognise(file)
    assert str(caught.value).startswith("model.safetensors names its layers like")


def test_names_of_ours_are_no_published_network():
    kernel = {"kernel": np.zeros((1, 1, 32, 64), "float32")}
    for names in (["conv_pw_1", "conv_block_relu"], ["block1a_dwconv"], ["block_1a_conv_1"]):
        assert recognise(weight_file(Path("x.hdf5"), layers=dict.fromkeys(names, kernel))) is None


@pytest.mark.parametrize(
    ("older", "ours"),
    [
        ("mobl0_conv_0_depthwise", "expanded_conv_depthwise"),
        ("bn0_conv_0_bn_project", "expanded_conv_project_bn"),
        ("mobl12_conv_12_expand", "block_12_expand"),
        ("bn12_conv_12_bn_depthwise", "block_12_depthwise_bn"),
        ("mobl3_conv_project", "block_3_project"),
        ("bn3_conv_bn_expand", "block_3_expand_bn"),
        ("bn3_conv_depthwise", "block_3_depthwise_bn"),
    ],
)
def test_mobilenet_v2_is_told_by_the_names_of_its_first_files_too(older, ours):
    is_norm = ours.endswith("_bn")
    slots = {"gamma": np.ones(4)} if is_norm else {"kernel": np.ones((1, 1, 4, 4))}
    file = weight_file(Path("x.h5"), layers={"bn_Conv1": {}, older: slots})
    assert list(recognise(file).layers) == [ours]


def test_weights_of_another_network_name_both():
    with pytest.raises(
        CheckpointError,
        match="holds weights of resnet 18 of torchvision or timm, but the spec's backbone is vgg",
    ):
        notes_of(state_file("resnet18"), "vgg", 16)


def test_channels_that_disagree_are_damage():
    with pytest.raises(CheckpointError, match="what belongs to conv1 is not of 64 channels"):
        notes_of(state_file("resnet18", bn1__bias=(63,)), "resnet", 18)


def test_classifier_is_left_out_whatever_its_classes():
    found = notes_of(state_file("resnet18", fc__weight=(7, 512), fc__bias=(7,)), "resnet", 18)
    assert "left out: fc" in found.notes
    assert not any("fc" in name for name in found.layers)


def test_what_the_file_lacks_is_named_and_the_rest_is_kept():
    file = state_file("resnet18", layer3__1__bn2__running_mean=())
    found = notes_of(file, "resnet", 18, use_pooling=True)
    assert "not in the file: block_3b_bn_2" in found.notes
    assert found.notes[-1].endswith("published features: the file is incomplete")
    assert not {"block_3b_conv_2", "block_3b_bn_2"} & found.layers.keys()
    assert "block_3b_conv_1" in found.layers


def test_strides_in_place_of_pools_are_a_warm_start():
    file = state_file("resnet18")
    found = notes_of(file, "resnet", 18)
    assert found.notes[-1] == (
        "a warm start, not the published features: the spec's network strides where it pools"
    )
    exact = notes_of(file, "resnet", 18, use_pooling=True)
    assert exact.notes[-1] == "features are those of the published network"


def test_smallest_resnet_starts_from_the_first_units_of_the_next():
    found = notes_of(state_file("resnet18"), "resnet", 10)
    assert {"block_1a_conv_1", "block_4a_bn_2", "conv1"} <= found.layers.keys()
    assert not any("b_conv" in name for name in found.layers)
    assert "only the first unit of each stage" in found.notes[-1]


@pytest.mark.parametrize(
    ("path", "asymmetric", "scale"),
    [
        ("model.safetensors", False, 0.229),
        ("tf_efficientnet_b0.aa_in1k.safetensors", True, 0.229),
        ("tf_efficientnet_b0.ap_in1k/model.safetensors", True, 0.5),
        ("efficientnet_b0.ra4_e3600_r224_in1k.safetensors", False, 0.5),
    ],
)
def test_name_of_a_file_tells_weights_of_tensorflow_and_inputs_of_timm(path, asymmetric, scale):
    file = state_file("timm.efficientnet_b0", path)
    found = recognise(file)
    assert found.epsilon == (1e-3 if asymmetric else 1e-5)
    assert 1 / found.layout.pixels.scale[0] == pytest.approx(255 * scale)
    options = notes_of(file, "efficientnet_b0", 0).options
    assert options == ({} if asymmetric else {"asymmetric_padding": False})


def test_options_that_the_backbone_has_already_are_not_asked_for():
    file = state_file("resnet50")
    assert notes_of(file, "resnet", 50).options == {"stride_in_middle": True}
    assert notes_of(file, "resnet", 50, stride_in_middle=True).options == {}
    wanted = {"activation": "relu6"}
    assert notes_of(state_file("mobilenet_v2"), "mobilenet_v2", 0).options == wanted


def test_strides_move_only_in_units_that_have_a_middle():
    assert notes_of(state_file("resnet34"), "resnet", 34).options == {}
    assert notes_of(state_file("resnet18"), "resnet", 10).options == {}


def test_grey_images_sum_the_colours_of_the_first_kernel():
    grey = InputFormat(height=64, width=64, color_order="grey", mean=(128.0,), scale=(1.0,))
    found = notes_of(state_file("resnet18"), "resnet", 18, grey)
    assert found.layers["conv1"]["kernel"].shape == (7, 7, 1, 64)
    assert any("summed over colours" in note for note in found.notes)
    assert any("another colour" in note for note in found.notes)


def test_other_mean_colour_is_felt_at_the_border():
    image = InputFormat(height=64, width=64, mean=(127.5,) * 3, scale=(1.0,) * 3)
    found = notes_of(state_file("resnet18"), "resnet", 18, image, use_pooling=True)
    assert found.notes[-1] == (
        "features are those of the published network, but for the border of the image"
    )


def test_network_of_one_channel_keeps_its_first_kernel():
    file = state_file("resnet18", conv1__weight=(64, 1, 7, 7))
    found = notes_of(file, "resnet", 18)
    assert (found.layers["conv1"]["kernel"] == 1).all()
    assert any("unknown" in note for note in found.notes)
