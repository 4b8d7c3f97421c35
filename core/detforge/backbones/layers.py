"""The layers backbones are made of: convolution, pooling, normalisation, activation.

Padding is symmetric and explicit wherever it matters: TensorFlow's SAME pads strided layers on one
side more than on the other, which PyTorch, Caffe and TensorRT do not, and weights trained one way
are half a pixel off the other way. At stride 1 the two agree, and SAME saves a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from detforge.backbones.options import BackboneOptions


def conv(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    use_bias: bool = False,
    initializer: Any = "he_normal",
    asymmetric: bool = False,
    padding_name: str = "",
) -> Any:
    """Return a convolution padded by ``(kernel - 1) // 2`` on every side.

    Args:
        x: Keras tensor (B, H, W, C).
        filters: output channels.
        kernel: side of the square kernel, odd.
        name: layer name.
        stride: both axes; the output has ``ceil(H / stride)`` rows.
        use_bias: add a bias.
        initializer: of the kernel.
        asymmetric: where it has a stride, pad as TensorFlow's SAME does.
        padding_name: of the layer that pads; empty: ``name`` and ``_pad``.
    """
    x, padding = _padded(x, kernel, stride, padding_name or f"{name}_pad", asymmetric=asymmetric)
    return keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer=initializer,
        name=name,
    )(x)


def depthwise(
    x: Any,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    use_bias: bool = False,
    initializer: Any = "he_normal",
    asymmetric: bool = False,
    padding_name: str = "",
) -> Any:
    """Return a depthwise convolution, one filter a channel; arguments as of `conv`."""
    x, padding = _padded(x, kernel, stride, padding_name or f"{name}_pad", asymmetric=asymmetric)
    return keras.layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding=padding,
        use_bias=use_bias,
        depthwise_initializer=initializer,
        name=name,
    )(x)


def _padded(x: Any, kernel: int, stride: int, name: str, *, asymmetric: bool) -> tuple[Any, str]:
    """Return what to convolve, and how the convolution itself pads."""
    if kernel == 1:
        return x, "valid"
    if stride == 1:
        return x, "same"
    half = (kernel - 1) // 2
    if not asymmetric:
        return keras.layers.ZeroPadding2D(half, name=name)(x), "valid"
    # SAME, spelt out, so that exports carry plain numbers: an even side gets one less in front.
    sides = [(half - (size is None or size % 2 == 0), half) for size in x.shape[1:3]]
    return keras.layers.ZeroPadding2D(tuple(sides), name=name)(x), "valid"


def max_pool(x: Any, size: int, name: str, *, stride: int = 2) -> Any:
    """Return max-pooling padded by ``(size - 1) // 2`` zeros; 2 x 2 drops an odd last row.

    Zeros are as good as nothing behind a ReLU, which is where they are used.
    """
    if size > 2:
        x = keras.layers.ZeroPadding2D((size - 1) // 2, name=f"{name}_pad")(x)
    return keras.layers.MaxPooling2D(size, strides=stride, padding="valid", name=name)(x)


class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation whose statistics can be frozen while gamma and beta train.

    Keras' ``trainable = False`` freezes all four, which is not what ``freeze_bn`` promises.

    Args:
        frozen_statistics: normalise with the stored ones in training too; may be set later.
        settings: of Keras' layer.
    """

    def __init__(self, *, frozen_statistics: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.frozen_statistics = frozen_statistics

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` makes the same layer of."""
        return {**super().get_config(), "frozen_statistics": self.frozen_statistics}

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise with batch statistics only while training and not frozen."""
        return super().call(inputs, training=training and not self.frozen_statistics, mask=mask)


def batch_norm(
    x: Any, name: str, *, momentum: float = 0.99, gamma: str = "ones", beta: str = "zeros"
) -> Any:
    """Return batch normalisation with the constants of the users' older models.

    Args:
        x: Keras tensor (..., C).
        name: layer name.
        momentum: of the moving statistics.
        gamma: initializer of the factor.
        beta: initializer of what is added.
    """
    return BatchNormalization(
        epsilon=1e-3,
        momentum=momentum,
        gamma_initializer=gamma,
        beta_initializer=beta,
        name=name,
    )(x)


def activation(x: Any, kind: str, name: str) -> Any:
    """Return ``x`` behind "relu", "relu6", "leaky_relu" (slope 0.1) or "swish"."""
    if kind == "relu":
        return keras.layers.ReLU(name=name)(x)
    if kind == "relu6":
        return keras.layers.ReLU(max_value=6.0, name=name)(x)
    if kind == "leaky_relu":
        return keras.layers.LeakyReLU(negative_slope=0.1, name=name)(x)
    return keras.layers.Activation("swish", name=name)(x)


def conv_norm(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    options: BackboneOptions,
    *,
    norm: str,
    stride: int = 1,
) -> Any:
    """Return a convolution and, unless switched off, its batch normalisation.

    Args:
        x: Keras tensor (B, H, W, C).
        filters: output channels.
        kernel: side of the kernel.
        name: of the convolution.
        options: whether there are a bias and a normalisation.
        norm: name of the batch normalisation.
        stride: both axes.
    """
    use_bias = options.use_bias or not options.use_batch_norm
    x = conv(x, filters, kernel, name, stride=stride, use_bias=use_bias)
    return batch_norm(x, norm) if options.use_batch_norm else x
