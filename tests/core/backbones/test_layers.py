import keras
import numpy as np
import pytest

from detforge.backbones.layers import conv


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
