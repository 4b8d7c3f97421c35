"""The backbones that specs of SSD name: depths, and blocks that can be frozen.

Kept here so that a mistake shows before Keras loads; `detforge.backbones.find_backbone` has the
last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detforge.errors import Problem
from detforge.spec.checks import check_blocks
from detforge.spec.fields import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_ssd import spec_pb2


class Family(NamedTuple):
    """A family of backbones.

    Attributes:
        blocks: numbers of the blocks that can be frozen.
        depths: empty where a family has one depth, which no spec names.
    """

    blocks: range
    depths: tuple[int, ...] = ()


FAMILIES = {
    "resnet": Family(range(5), depths=(10, 18, 34, 50, 101)),
    "vgg": Family(range(1, 6), depths=(16, 19)),
    "darknet": Family(range(6), depths=(19, 53)),
    "googlenet": Family(range(10)),
    "mobilenet_v1": Family(range(12)),
    "mobilenet_v2": Family(range(14)),
    "squeezenet": Family(range(9)),
    "efficientnet_b0": Family(range(9)),
}


def check_backbone(config: spec_pb2.SsdConfig, block: str) -> Iterator[Problem]:
    """Yield what is wrong with nlayers and freeze_blocks.

    Args:
        config: the message of the network, its arch one of `FAMILIES`.
        block: name of the message in the spec.
    """
    family = FAMILIES[config.arch]
    if fault := _depth_fault(config, family):
        yield Problem(f"{block}.nlayers", fault)
    yield from check_blocks(
        f"{block}.freeze_blocks", config.freeze_blocks, family.blocks, config.arch
    )


def _depth_fault(config: spec_pb2.SsdConfig, family: Family) -> str:
    """Return what is wrong with the depth, or ''."""
    arch, depth = config.arch, config.nlayers
    if not family.depths:
        return f"{arch} comes in one depth; remove nlayers" if depth else ""
    if depth in family.depths:
        return ""
    found = (
        f"{arch} has no depth {depth}" if config.HasField("nlayers") else f"is missing for {arch}"
    )
    return f"{found}; use {listing(map(str, family.depths))}"
