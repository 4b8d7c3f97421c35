"""From a model to one ONNX graph: its parts, the detector's glue, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import detforge
from detforge.deployment import OPSET
from detforge.errors import ExportError
from detforge.export.graph import GlueGraph
from detforge.export.parts import check_model, convert_parts
from detforge.export.simplify import slimmed
from detforge.files.metadata import ModelInfo, spec_hash, to_metadata
from detforge.roadmap import arrival

if TYPE_CHECKING:
    import onnx

    from detforge.deployment import Target
    from detforge.model import DetectionModel
    from detforge.plugins import Detector
    from detforge.recipe import Recipe
    from detforge.spec import Spec


def build_onnx(
    detector: Detector,
    spec: Spec,
    recipe: Recipe,
    model: DetectionModel,
    target: Target = "onnx",
    *,
    opset: int = OPSET,
    batch_size: int | None = None,
) -> onnx.ModelProto:
    """Return a model as ONNX, checked but not yet compared with anything.

    Args:
        detector: adds the glue between and after the parts.
        spec: its thresholds go into the graph, its hash into the metadata.
        recipe: the same in neutral terms.
        model: built for "infer", with its weights.
        target: the flavour.
        opset: version of ONNX's operators, from `detforge.deployment.OLDEST_OPSET` to
            `detforge.deployment.NEWEST_OPSET`.
        batch_size: the only one that the model takes; None for any.

    Raises:
        ExportError: the flavour is not there yet, a part or the glue cannot be written, or the
            result is not valid ONNX.
    """
    if target != "onnx":
        raise ExportError(
            f"the flavour {target!r} {arrival('tensorrt')}; leave --target out for an ONNX model "
            "of standard operators"
        )
    graph = GlueGraph(convert_parts(model, opset), recipe.input, opset, batch_size)
    detector.hook.export_glue(spec=spec.message, model=model, graph=graph, target=target)
    info = ModelInfo(
        detector=detector.name,
        plugin_version=detector.version,
        detforge_version=detforge.__version__,
        class_names=recipe.classes.names,
        input=recipe.input,
        spec_sha256=spec_hash(spec.text),
        target=target,
    )
    proto = slimmed(graph.to_model(to_metadata(info)))
    check_model(proto, "the exported model")
    return proto
