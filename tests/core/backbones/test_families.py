"""Every family against the numbers of the models that users know."""

import keras
import numpy as np
import pytest

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone


def built(arch, depth=0, side=224, last_block=None, **options):
    images = keras.Input((side, side, 3))
    backbone = find_backbone(arch, depth, field="ssd_config", **options)
    features = add_backbone(images, backbone, last_block=last_block)
    return features, keras.Model(images, features.output)


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


PLAIN = {"all_projections": False}
COUNTS = [
    ("resnet", 10, PLAIN, None, 4915904, 4910016),
    ("resnet", 10, {"use_bias": True}, None, 4918848, None),
    ("resnet", 18, PLAIN, None, 11190464, 11180736),
    ("resnet", 18, {}, None, 11542464, 11530816),
    ("resnet", 34, PLAIN, None, 21306048, 21288896),
    ("resnet", 34, {"use_pooling": True}, None, 22226624, 22203840),
    ("resnet", 50, PLAIN, None, 23561152, 23508032),
    ("resnet", 50, {"use_bias": True, **PLAIN}, None, 23587712, None),
    ("resnet", 50, {}, None, 38155200, 38079552),
    ("resnet", 101, PLAIN, None, 42605504, 42500160),
    ("resnet", 101, {"use_bias": True}, None, 75176320, None),
    ("vgg", 16, {}, None, 14727360, 14718912),
    ("vgg", 16, {"use_bias": True}, None, 14731584, None),
    ("vgg", 19, {"use_pooling": True}, None, 20040896, 20029888),
    ("darknet", 19, {}, None, 19831776, 19817376),
    ("darknet", 53, {}, None, 40620640, 40584928),
    ("darknet", 53, {"use_bias": True}, None, 40638496, None),
    ("googlenet", 0, {}, None, 5995392, 5980832),
    ("googlenet", 0, {}, 7, 3500992, None),
    ("mobilenet_v1", 0, {}, None, 1627840, 1613120),
    ("mobilenet_v1", 0, {}, 13, 3228864, 3206976),
    ("mobilenet_v2", 0, PLAIN, None, 558656, 542528),
    ("mobilenet_v2", 0, {}, None, 592000, None),
    ("mobilenet_v2", 0, PLAIN, 18, 2257984, 2223872),
    ("squeezenet", 0, {}, None, 735424, 735424),
    ("efficientnet_b0", 0, {}, None, 4049564, None),
    ("efficientnet_b1", 0, {}, None, 6575232, None),
    ("efficientnet_b3", 0, {}, None, 10783528, None),
    ("efficientnet_b7", 0, {}, None, 64097680, None),
]


@pytest.mark.parametrize(("arch", "depth", "options", "last", "total", "learnt"), COUNTS)
def test_family_has_as_many_weights_as_the_models_users_know(
    arch, depth, options, last, total, learnt
):
    _, model = built(arch, depth, last_block=last, **options)
    assert model.count_params() == total
    assert learnt is None or trainable(model) == learnt


@pytest.mark.parametrize("version", [0, 3])
def test_efficientnet_computes_what_keras_applications_does(version):
    """The layers carry the same names; Keras' model normalises the image in front."""
    theirs = getattr(keras.applications, f"EfficientNetB{version}")(
        weights=None, include_top=False, input_shape=(96, 96, 3)
    )
    _, ours = built(f"efficientnet_b{version}", side=96)
    generator = np.random.default_rng(0)
    for layer in ours.layers:
        if layer.weights:
            values = [generator.normal(0.5, 0.1, w.shape) for w in layer.weights]
            layer.set_weights(values)
            theirs.get_layer(layer.name).set_weights(values)
    image = generator.uniform(0, 255, (1, 96, 96, 3)).astype("float32")
    normalised = keras.Model(theirs.input, theirs.get_layer("stem_conv_pad").input)(image)
    np.testing.assert_allclose(ours(normalised), theirs(image), rtol=1e-4, atol=1e-4)
