"""How a network differs from the one that its spec describes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """What of a network no spec says, because weights decide it; kept in checkpoints.

    Attributes:
        backbone: name of a `BackboneOptions` -> value, which pretrained weights need: how
            strided convolutions pad, where a bottleneck has its stride.
        widths: part -> layer -> output channels that pruning left; only layers that are narrower
            than the spec says.
    """

    backbone: Mapping[str, Any] = field(default_factory=dict)
    widths: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Variant:
        """Return what `to_json` put into a checkpoint; of an older one the plain network.

        Raises:
            ValueError: it is not what `to_json` gives.
        """
        match found:
            case {"backbone": dict(backbone), "widths": dict(widths), **rest} if not rest:
                pass
            case {**rest} if not rest:
                return cls()
            case _:
                raise ValueError(f"variant {found!r}")
        kinds = {type(value) for value in backbone.values()}
        if not kinds <= {bool, int, float, str}:
            raise ValueError(f"variant of the backbone {backbone!r}")
        for part, layers in widths.items():
            numbers = layers.values() if isinstance(layers, dict) else [None]
            if not all(type(number) is int and number > 0 for number in numbers):
                raise ValueError(f"widths of the part {part!r}")
        return cls(backbone=backbone, widths=widths)

    def narrowed(self, widths: Mapping[str, Mapping[str, int]]) -> Variant:
        """Return the variant of a network that was pruned further, to these widths."""
        parts = {**self.widths, **widths}
        merged = {part: {**self.widths.get(part, {}), **widths.get(part, {})} for part in parts}
        return replace(self, widths=merged)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)
