"""Pruning: the weakest channels of a model are found, and left out of it.

What is judged is a piece: all channels that the same layers share. Convolutions whose outputs are
added make one piece. Where outputs of 32 and of 64 channels are concatenated and added to one of
96, there are two pieces, and granularity and minimum hold for each.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.errors import CheckpointError, UsageError
from detforge.graph.channels import find_pieces
from detforge.graph.narrow import narrow_parts
from detforge.graph.selection import channel_norms, equalize, normalize, select
from detforge.graph.trace import trace_channels
from detforge.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import keras
    from numpy.typing import NDArray

    from detforge.graph.channels import Channels
    from detforge.graph.rules import Flow
    from detforge.graph.selection import Selection
    from detforge.graph.trace import Trace
    from detforge.model import DetectionModel

    Shapes = Mapping[str, Mapping[str, Mapping[str, tuple[int, ...]]]]


def plan_pruning(model: DetectionModel, selection: Selection) -> PruningPlan:
    """Return which channels of a model stay; the model is not changed.

    For several selections of one model, `survey` it once.

    Raises:
        UsageError: the selection makes no sense for this model.
        CheckpointError: weights that are no numbers.
        PluginError: a layer that no rule is known for.
    """
    return survey(model).plan(selection)


def apply_pruning(model: DetectionModel, plan: PruningPlan) -> None:
    """Put narrower parts in the place of a model's, with the weights that stay."""
    parts = model.parts
    narrow_parts(model, plan.widths)
    for name, part in parts.items():
        if model.parts[name] is part:
            continue
        narrow = {layer.name: layer for layer in model.parts[name].layers}
        for layer in part.layers:
            axes = plan.flows[name][layer.name].weights
            for old, new in zip(layer.weights, narrow[layer.name].weights, strict=True):
                new.assign(plan.sliced(np.asarray(old), axes.get(old.name, ())))


def survey(model: DetectionModel) -> Survey:
    """Return all that pruning decides by; reads each weight once.

    Raises:
        CheckpointError: weights that are no numbers.
        PluginError: a layer that no rule is known for.
    """
    trace = trace_channels(model)
    roots = trace.graph.roots()
    judged, shapes = [], {}
    for name, part in model.parts.items():
        shapes[name] = {
            layer.name: {weight.name: tuple(weight.shape) for weight in layer.weights}
            for layer in part.layers
        }
        for layer in part.layers:
            judged += _judge(layer, trace.flows[name][layer.name], roots)
    return Survey(trace, roots, judged, shapes)


def _judge(layer: keras.Layer, flow: Flow, roots: NDArray[np.int64]) -> Iterator[_Judged]:
    for weight in layer.weights:
        if weight.name not in flow.judged:
            continue
        axis = flow.judged[weight.name]
        norms = channel_norms(np.asarray(weight), axis)
        if not np.isfinite(norms).all():
            raise CheckpointError(
                f"weights of the layer {layer.name!r} are no numbers, so that nothing can be said "
                "about its channels; prune an earlier checkpoint"
            )
        yield _Judged(norms, roots[flow.weights[weight.name][axis]])


class _Judged(NamedTuple):
    """Norms of a layer, (F,), and the roots of the channels that they are of, (F,)."""

    norms: NDArray[np.float64]
    channels: Channels


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """What pruning decides by, read from a model once; see `survey`."""

    _trace: Trace
    _roots: NDArray[np.int64]
    _judged: Sequence[_Judged]
    _shapes: Shapes

    def plan(self, selection: Selection) -> PruningPlan:
        """Return which channels stay.

        Raises:
            UsageError: an excluded layer that is not there, a threshold above all scores, or a
                granularity above all widths.
        """
        scores, pieces = self._scores(selection), self._pieces(selection.excluded)
        _check_sense(pieces, scores, selection)
        is_kept = np.ones(scores.size, bool)
        for piece in pieces:
            is_kept[piece] = select(scores[piece], selection)
        return PruningPlan(self._trace.flows, self._shapes, is_kept[self._roots])

    def scores(self, selection: Selection) -> NDArray[np.float64]:
        """Return the scores that a threshold is compared with, of all channels that may go.

        Raises:
            UsageError: an excluded layer that is not there.
        """
        scores, pieces = self._scores(selection), self._pieces(selection.excluded)
        return np.concatenate([scores[:0], *(scores[piece] for piece in pieces)])

    def _scores(self, selection: Selection) -> NDArray[np.float64]:
        """Return the score of each root that layers are judged by, NaN for other channels."""
        of_each = [normalize(judged.norms, selection.normalizer) for judged in self._judged]
        return equalize(
            np.concatenate([np.empty(0), *of_each]),
            np.concatenate([self._roots[:0], *(judged.channels for judged in self._judged)]),
            self._roots.size,
            selection.equalization,
        )

    def _pieces(self, excluded: Iterable[str]) -> list[Channels]:
        """Return the roots of each piece that may be pruned."""
        is_whole, outputs = self._trace.graph.is_whole(self._roots), self._trace.outputs
        for name in excluded:
            if name not in outputs:
                raise UsageError(
                    f"the model has no layer {name!r} to exclude from pruning; the task summary "
                    f"lists those that it has.{did_you_mean(name, outputs)}"
                )
            for channels in outputs[name]:
                is_whole[self._roots[channels]] = True
        number = find_pieces((judged.channels for judged in self._judged), self._roots.size)
        number[is_whole] = 0
        by_piece = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[by_piece], prepend=0))
        return np.split(by_piece, starts)[1:]


