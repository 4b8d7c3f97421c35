"""The graph a detector writes around its parts, node by node.

Tensors are named by strings. Shapes are inferred as the graph grows: `GlueGraph.shape`.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from detforge.deployment import OPSET, PLAIN_OUTPUTS
from detforge.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detforge.recipe import InputFormat

IMAGES = "images"
MASKS = "detection_masks"


class GlueGraph:
    """An ONNX graph under construction, from the image input to the detections.

    Attributes:
        images: name of the image input, float32 (batch, C, H, W).
        opset: version of ONNX's operators.
    """

    def __init__(
        self,
        parts: Mapping[str, onnx.ModelProto],
        input_format: InputFormat,
        opset: int = OPSET,
        batch_size: int | None = None,
    ) -> None:
        """Begin a graph.

        Args:
            parts: as `detforge.export.parts.convert_parts` returns them, of this opset.
            input_format: shape of the image input.
            opset: version of ONNX's operators.
            batch_size: the only one that the model takes; None for any.
        """
        self.images = IMAGES
        self.opset = opset
        self._parts = parts
        self._batch = batch_size or "batch"
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._types: dict[str, onnx.TypeProto] = {}
        self._outputs: list[onnx.ValueInfoProto] = []
        self._counts: collections.Counter[str] = collections.Counter()
        shape = (self._batch, input_format.channels, input_format.height, input_format.width)
        self._input = helper.make_tensor_value_info(IMAGES, TensorProto.FLOAT, shape)
        self._types[IMAGES] = self._input.type

    def part(self, name: str, *inputs: str) -> tuple[str, ...]:
        """Place a part and return its outputs; a part may be placed more than once.

        Args:
            name: key in the model's ``parts``.
            inputs: one tensor for each input of the part; rank 4 is NCHW.

        Returns:
            One tensor for each output of the part; rank 4 is NCHW.

        Raises:
            ExportError: there is no such part, or the number of inputs is wrong.
        """
        if name not in self._parts:
            raise ExportError(f"there is no part {name!r} (there are: {', '.join(self._parts)})")
        graph = self._parts[name].graph
        if len(inputs) != len(graph.input):
            raise ExportError(
                f"the part {name!r} takes {len(graph.input)} inputs, {len(inputs)} were given"
            )
        prefix = self._unique(name)
        renamed = {"": "", **{f"input_{index}": tensor for index, tensor in enumerate(inputs)}}
        for constant in graph.initializer:
            renamed[constant.name] = f"{name}/{constant.name}"  # shared by all placements
            if renamed[constant.name] not in self._constants:
                self._add_constant(constant, renamed[constant.name])
        for node in graph.node:
            for tensor in filter(None, node.output):
                renamed[tensor] = f"{prefix}/{tensor}"
            self._nodes.append(_renamed_node(node, renamed, prefix))
        types = {output.name: output.type for output in graph.output}
        outputs = [f"output_{index}" for index in range(len(types))]
        for output in outputs:
            self._types[renamed[output]] = types[output]
        return tuple(renamed[output] for output in outputs)

    @overload
    def node(
        self, op: str, inputs: Sequence[str], outputs: Literal[1] = 1, **attributes: Any
    ) -> str: ...

    @overload
    def node(
        self, op: str, inputs: Sequence[str], outputs: int, **attributes: Any
    ) -> tuple[str, ...]: ...

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: int = 1,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> str | tuple[str, ...]:
        """Add a node and return the name of its output.

        Args:
            op: operator type, ``"Concat"``.
            inputs: tensors; ``""`` for an optional input left out.
            outputs: how many outputs it has.
            domain: domain of an operator outside ONNX's own set.
            attributes: of the operator.

        Returns:
            The name, or a tuple of names when there are several outputs.

        Raises:
            ExportError: the shapes of the inputs do not fit the operator.
        """
        name = self._unique(op)
        names = [name] if outputs == 1 else [f"{name}_{index}" for index in range(outputs)]
        node = helper.make_node(op, list(inputs), names, name=name, domain=domain, **attributes)
        self._nodes.append(node)
        if not domain:
            self._infer(node)
        return names[0] if outputs == 1 else tuple(names)

    def constant(self, array: np.ndarray) -> str:
        """Add a constant and return its name; the dtype is kept."""
        name = self._unique("constant")
        self._add_constant(numpy_helper.from_array(np.asarray(array, order="C")), name)
        return name

    def shape(self, tensor: str) -> tuple[int | None, ...]:
        """Return the lengths of a tensor, None where they depend on the batch or are not known.

        Raises:
            ExportError: its rank is not known; operators of other domains hide it.
        """
        kind = self._types.get(tensor)
        if kind is None or not kind.tensor_type.HasField("shape"):
            raise ExportError(f"the shape of {tensor!r} is not known at export")
        return tuple(
            length.dim_value if length.HasField("dim_value") else None
            for length in kind.tensor_type.shape.dim
        )

    def output(self, name: str, tensor: str, dtype: int, shape: Sequence[int | str]) -> None:
        """Declare an output of the graph.

        Args:
            name: name that runtimes see.
            tensor: what it holds.
            dtype: ``onnx.TensorProto.FLOAT``, ``INT32`` ...
            shape: lengths; a word for one that varies.
        """
        self._nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def detections(
        self, boxes: str, scores: str, labels: str, count: str, masks: str | None = None
    ) -> None:
        """Declare the outputs of the plain flavour, the same for all detectors.

        Args:
            boxes: float32 (batch, K, 4), xyxy, network-input pixels.
            scores: float32 (batch, K), 0 where padded.
            labels: integers (batch, K), from 0.
            count: integers (batch, 1), how many rows are real.
            masks: float32 (batch, K, h, w), probabilities inside the box; None for none.
        """
        limit = self._known_lengths(boxes)[1]
        count_name, boxes_name, scores_name, labels_name = PLAIN_OUTPUTS
        labels = self.node("Cast", [labels], to=TensorProto.INT32)
        count = self.node("Cast", [count], to=TensorProto.INT32)
        self.output(count_name, count, TensorProto.INT32, (self._batch, 1))
        self.output(boxes_name, boxes, TensorProto.FLOAT, (self._batch, limit, 4))
        self.output(scores_name, scores, TensorProto.FLOAT, (self._batch, limit))
        self.output(labels_name, labels, TensorProto.INT32, (self._batch, limit))
        if masks is not None:
            lengths = self._known_lengths(masks)[1:]
            self.output(MASKS, masks, TensorProto.FLOAT, (self._batch, *lengths))

    def to_model(self, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """Return the finished model.

        Args:
            metadata: goes into the model's metadata properties.

        Raises:
            ExportError: no outputs were declared.
        """
        if not self._outputs:
            raise ExportError(
                "the detector's hook export_glue is missing or declared no outputs; it must end "
                "with graph.detections(...)"
            )
        domains = sorted({node.domain for node in self._nodes} - {""})
        graph = helper.make_graph(
            self._nodes,
            "detforge",
            [self._input],
            self._outputs,
            initializer=list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [helper.make_opsetid(domain, 1) for domain in domains]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets[:1]),
            producer_name="detforge",
        )
        helper.set_model_props(model, dict(metadata))
        return model

    def _known_lengths(self, tensor: str) -> list[int]:
        """Return the lengths of an output, 0 for the batch; every other must be known."""
        lengths = self.shape(tensor)
        if None in lengths[1:]:
            raise ExportError(
                f"the shape of {tensor!r} is {lengths}; all but the batch must be known at export"
            )
        return [length or 0 for length in lengths]

    def _unique(self, word: str) -> str:
        self._counts[word] += 1
        count = self._counts[word]
        return word if count == 1 else f"{word}_{count}"

    def _add_constant(self, tensor: onnx.TensorProto, name: str) -> None:
        copy = onnx.TensorProto()
        copy.CopyFrom(tensor)
        copy.name = name
        self._constants[name] = copy
        self._types[name] = helper.make_tensor_type_proto(copy.data_type, list(copy.dims))

    def _infer(self, node: onnx.NodeProto) -> None:
        """Infer the types of a node's outputs from those of its inputs."""
        if any(name and name not in self._types for name in node.input):
            return  # downstream of an operator whose shapes ONNX does not know
        known = {name: self._types[name] for name in node.input if name}
        values = {name: self._constants[name] for name in node.input if name in self._constants}
        schema = onnx.defs.get_schema(node.op_type, self.opset)
        try:
            inferred = shape_inference.infer_node_outputs(
                schema, node, known, values, opset_imports=[helper.make_opsetid("", self.opset)]
            )
        except shape_inference.InferenceError as err:
            shapes = ", ".join(f"{name} {self.shape(name)}" for name in known)
            raise ExportError(f"{node.op_type} does not fit its inputs ({shapes}): {err}") from err
        self._types.update(inferred)


def _renamed_node(node: onnx.NodeProto, renamed: Mapping[str, str], prefix: str) -> onnx.NodeProto:
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
        raise ExportError(
            f"{node.name} holds a graph of its own (a loop or a branch); move it out of the part"
        )
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name = f"{prefix}/{node.name}"
    copy.input[:] = [renamed[tensor] for tensor in node.input]
    copy.output[:] = [renamed[tensor] for tensor in node.output]
    return copy
