import keras
import numpy as np
import pytest

from detforge.backbones import find_backbone
from detforge.backbones.layers import conv
from detforge.backbones.resnet import build_resnet
from detforge.errors import SpecError


# Weights of the users' older models without head, every shortcut projected.
@pytest.mark.parametrize(
    ("depth", "total", "trainable"),
    [pytest.param(10, 4915904, 4910016, id="10"), pytest.param(18, 11542464, 11530816, id="18")],
)
def test_resnet_has_as_many_weights_as_the_models_users_know(depth, total, trainable):
    images = keras.Input((224, 224, 3))
    model = keras.Model(images, build_resnet(images, depth)["block_4"])
    assert model.count_params() == total
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == trainable
    assert model.output_shape == (None, 14, 14, 512)


@pytest.mark.parametrize("side", [7, 8])
@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_strided_convolution_pads_both_sides_alike(side, kernel):
    """A kernel that copies its middle pixel must see pixels 0, 2, 4 ... of the input."""
    image = np.arange(side * side, dtype="float32").reshape(1, side, side, 1)
    inputs = keras.Input((side, side, 1))
    model = keras.Model(inputs, conv(inputs, 1, kernel, "conv", stride=2))
    middle = np.zeros((kernel, kernel, 1, 1), "float32")
    middle[kernel // 2, kernel // 2] = 1
    model.set_weights([middle])
    np.testing.assert_array_equal(model.predict(image, verbose=0)[0, ..., 0], image[0, ::2, ::2, 0])


def test_unknown_backbone_names_those_there_are():
    with pytest.raises(
        SpecError, match=r"ssd_config\.arch: no backbone 'resnext'; there is resnet"
    ):
        find_backbone("resnext", 50, field="ssd_config")
