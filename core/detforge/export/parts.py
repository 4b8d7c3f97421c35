"""Parts of a model as ONNX graphs, by tf2onnx.

Parts compute channels last; their graphs take and return every tensor of rank 4 as NCHW, so
that parts placed one after the other need no transposes between them. Tensors of any other rank
keep their layout.
"""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import onnx

from detforge.deployment import OPSET
from detforge.errors import ExportError
from detforge.export.simplify import name_by_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras

    from detforge.model import DetectionModel

_STANDARD_DOMAINS = ("", "ai.onnx")


def convert_parts(model: DetectionModel, opset: int = OPSET) -> dict[str, onnx.ModelProto]:
    """Return every part of a model as a graph, by name.

    Raises:
        ExportError: as `convert_part`.
    """
    return {name: convert_part(part, name, opset) for name, part in model.parts.items()}


def convert_part(part: keras.Model, name: str, opset: int = OPSET) -> onnx.ModelProto:
    """Return one part as a graph of standard operators with a free batch size.

    Args:
        part: a flat functional model, channels last.
        name: its name, for messages.
        opset: version of ONNX's operators.

    Returns:
        Inputs ``input_0``, ``input_1`` ... and outputs ``output_0`` ... in the order of the
        Keras model; rank 4 as NCHW.

    Raises:
        ExportError: Keras does not run on TensorFlow, or a layer has no equivalent in ONNX.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ExportError(
            f"export runs on TensorFlow, but Keras is set to {keras.backend.backend()!r}; set "
            "KERAS_BACKEND=tensorflow. Checkpoints are the same on every backend"
        )
    import tf2onnx

    function, signature = _traceable(part)
    with _errors_collected() as complaints, _cycles_collected():
        try:
            proto, _ = tf2onnx.convert.from_function(
                function,
                input_signature=signature,
                opset=opset,
                inputs_as_nchw=_rank_4("input", part.inputs),
                outputs_as_nchw=_rank_4("output", part.outputs),
            )
        except (ValueError, TypeError, KeyError, NotImplementedError, RuntimeError) as err:
            raise ExportError(f"the part {name!r} cannot become ONNX: {err}") from err
    _check_part(proto, name, complaints)
    name_by_layer(proto, {layer.name for layer in part.layers})
    return proto


def check_model(model: onnx.ModelProto, what: str, domains: tuple[str, ...] = ()) -> None:
    """Check that a graph is valid and uses known operators only.

    Args:
        model: any ONNX model.
        what: what it is, for messages.
        domains: operator domains that are welcome besides ONNX's own.

    Raises:
        ExportError: it is not.
    """
    welcome = _STANDARD_DOMAINS + domains
    foreign = {
        f"{node.domain}.{node.op_type}" for node in model.graph.node if node.domain not in welcome
    }
    if foreign:
        raise ExportError(
            f"{what} uses {', '.join(sorted(foreign))}, which no runtime knows; replace the layer"
        )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as err:
        raise ExportError(f"{what} is not valid ONNX: {err}") from err


def _traceable(part: keras.Model) -> tuple[Any, list[Any]]:
    """Return a TensorFlow function around a part and its signature."""
    import tensorflow as tf

    signature = [
        tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, name=f"input_{index}")
        for index, tensor in enumerate(part.inputs)
    ]

    @tf.function(input_signature=signature)
    def function(*inputs: Any) -> dict[str, Any]:
        first, *others = inputs
        found = part([first, *others] if others else first, training=False)
        # A dictionary, because its keys become the names of the outputs.
        outputs = enumerate(tf.nest.flatten(found))
        return {f"output_{index}": tf.identity(tensor) for index, tensor in outputs}

    return function, signature


def _rank_4(kind: str, tensors: list[Any]) -> list[str]:
    return [f"{kind}_{index}" for index, tensor in enumerate(tensors) if len(tensor.shape) == 4]


def _check_part(proto: onnx.ModelProto, name: str, complaints: list[str]) -> None:
    # tf2onnx may log an error, leave the operator of TensorFlow in the graph and return it.
    if complaints:
        raise ExportError(f"the part {name!r} cannot become ONNX: {'; '.join(complaints)}")
    check_model(proto, f"the part {name!r}")


@contextmanager
def _cycles_collected() -> Iterator[None]:
    """Let the garbage collector look at new objects only, and look often.

    tf2onnx copies the graph, weights and all, three dozen times, into objects that refer to each
    other. They are few beside all that TensorFlow holds, so that the collector would leave them
    lying: a hundred times the memory of the weights.
    """
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()  # it counts anew what there is
    gc.set_threshold(700, 5, 1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextmanager
def _errors_collected() -> Iterator[list[str]]:
    """Collect what tf2onnx logs as errors, instead of printing it."""
    complaints: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage())

    logger = logging.getLogger("tf2onnx")
    collector, propagate = Collector(logging.ERROR), logger.propagate
    logger.addHandler(collector)
    logger.propagate = False
    try:
        yield complaints
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
