"""Running pieces of glue on arrays of a test's own."""

import numpy as np
import onnxruntime

from detforge.export.graph import GlueGraph
from detforge.export.parts import check_model
from detforge.recipe import InputFormat


def split_image(graph, *widths):
    """Return float32 (batch, rows, width) for each width, taken from a one-channel image."""
    flat = graph.node("Squeeze", [graph.images, graph.constant(np.array([1], np.int64))])
    if len(widths) == 1:
        return (flat,)
    sizes = graph.constant(np.array(widths, np.int64))
    return graph.node("Split", [flat, sizes], outputs=len(widths), axis=2)


def run_glue(build, *arrays):
    """Return what a graph gives for arrays (batch, rows, width), all of one batch and length.

    Args:
        build: called with the graph and one tensor for each array.
        arrays: the input is an image of one channel that holds them side by side.
    """
    image = np.concatenate(arrays, axis=2).astype(np.float32)[:, None]
    form = InputFormat(height=image.shape[2], width=image.shape[3], mean=(0.0,), scale=(1.0,))
    graph = GlueGraph({}, form)
    widths = [array.shape[2] for array in arrays]
    build(graph, *split_image(graph, *widths))
    model = graph.to_model({})
    check_model(model, "the glue")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"images": image}), strict=True))
