"""Weight penalties, as a pass over a model's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from detforge.model import DetectionModel
    from detforge.recipe import Regularizer

_KERNELS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense)


def apply_regularizer(model: DetectionModel, regularizer: Regularizer) -> None:
    """Penalise every convolution and dense kernel; never biases, normalisation or depthwise.

    Replaces whatever penalty a kernel had; kind "none" clears it.

    Args:
        model: changed in place, before it is compiled.
        regularizer: ``weight * sum |k|`` ("l1") or ``weight * sum k^2`` ("l2").
    """
    kinds = {"none": None, "l1": keras.regularizers.L1, "l2": keras.regularizers.L2}
    kind = kinds[regularizer.kind]
    penalty = kind(regularizer.weight) if kind else None
    for part in model.parts.values():
        for layer in part.layers:
            if isinstance(layer, _KERNELS):
                layer.kernel.regularizer = penalty
