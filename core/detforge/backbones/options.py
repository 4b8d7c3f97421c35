"""What a spec may change about a backbone, in neutral terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Activation = Literal["relu", "relu6", "leaky_relu", "swish"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BackboneOptions:
    """Switches of a family; each family names those it has, and its own defaults.

    Attributes:
        use_bias: convolutions that batch normalisation follows have a bias too.
        use_batch_norm: batch normalisation follows each convolution.
        all_projections: every shortcut is a convolution, identity ones too, so that each
            residual branch can be pruned.
        use_pooling: halve by max-pooling, as the papers do; otherwise by strided convolutions.
        activation: behind each convolution; "relu6" is cut off at 6.
        drop_connect: largest rate at which whole residual branches are dropped in training
            (arXiv:1603.09382), growing evenly with depth; in [0, 1).
        asymmetric_padding: strided convolutions of an even-sided image pad on the right and
            below only, as Keras' published weights expect; otherwise on both sides.
        stride_in_middle: the 3x3 convolution of a bottleneck has its stride, as in torchvision's
            ResNet-50; otherwise the first 1x1 has (arXiv:1512.03385).
        max_stride: largest distance of neighbouring cells of a map, image pixels: 16, where the
            block that would halve the map again keeps it, or 32; None for what the family has.
    """

    use_bias: bool = False
    use_batch_norm: bool = True
    all_projections: bool = True
    use_pooling: bool = False
    activation: Activation = "relu"
    drop_connect: float = 0.0
    asymmetric_padding: bool = False
    stride_in_middle: bool = False
    max_stride: int | None = None
