"""Convolution as all backbones use it: symmetric padding, explicit wherever it matters."""

from __future__ import annotations

from typing import Any

import keras


def conv(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    use_bias: bool = False,
    initializer: str = "he_normal",
) -> Any:
    """Return a convolution padded by ``(kernel - 1) // 2`` on every side.

    TensorFlow's SAME pads stride-2 convolutions asymmetrically, which PyTorch, Caffe and
    TensorRT do not: weights trained one way are half a pixel off the other way. At stride 1
    the two agree and SAME saves the copy that explicit padding costs.

    Args:
        x: Keras tensor (B, H, W, C).
        filters: output channels.
        kernel: side of the square kernel, odd.
        name: layer name.
        stride: both axes; the output has ``ceil(H / stride)`` rows.
        use_bias: add a bias.
        initializer: of the kernel.
    """
    padding = "same" if kernel > 1 else "valid"
    if stride > 1 and kernel > 1:
        x = keras.layers.ZeroPadding2D((kernel - 1) // 2, name=f"{name}_pad")(x)
        padding = "valid"
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer=initializer,
        name=name,
    )(x)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation whose statistics can be frozen while gamma and beta train.

    Keras' ``trainable = False`` freezes all four, which is not what ``freeze_bn`` promises.
    """

    frozen_statistics = False

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise with batch statistics only while training and not frozen."""
        return super().call(inputs, training=training and not self.frozen_statistics, mask=mask)


def batch_norm(x: Any, name: str, *, gamma: str = "ones", beta: str = "zeros") -> Any:
    """Return batch normalisation with the constants of the users' older models.

    Args:
        x: Keras tensor (..., C).
        name: layer name.
        gamma: initializer of the factor.
        beta: initializer of what is added.
    """
    return BatchNormalization(
        epsilon=1e-3, momentum=0.99, gamma_initializer=gamma, beta_initializer=beta, name=name
    )(x)