@dataclass(frozen=True, eq=False, slots=True)
class PruningPlan:
    """What stays of a model.

    Attributes:
        flows: part -> layer -> the channels of its weights and of its output.
        shapes: part -> layer -> weight -> its shape before.
        is_kept: bool, channel -> whether it stays.
    """

    flows: Mapping[str, Mapping[str, Flow]]
    shapes: Shapes
    is_kept: NDArray[np.bool_]

    @property
    def kept(self) -> dict[str, dict[str, NDArray[np.int64]]]:
        """Part -> layer -> positions of its output channels that stay, ascending."""
        return {
            part: {layer: self._positions(flow.output) for layer, flow in flows.items()}
            for part, flows in self.flows.items()
        }

    @property
    def widths(self) -> dict[str, dict[str, int]]:
        """Part -> layer -> output channels, of layers that say so in their config and lose some.

        For `Variant.widths`. A model that was pruned before has others, which stay: it takes
        those of the earlier variant, updated by these.
        """
        widths = {
            part: {
                layer: after
                for layer, flow in flows.items()
                if flow.resized is not None
                and (after := self._count(flow.output)) < flow.output.size
            }
            for part, flows in self.flows.items()
        }
        return {part: layers for part, layers in widths.items() if layers}

    @property
    def channels(self) -> dict[str, tuple[int, int]]:
        """Layer -> output channels before and after, of layers whose norms count.

        Where several parts have a layer of a name, it is ``part/layer``.
        """
        parts_with = Counter(layer for flows in self.flows.values() for layer in flows)
        return {
            layer if parts_with[layer] == 1 else f"{part}/{layer}": (
                flow.output.size,
                self._count(flow.output),
            )
            for part, flows in self.flows.items()
            for layer, flow in flows.items()
            if flow.judged
        }

    @property
    def parameters(self) -> tuple[int, int]:
        """Numbers in all weights before and after."""
        before = after = 0
        for part, layers in self.shapes.items():
            for layer, weights in layers.items():
                axes = self.flows[part][layer].weights
                for name, shape in weights.items():
                    before += math.prod(shape)
                    after += math.prod(self._shape(shape, axes.get(name, ())))
        return before, after

    def sliced(
        self, weight: NDArray[np.floating], axes: Sequence[Channels | None]
    ) -> NDArray[np.floating]:
        """Return what stays of a weight whose axes run over these channels."""
        for axis, channels in enumerate(axes):
            if channels is not None:
                weight = weight.take(self._positions(channels), axis)
        return weight

    def _shape(self, shape: tuple[int, ...], axes: Sequence[Channels | None]) -> Iterator[int]:
        for size, channels in zip_longest(shape, axes):
            yield size if channels is None else self._count(channels)

    def _positions(self, channels: Channels) -> NDArray[np.int64]:
        return np.flatnonzero(self.is_kept[channels])

    def _count(self, channels: Channels) -> int:
        return int(np.count_nonzero(self.is_kept[channels]))


def _check_sense(
    pieces: Sequence[Channels], scores: NDArray[np.float64], selection: Selection
) -> None:
    """Refuse what would prune nothing anywhere, or everything everywhere.

    Raises:
        UsageError: says up to where the value makes sense.
    """
    if not pieces:
        return
    widest = max(piece.size for piece in pieces)
    if selection.granularity > widest:
        raise UsageError(
            f"the pruning granularity is {selection.granularity}, but no layer has more than "
            f"{widest} channels to choose from; use {widest} or less"
        )
    strongest = max(scores[piece].max() for piece in pieces)
    if strongest <= selection.threshold:
        raise UsageError(
            f"the pruning threshold is {selection.threshold:g}, but no channel of any layer has a "
            f"score above {strongest:.4g}; with a lower one, something is left to choose from"
        )
