"""The channels of a whole model, followed through its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import PluginError
from detforge.graph.calls import Call, calls, input_name
from detforge.graph.channels import ChannelGraph, Channels
from detforge.graph.rules import Flow, channel_flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras

    from detforge.model import DetectionModel, Join


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """Where the channels of a model go.

    Attributes:
        graph: which channels are tied, and which stay.
        flows: part -> layer -> what its first call does with channels.
        outputs: layer -> channels of what each of its calls gives, in whatever part.
    """

    graph: ChannelGraph = field(default_factory=ChannelGraph)
    flows: dict[str, dict[str, Flow]] = field(default_factory=dict)
    outputs: dict[str, list[Channels]] = field(default_factory=dict)


class _Ends(NamedTuple):
    """Channels of the inputs and of the outputs of a part."""

    inputs: list[Channels]
    outputs: list[Channels]


def trace_channels(model: DetectionModel) -> Trace:
    """Follow the channels of a model from its inputs to its outputs.

    What enters a part or leaves it stays whole, unless `DetectionModel.joins` says where it goes.

    Raises:
        PluginError: a layer that no rule is known for, or a join of what does not fit together.
    """
    trace = Trace()
    ends = {name: _trace_part(trace, name, part) for name, part in model.parts.items()}
    _join(trace.graph, model.joins, ends)
    return trace


def _trace_part(trace: Trace, name: str, part: keras.Model) -> _Ends:
    flows = trace.flows[name] = {}
    channels: dict[int, Channels] = {}
    for tensor in part.inputs:
        entering = trace.graph.new(tensor.shape[-1] or 0)
        channels[id(tensor)] = entering
        flows[input_name(tensor)] = Flow(output=entering, resized=partial(_input_config, tensor))
        trace.outputs.setdefault(input_name(tensor), []).append(entering)
    for call in calls(part):
        incoming = [channels[id(tensor)] for tensor in call.inputs]
        flow = _flow(name, call, incoming, trace.graph)
        if (first := flows.setdefault(call.layer.name, flow)) is not flow:
            _agree(first, flow, trace.graph)
        channels[id(call.outputs[0])] = flow.output
        trace.outputs.setdefault(call.layer.name, []).append(flow.output)
    return _Ends(
        [channels[id(tensor)] for tensor in part.inputs],
        [channels[id(tensor)] for tensor in part.outputs],
    )


def _input_config(tensor: keras.KerasTensor, width: int) -> dict[str, Any]:
    return {"batch_shape": (*tensor.shape[:-1], width)}


def _flow(part: str, call: Call, incoming: Sequence[Channels], graph: ChannelGraph) -> Flow:
    """Return what a call does with channels.

    Raises:
        PluginError: nobody knows; names the layer.
    """
    try:
        return _checked_flow(call, incoming, graph)
    except PluginError as err:
        layer = call.layer
        raise PluginError(
            f"the layer {layer.name!r} ({type(layer).__name__}) of the part {part!r} cannot be "
            f"pruned: {err}"
        ) from err


def _checked_flow(call: Call, incoming: Sequence[Channels], graph: ChannelGraph) -> Flow:
    if getattr(call.layer, "data_format", None) == "channels_first":
        raise PluginError("its channels come first; build it with channels_last")
    if len(call.outputs) > 1:
        raise PluginError("it gives several tensors; use layers that give one each")
    shape = call.outputs[0].shape
    flow = channel_flow(call.layer, incoming, shape, graph)
    if flow.output.size != (shape[-1] or 0):
        raise PluginError(f"{shape[-1]} channels come out, not {flow.output.size} as its rule says")
    return flow


def _agree(first: Flow, other: Flow, graph: ChannelGraph) -> None:
    """Tie what two calls of a layer have in common: its weights, and what its config says."""
    for name, axes in first.weights.items():
        for one, two in zip(axes, other.weights[name], strict=True):
            if one is not None and two is not None:
                graph.tie([one, two])
    if first.resized is not None:
        graph.tie([first.output, other.output])


def _join(graph: ChannelGraph, joins: Sequence[Join], ends: Mapping[str, _Ends]) -> None:
    """Tie outputs of parts to the inputs that they feed, and keep all others whole.

    Raises:
        PluginError: a join of ends that are not there, or of different widths.
    """
    loose = {
        (part, side, number): channels
        for part, sides in ends.items()
        for side, tensors in zip(_Ends._fields, sides, strict=True)
        for number, channels in enumerate(tensors)
    }
    joined = set()
    for join in joins:
        tied = (join.source, "outputs", join.output), (join.target, "inputs", join.input)
        if not loose.keys() >= set(tied):
            raise PluginError(f"{join} names an output or an input that the model does not have")
        one, other = (loose[end] for end in tied)
        if one.size != other.size:
            raise PluginError(f"{join} is of {one.size} channels on one side, {other.size} there")
        graph.tie([one, other])
        joined.update(tied)
    for end, channels in loose.items():
        if end not in joined:
            graph.keep(channels)
