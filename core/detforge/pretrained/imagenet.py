"""ImageNet weights by Keras' own download: its addresses, its check of the file, its cache.

Keras also knows in which order an older file holds its layers, so the weights are taken from the
network that it fills, not from the file.
"""

from __future__ import annotations

import os
from pathlib import Path

from detforge.errors import CheckpointError
from detforge.pretrained.public import backbone_name
from detforge.pretrained.reading import WeightFile

# (arch, depth) -> name in keras.applications.
_NETWORKS = {
    ("resnet", 50): "ResNet50",
    ("resnet", 101): "ResNet101",
    ("vgg", 16): "VGG16",
    ("vgg", 19): "VGG19",
    ("mobilenet_v1", 0): "MobileNet",
    ("mobilenet_v2", 0): "MobileNetV2",
    **{(f"efficientnet_b{version}", 0): f"EfficientNetB{version}" for version in range(8)},
}
# (arch, depth) -> whose weights serve instead.
_IN_TORCH = {
    ("resnet", 10): "torchvision's resnet18, a warm start,",
    ("resnet", 18): "torchvision's resnet18",
    ("resnet", 34): "torchvision's resnet34",
    ("darknet", 53): "timm's darknet53, a warm start,",
    ("googlenet", 0): "torchvision's googlenet, a warm start,",
    ("squeezenet", 0): "torchvision's squeezenet1_0, a warm start,",
}
_SIDE = 224


def fetch(arch: str, depth: int) -> WeightFile:
    """Return the weights that Keras publishes for a backbone, downloaded unless in Keras' cache.

    Args:
        arch: name of the family.
        depth: of it; 0 where there is only one.

    Raises:
        CheckpointError: Keras publishes none, or its file cannot be fetched or is damaged.
    """
    import keras

    name, network = backbone_name(arch, depth), _NETWORKS.get((arch, depth))
    if network is None:
        raise CheckpointError(
            f"Keras publishes no ImageNet weights of {name}; {_instead(arch, depth)}"
        )
    try:
        model = getattr(keras.applications, network)(
            weights="imagenet", include_top=False, input_shape=(_SIDE, _SIDE, 3)
        )
    except Exception as err:
        # Of no more exact class when a download fails; ValueError when the file is another one.
        if type(err) is not Exception and not isinstance(err, OSError | ValueError):
            raise
        raise CheckpointError(_failed(name, err)) from err
    return weights_of(model, f"ImageNet weights of {name}")


def weights_of(model: object, source: str) -> WeightFile:
    """Return the weights of a Keras model as if they had been read from a file."""
    import keras
    import numpy as np

    assert isinstance(model, keras.Model)
    layers = {
        layer.name: {
            # As `reading` spells it.
            weight.name.replace("depthwise_kernel", "kernel"): np.asarray(weight)
            for weight in layer.weights
        }
        for layer in model.layers
    }
    arrays = {f"{name}/{slot}": a for name, slots in layers.items() for slot, a in slots.items()}
    return WeightFile(path=Path(source), kind="keras", arrays=arrays, layers=layers)


def _instead(arch: str, depth: int) -> str:
    other = _IN_TORCH.get((arch, depth))
    if other is None:
        return "start from a checkpoint, or from random weights"
    return (
        f"save the state dict of {other} with safetensors.torch.save_file, and give that file "
        "with -m"
    )


def _failed(name: str, err: Exception) -> str:
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras"), "models")
    return (
        f"the ImageNet weights of {name} could not be fetched: {str(err).strip().rstrip('.')}. "
        f"Without a network, bring the file from there into {cache}, where Keras looks first, or "
        "give it with -m FILE"
    )
