"""From names in files to layers and what Keras 3 calls their weights."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Entry(NamedTuple):
    """One array of a file.

    Attributes:
        outer: what the layer lies in, a part or a model; only to tell equal names apart.
        layer: name of the layer.
        slot: which of its weights, as `slot_of` and `slots_by_shape` call it; '' says that the
            layer is there and has none.
        name: of the array in the file.
    """

    outer: str
    layer: str
    slot: str
    name: str


def group_layers(entries: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """Return layer name -> slot -> name of the array.

    A name that layers in two models or parts share is led by where each lies:
    ``part/layer``.
    """
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    outers: dict[str, set[str]] = defaultdict(set)
    for outer, layer, slot, name in entries:
        slots = found[outer, layer]
        outers[layer].add(outer)
        if slot:
            slots[slot] = name
    return {
        layer if len(outers[layer]) == 1 else f"{outer}/{layer}": _depthwise(slots)
        for (outer, layer), slots in found.items()
    }


def entries_of(names: Iterable[str]) -> list[Entry]:
    """Return the entries of arrays named ``part/layer/slot`` or ``layer/slot``; skip others."""
    found = []
    for name in names:
        *outer, layer, slot = ["", "", *name.split("/")]
        if layer:
            found.append(Entry("/".join(outer).strip("/"), layer, slot_of(slot), name))
    return found


def slot_of(name: str) -> str:
    """Return the slot in a weight's name of Keras: ``conv1/kernel:0`` -> ``kernel``."""
    return name.rpartition("/")[2].partition(":")[0]


def slots_by_shape(ndims: Sequence[int], config: Mapping[str, object]) -> tuple[str, ...]:
    """Return the slots of a layer whose file numbers its weights.

    Args:
        ndims: number of axes of each, in their order.
        config: of the layer; empty where the file has none.

    Returns:
        One slot each. Their numbers where axes do not tell what they are: such a layer is
        nowhere loaded by chance.
    """
    scales, centers = config.get("scale", True), config.get("center", True)
    statistics = ("moving_mean", "moving_variance")
    match tuple(ndims):
        case (n,) if n > 1:
            return ("kernel",)
        case (n, 1) if n > 1:
            return ("kernel", "bias")
        case (1, 1, 1, 1):
            return ("gamma", "beta", *statistics)
        case (1, 1, 1) if scales != centers:
            return ("gamma" if scales else "beta", *statistics)
        case (1, 1) if not scales and not centers:
            return statistics
        case (1, 1, 0):
            return ("mean", "variance", "count")
    return tuple(map(str, range(len(ndims))))


def _depthwise(slots: dict[str, str]) -> dict[str, str]:
    """Rename what Keras 2 calls the kernel of a depthwise layer; separable ones keep both."""
    if "depthwise_kernel" not in slots or "pointwise_kernel" in slots:
        return slots
    return {"kernel" if slot == "depthwise_kernel" else slot: a for slot, a in slots.items()}
