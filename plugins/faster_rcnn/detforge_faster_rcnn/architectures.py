"""The backbones that ``arch`` names: blocks that can be frozen, and the switches they have.

Kept here so that a mistake shows before Keras loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detforge.errors import Problem
from detforge.spec.checks import check_blocks
from detforge.spec.fields import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_faster_rcnn import spec_pb2

_MODEL = "model_config"
_SWITCHES = ("dropout_rate", "drop_connect_rate", "all_projections", "use_pooling", "activation")


@dataclass(frozen=True, slots=True)
class Family:
    """Backbones that differ only in depth or width.

    Attributes:
        blocks: numbers that ``freeze_blocks`` may hold.
        switches: fields of ``model_config`` that not every family has.
    """

    blocks: range
    switches: frozenset[str] = frozenset()


FAMILIES = {
    "resnet": Family(range(4), frozenset({"all_projections", "use_pooling"})),
    "vgg": Family(range(1, 6), frozenset({"dropout_rate", "use_pooling"})),
    "googlenet": Family(range(8)),
    "mobilenet_v1": Family(range(12)),
    "mobilenet_v2": Family(range(14), frozenset({"all_projections"})),
    "darknet": Family(range(6)),
    # 8 is the convolution behind the last block.
    "efficientnet": Family(
        range(9), frozenset({"dropout_rate", "drop_connect_rate", "activation"})
    ),
}


def family_of(arch: str) -> str:
    """Return the family of a backbone: ``resnet`` of ``resnet:18``."""
    return arch.partition(":")[0]


def check_frozen(config: spec_pb2.ModelConfig) -> Iterator[Problem]:
    """Find frozen blocks that the backbone does not have."""
    blocks = FAMILIES[family_of(config.arch)].blocks
    yield from check_blocks(f"{_MODEL}.freeze_blocks", config.freeze_blocks, blocks, config.arch)


def idle_switches(config: spec_pb2.ModelConfig) -> Iterator[Problem]:
    """Find switches that are set and that the backbone does not have."""
    own = FAMILIES[family_of(config.arch)].switches
    for name in _SWITCHES:
        is_on = config.HasField(name) if name == "activation" else getattr(config, name)
        if is_on and name not in own:
            others = (family for family, known in FAMILIES.items() if name in known.switches)
            message = f"has no effect on {config.arch}; it is for {listing(others, 'and')}"
            yield Problem(f"{_MODEL}.{name}", message)
