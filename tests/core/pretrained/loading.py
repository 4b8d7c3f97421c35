"""Weights in a file to features of our backbone."""

from types import SimpleNamespace

import keras
import numpy as np

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.pretrained.public import recognise
from detforge.pretrained.translation import translate

# What our networks leave to a spec, as the published ones have it.
AS_PUBLISHED = {
    "resnet": {"use_pooling": True},
    "vgg": {"use_pooling": True},
    "darknet": {"activation": "leaky_relu"},
}


def weight_file(path, arrays=None, layers=None):
    kind = "keras" if layers else "safetensors"
    return SimpleNamespace(path=path, kind=kind, arrays=arrays or {}, layers=layers or {})


def translated(file, arch, depth, image, **options):
    """Return what becomes of a file for a backbone with these options."""
    found = recognise(file)
    assert (found.arch, found.depth) == (arch, depth)
    return translate(found, file, find_backbone(arch, depth, field="ssd_config", **options), image)


def network(arch, depth, weights, image, **options):
    """Return our backbone with translated weights; each of its layers must be among them."""
    options = {**options, **weights.options}
    backbone = find_backbone(arch, depth, field="ssd_config", **options)
    images = keras.Input((image.height, image.width, len(image.mean)))
    features = add_backbone(images, backbone, last_block=max(backbone.blocks))
    model = keras.Model(images, features.output)
    for layer in model.layers:
        if layer.weights:
            assert sorted(weights.layers[layer.name]) == sorted(w.name for w in layer.weights)
            layer.set_weights([weights.layers[layer.name][w.name] for w in layer.weights])
    return model


def prepared(pixels, image):
    """Return RGB pixels (1, H, W, 3) as the detector feeds them."""
    if image.color_order == "bgr":
        pixels = pixels[..., ::-1]
    return ((pixels - np.array(image.mean)) * np.array(image.scale)).astype("float32")


def largest_error(found, wanted):
    """Return the largest difference over the largest value."""
    return np.abs(np.asarray(found) - np.asarray(wanted)).max() / np.abs(wanted).max()
