"""State dicts of torchvision and timm: the same features, see `torch_features.py`."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.core.pretrained.drawn_weights import image, torch_weight
from tests.core.pretrained.loading import (
    AS_PUBLISHED,
    largest_error,
    network,
    prepared,
    translated,
    weight_file,
)

from detforge.pretrained.reading import read_weights
from detforge.recipe import InputFormat

RECORDED = np.load(Path(__file__).with_name("torch_features.npz"))
SIZES = {name: [] for name in {key.split("/")[0] for key in RECORDED}}
for key in RECORDED:
    if not key.endswith("/state"):
        SIZES[key.split("/")[0]].append(tuple(map(int, key.split("/")[1].split("x"))))

FAST = [
    ("resnet18", "resnet", 18),
    ("resnet50", "resnet", 50),
    ("vgg16_bn", "vgg", 16),
    ("mobilenet_v2", "mobilenet_v2", 0),
    ("efficientnet_b0", "efficientnet_b0", 0),
    ("squeezenet1_0", "squeezenet", 0),
    ("timm.tf_efficientnet_b0", "efficientnet_b0", 0),
]
SLOW = [
    ("googlenet", "googlenet", 0),
    ("timm.mobilenetv2_100", "mobilenet_v2", 0),
    ("resnet34", "resnet", 34),
    ("resnet101", "resnet", 101),
    ("vgg16", "vgg", 16),
    ("vgg19", "vgg", 19),
    ("vgg19_bn", "vgg", 19),
    *((f"efficientnet_b{i}", f"efficientnet_b{i}", 0) for i in range(1, 8)),
    ("timm.resnet50", "resnet", 50),
    ("timm.efficientnet_b0", "efficientnet_b0", 0),
    ("timm.tf_efficientnet_b4", "efficientnet_b4", 0),
    ("timm.darknet53", "darknet", 53),
]


def bgr(size, means=(0.485, 0.456, 0.406)):
    """Return the users' usual input, less the mean that the weights were trained with."""
    mean = tuple(255 * m for m in reversed(means))
    return InputFormat(height=size[0], width=size[1], color_order="bgr", mean=mean)


def state_dict(name):
    """Return drawn weights by torch's names; not the half gigabyte of VGG's classifier."""
    lines = [line.split() for line in RECORDED[f"{name}/state"].tolist()]
    return {
        key: torch_weight(key, tuple(map(int, shape)))
        for key, *shape in lines
        if not (name.startswith("vgg") and key.startswith("classifier."))
    }


def saved(arrays, path):
    """Return what our reader finds in the state dict's file."""
    save_file(arrays, path)
    file = read_weights(path)
    path.unlink()
    return file


def check_features(name, size, given, model):
    found = np.asarray(model(prepared(image(*size), given)))
    *shape, wanted = np.split(RECORDED[f"{name}/{size[0]}x{size[1]}"], [1, 2, 3, 4])
    assert found.shape == tuple(int(side[0]) for side in shape)
    assert largest_error(found.ravel()[:: (found.size // 256) | 1], wanted) < 1e-4


@pytest.mark.parametrize(
    ("name", "arch", "depth"),
    [*FAST, *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW)],
    ids=[case[0] for case in FAST + SLOW],
)
def test_features_are_those_of_torch(name, arch, depth, tmp_path):
    file = saved(state_dict(name), tmp_path / f"{name}.safetensors")
    options = AS_PUBLISHED.get(arch, {})
    means = (0.5,) * 3 if name == "googlenet" else (0.485, 0.456, 0.406)
    weights = translated(file, arch, depth, bgr((64, 64), means), **options)
    for size in SIZES[name]:
        given = bgr(size, means)
        check_features(name, size, given, network(arch, depth, weights, given, **options))


@pytest.mark.parametrize(
    "options",
    [{"all_projections": False}, {"use_bias": True}, {"use_batch_norm": False}],
    ids=["shortcuts as published", "biases", "no batch normalisation"],
)
def test_features_are_the_same_however_the_spec_builds_the_network(options):
    options, size = {**options, "use_pooling": True}, (51, 38)
    file = weight_file(Path("resnet18.npz"), arrays=state_dict("resnet18"))
    given = bgr(size)
    weights = translated(file, "resnet", 18, given, **options)
    check_features("resnet18", size, given, network("resnet", 18, weights, given, **options))
