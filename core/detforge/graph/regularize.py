"""Weight penalties, as a pass over a model's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from detforge.model import DetectionModel
    from detforge.recipe import Regularizer

_PENALISED = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense)


def apply_regularizer(model: DetectionModel, regularizer: Regularizer) -> None:
    """Penalise every convolution and dense kernel; never biases, normalisation or depthwise.

    Replaces whatever penalty a kernel had; kind "none" clears it. The penalty of a kernel that
    does not train is left out of the loss: it would never change.

    Args:
        model: changed in place, before it is compiled.
        regularizer: ``weight * sum |k|`` ("l1"), ``weight * sum k^2`` ("l2"), or
            ``l1_weight * sum |k| + weight * sum k^2`` ("l1_l2").
    """
    penalty = _penalty(regularizer)
    for part in model.parts.values():
        for layer in part.layers:
            if isinstance(layer, _PENALISED):
                layer.kernel.regularizer = penalty


def _penalty(regularizer: Regularizer) -> keras.regularizers.Regularizer | None:
    match regularizer.kind:
        case "none":
            return None
        case "l1":
            return keras.regularizers.L1(regularizer.weight)
        case "l2":
            return keras.regularizers.L2(regularizer.weight)
        case "l1_l2":
            return keras.regularizers.L1L2(l1=regularizer.l1_weight, l2=regularizer.weight)
