"""How the weights change, and when a run ends early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Stochastic gradient descent.

    Attributes:
        momentum: in [0, 1).
        nesterov: look ahead.
        decay: the rate of step n is divided by 1 + decay * n.
    """

    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Adam:
    """Adam (arXiv:1412.6980).

    Attributes:
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: numerical floor.
        amsgrad: never let the second moment fall (ICLR 2018, "On the convergence of Adam").
        decay: the rate of step n is divided by 1 + decay * n.
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False
    decay: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RmsProp:
    """RMSprop.

    Attributes:
        rho: decay of the mean square.
        momentum: in [0, 1).
        epsilon: numerical floor.
        centered: subtract the square of the mean gradient.
    """

    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False


Optimizer = Sgd | Adam | RmsProp


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularizer:
    """Penalty on convolution and dense kernels: ``weight * sum |k|`` or ``weight * sum k^2``.

    Attributes:
        kind: which of the two; "l1_l2" for both.
        weight: of the one penalty, or of the L2 part.
        l1_weight: of the L1 part where there are both.
    """

    kind: Literal["none", "l1", "l2", "l1_l2"] = "none"
    weight: float = 0.0
    l1_weight: float = 0.0

    @classmethod
    def of_weights(cls, *, l1: float, l2: float) -> Regularizer:
        """Return both penalties, none where both weights are 0."""
        return cls(kind="l1_l2", weight=l2, l1_weight=l1) if l1 or l2 else cls()


@dataclass(frozen=True, kw_only=True, slots=True)
class Freeze:
    """What does not train.

    Attributes:
        blocks: backbone block numbers whose convolutions do not train.
        batch_norm: normalise with the stored statistics and never update them, in the backbone.
        field: path of the spec field that lists the blocks, for messages.
    """

    blocks: tuple[int, ...] = ()
    batch_norm: bool = False
    field: str = "freeze_blocks"


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlyStopping:
    """When to end a run that no longer gets better.

    Attributes:
        patience: epochs without a decrease.
        min_delta: least decrease that counts.
        monitor: what should decrease.
    """

    patience: int
    min_delta: float = 0.0
    monitor: Literal["loss", "validation_loss"] = "loss"
