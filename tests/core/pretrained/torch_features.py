"""Write torch_features.npz: what torchvision's and timm's networks make of an image.

PyTorch is no dependency of the tests, so its numbers are kept, with the names and shapes of each
state dict; weights and image are drawn again. Made again by ``pip install torch torchvision timm``
and ``python -m tests.core.pretrained.torch_features``. No weights are downloaded.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import timm
import torch
from tests.core.pretrained.drawn_weights import image, torch_weight
from torch import nn
from torchvision import models

FILE = Path(__file__).with_name("torch_features.npz")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALVES = (0.5,) * 3, (0.5,) * 3
# The first is halved at even and at odd sides: padding shows.
SIZES = [(51, 38), (64, 64), (65, 97)]
MANY_SIZES = ("resnet18", "mobilenet_v2", "efficientnet_b0", "timm.tf_efficientnet_b0")
KEPT = 256


def resnet(name):
    model = models.get_model(name)
    return model, nn.Sequential(*list(model.children())[:-2])


def vgg(name):
    """Without the last pool, which ours has not."""
    model = models.get_model(name)
    return model, model.features[:-1]


def features(name):
    model = models.get_model(name)
    return model, model.features


def googlenet():
    """With the pools of ours."""
    model = models.get_model("googlenet", aux_logits=True, init_weights=False)
    for pool in ("maxpool1", "maxpool2", "maxpool3"):
        setattr(model, pool, nn.MaxPool2d(2, 2))
    model.maxpool4 = nn.Identity()
    names = [name for name, _ in model.named_children() if not name.startswith("aux")]
    return model, nn.Sequential(*[getattr(model, name) for name in names[:-3]])


def squeezenet():
    """Padded as ours."""
    model = models.get_model("squeezenet1_0")
    for layer in model.features:
        if isinstance(layer, nn.MaxPool2d):
            layer.padding, layer.ceil_mode = 1, False
    model.features[0].padding = (3, 3)
    return model, model.features


def from_timm(name, **options):
    model = timm.create_model(name, **options)
    return model, model.forward_features


def darknet():
    """With the slope of ours."""
    return from_timm("darknet53", act_layer=partial(nn.LeakyReLU, negative_slope=0.1))


MODELS = {
    **{name: partial(resnet, name) for name in ("resnet18", "resnet34", "resnet50", "resnet101")},
    **{name: partial(vgg, name) for name in ("vgg16", "vgg19", "vgg16_bn", "vgg19_bn")},
    "mobilenet_v2": partial(features, "mobilenet_v2"),
    **{f"efficientnet_b{i}": partial(features, f"efficientnet_b{i}") for i in range(8)},
    "googlenet": googlenet,
    "squeezenet1_0": squeezenet,
    "timm.resnet50": partial(from_timm, "resnet50"),
    "timm.mobilenetv2_100": partial(from_timm, "mobilenetv2_100"),
    **{
        f"timm.{name}": partial(from_timm, name)
        for name in ("efficientnet_b0", "tf_efficientnet_b0", "tf_efficientnet_b4")
    },
    "timm.darknet53": darknet,
}


def main():
    found = {}
    for name, build in MODELS.items():
        model, trunk = build()
        model.eval()
        state = {k: tuple(v.shape) for k, v in model.state_dict().items()}
        drawn = {k: torch.from_numpy(torch_weight(k, shape)) for k, shape in state.items()}
        model.load_state_dict(drawn)
        found[f"{name}/state"] = np.array(
            [" ".join([k, *map(str, shape)]) for k, shape in state.items()]
        )
        mean, deviation = (np.array(x) for x in (HALVES if name == "googlenet" else IMAGENET))
        for size in SIZES if name in MANY_SIZES else SIZES[:1]:
            pixels = ((image(*size) / 255 - mean) / deviation).transpose(0, 3, 1, 2)
            with torch.no_grad():
                out = trunk(torch.from_numpy(pixels.astype("float32"))).numpy()
            out = out.transpose(0, 2, 3, 1)
            found[f"{name}/{size[0]}x{size[1]}"] = some_of(out)
    np.savez_compressed(FILE, **found)


def some_of(out):
    """Return the shape and some of the values, from all channels and places."""
    step = (out.size // KEPT) | 1
    return np.concatenate([np.array(out.shape, "float32"), out.ravel()[::step]])


if __name__ == "__main__":
    main()
