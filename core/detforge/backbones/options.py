"""What a spec may change about a backbone, in neutral terms."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class BackboneOptions:
    """Switches of a family; each family names those it has.

    The defaults are what SSD builds on.

    Attributes:
        use_bias: convolutions that batch normalisation follows have a bias too.
        use_batch_norm: batch normalisation follows each convolution.
        all_projections: every shortcut is a convolution, identity ones too, so that each
            residual branch can be pruned.
        use_pooling: halve by max-pooling, as the papers do; otherwise by strided convolutions.
        activation: behind each convolution.
        dropout: in front of the layers that classify; rate in [0, 1).
        drop_connect: largest rate at which whole residual branches are dropped in training
            (arXiv:1603.09382), growing evenly with depth; in [0, 1).
        asymmetric_padding: strided convolutions of an even-sided image pad on the right and
            below only, as Keras' published weights expect; otherwise on both sides.
        stride_in_middle: the 3x3 convolution of a bottleneck has its stride, as in torchvision's
            ResNet-50; otherwise the first 1x1 has (arXiv:1512.03385).
    """

    use_bias: bool = False
    use_batch_norm: bool = True
    all_projections: bool = True
    use_pooling: bool = False
    activation: Literal["relu", "leaky_relu", "swish"] = "relu"
    dropout: float = 0.0
    drop_connect: float = 0.0
    asymmetric_padding: bool = False
    stride_in_middle: bool = False

    def changed(self) -> frozenset[str]:
        """Return the names of the options that differ from their defaults."""
        return frozenset(f.name for f in fields(self) if getattr(self, f.name) != f.default)
