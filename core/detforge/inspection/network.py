"""What a network is made of and what it costs, as numbers; nothing is computed with it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from detforge import __version__
from detforge.backbones.layers import BatchNormalization
from detforge.graph.cost import LayerCost, layer_costs
from detforge.weights import named_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from detforge.model import DetectionModel
    from detforge.recipe import Classes, InputFormat, Recipe

    Trains = Literal["all", "gamma_beta", "nothing"]

FORMAT_VERSION = "1.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerRow:
    """A layer of a network.

    Attributes:
        cost: its shapes, weights and multiply-adds.
        trains: "gamma_beta" where the statistics of batch normalisation are frozen; None for a
            layer without weights.
        channels_before: of what it puts out, before pruning; None where they are the same.
    """

    cost: LayerCost
    trains: Trains | None
    channels_before: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableRow:
    """A weight: a kernel, a bias, one of the four of batch normalisation.

    Attributes:
        name: as in checkpoints.
        shape: of the array.
        dtype: of its numbers.
        trains: whether the optimiser changes it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    trains: bool

    @property
    def parameters(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelRow:
    """A feature map that predicts; sizes in cells.

    Attributes:
        part: of the model.
        layer: that puts the map out.
        height: rows.
        width: columns.
        channels: of a cell.
        anchors_per_cell: 1 for a detector without anchors.
        anchors: of the whole map.
    """

    part: str
    layer: str
    height: int
    width: int
    channels: int
    anchors_per_cell: int
    anchors: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Sums over a network.

    Attributes:
        parameters: numbers in all weights.
        trainable_parameters: those that the optimiser changes.
        multiply_adds: for one image.
        weight_bytes: what the weights take in memory, and nearly so in a checkpoint.
    """

    parameters: int
    trainable_parameters: int
    multiply_adds: int
    weight_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What a network is made of.

    Attributes:
        input: how images enter it.
        classes: what it finds.
        backbone: arch and depth, "resnet 18"; empty where it is the detector's own.
        layers: part by part, in the order of the graph.
        variables: in the order of the layers.
        levels: the feature maps that predict; none where the detector does not tell.
        totals: of all layers.
        totals_before: those before pruning; None for a network that is not pruned.
    """

    input: InputFormat
    classes: Classes
    backbone: str
    layers: Sequence[LayerRow]
    variables: Sequence[VariableRow]
    levels: Sequence[LevelRow]
    totals: Totals
    totals_before: Totals | None = None


def describe_network(
    model: DetectionModel, recipe: Recipe, before: DetectionModel | None = None
) -> Network:
    """Return what a network is made of.

    Args:
        model: frozen as the run will have it.
        recipe: what it was built from.
        before: the same network before pruning; None when it is not pruned.

    Raises:
        PluginError: the detector does not tell what a part takes in.
    """
    costs = layer_costs(model)
    costs_before = layer_costs(before) if before is not None else []
    backbone = model.backbone
    return Network(
        input=recipe.input,
        classes=recipe.classes,
        backbone=f"{backbone.arch} {backbone.depth or ''}".rstrip() if backbone else "",
        layers=_layer_rows(model, costs, costs_before),
        variables=_variable_rows(model),
        levels=_level_rows(model, costs),
        totals=_totals(model, costs),
        totals_before=_totals(before, costs_before) if before is not None else None,
    )


def as_json(network: Network, *, variables: bool) -> dict[str, Any]:
    """Return the numbers as JSON can hold them; `variables` adds those of each weight."""
    rows = [
        {**asdict(row.cost), "trains": row.trains, "channels_before": row.channels_before}
        for row in network.layers
    ]
    before = network.totals_before
    content = {
        "format_version": FORMAT_VERSION,
        "detforge": __version__,
        "input": asdict(network.input),
        "classes": list(network.classes.names),
        "backbone": network.backbone,
        "layers": rows,
        "levels": [asdict(level) for level in network.levels],
        "totals": asdict(network.totals),
        "totals_before": asdict(before) if before is not None else None,
    }
    if variables:
        content["variables"] = [
            {**asdict(row), "parameters": row.parameters} for row in network.variables
        ]
    return content


def _layer_rows(
    model: DetectionModel, costs: Iterable[LayerCost], before: Iterable[LayerCost]
) -> list[LayerRow]:
    earlier = {(cost.part, cost.layer): cost for cost in before}
    rows = []
    for cost in costs:
        layer = model.parts[cost.part].get_layer(cost.layer)
        wider = _channels(earlier.get((cost.part, cost.layer), cost))
        rows.append(
            LayerRow(
                cost=cost,
                trains=_trains(layer) if layer.weights else None,
                channels_before=wider if wider != _channels(cost) else None,
            )
        )
    return rows


def _channels(cost: LayerCost) -> int:
    return cost.output_shapes[0][-1]


def _trains(layer: Any) -> Trains:
    if not layer.trainable_weights:
        return "nothing"
    is_fixed = isinstance(layer, BatchNormalization) and layer.frozen_statistics
    return "gamma_beta" if is_fixed else "all"


def _variable_rows(model: DetectionModel) -> list[VariableRow]:
    return [
        VariableRow(
            name=name, shape=tuple(found.shape), dtype=str(found.dtype), trains=found.trainable
        )
        for name, found in named_variables(model).items()
    ]


def _level_rows(model: DetectionModel, costs: Iterable[LayerCost]) -> list[LevelRow]:
    shapes = {(cost.part, cost.layer): cost.output_shapes[0] for cost in costs}
    rows = []
    for level in model.levels:
        _, height, width, channels = shapes[level.part, level.layer]
        rows.append(
            LevelRow(
                part=level.part,
                layer=level.layer,
                height=height,
                width=width,
                channels=channels,
                anchors_per_cell=level.anchors,
                anchors=height * width * level.anchors,
            )
        )
    return rows


def _totals(model: DetectionModel, costs: Sequence[LayerCost]) -> Totals:
    weights = {id(found): found for found in named_variables(model).values()}
    return Totals(
        parameters=sum(cost.parameters for cost in costs),
        trainable_parameters=sum(cost.trainable_parameters for cost in costs),
        multiply_adds=sum(cost.multiply_adds for cost in costs),
        weight_bytes=sum(
            math.prod(found.shape) * np.dtype(found.dtype).itemsize for found in weights.values()
        ),
    )
