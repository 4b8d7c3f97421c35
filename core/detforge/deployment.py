"""What a detector tells the core about life after training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Target = Literal["onnx", "tensorrt-plugins"]

OPSET = 17
"""ONNX operator set of exported models, unless told otherwise."""
OLDEST_OPSET, NEWEST_OPSET = 13, 18
"""What can be asked for: before 13 lengths and axes were no inputs, and tf2onnx ends at 18."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorRTPlugin:
    """One TensorRT operator outside ONNX's own set.

    Attributes:
        name: operator type as it stands in the graph, ``"NMSDynamic_TRT"``.
        version: plugin version.
        attributes: attribute name -> value.
        first_release: first TensorRT release that has it, ``(7, 2)``.
        last_release: last release that has it; None while it is still there.
        replacement: what to use once it is gone.
    """

    name: str
    version: str
    attributes: Mapping[str, object]
    first_release: tuple[int, int]
    last_release: tuple[int, int] | None = None
    replacement: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """How a runtime feeds and reads the exported model.

    Attributes:
        input_name: name of the image input.
        outputs: names of the outputs, in order.
        deepstream: keys of the DeepStream configuration that this detector fixes.
        float_layers: layers to keep in float when quantising.
    """

    input_name: str
    outputs: tuple[str, ...]
    deepstream: Mapping[str, str]
    float_layers: tuple[str, ...] = ()


PLAIN_OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")
