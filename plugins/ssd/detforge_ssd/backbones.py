"""The backbones that specs of SSD name: depths, and blocks that can be frozen.

Kept here so that a mistake shows before Keras loads; `detforge.backbones.find_backbone` has the
last word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from detforge.errors import Problem
from detforge.roadmap import arrival
from detforge.spec.checks import check_blocks
from detforge.spec.fields import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge_ssd import spec_pb2


class Family(NamedTuple):
    """A family of backbones.

    Attributes:
        blocks: numbers of the blocks that can be frozen.
        depths: that can be built today; empty where the family is to come.
        later: depths to come; empty too where a family has one depth, which no spec names.
    """

    blocks: range
    depths: tuple[int, ...] = ()
    later: tuple[int, ...] = ()


FAMILIES = {
    "resnet": Family(range(5), depths=(10, 18), later=(34, 50, 101)),
    "vgg": Family(range(1, 6), later=(16, 19)),
    "darknet": Family(range(6), later=(19, 53)),
    "googlenet": Family(range(10)),
    "mobilenet_v1": Family(range(12)),
    "mobilenet_v2": Family(range(14)),
    "squeezenet": Family(range(9)),
    "efficientnet_b0": Family(range(9)),
}


def check_backbone(config: spec_pb2.SsdConfig, block: str) -> Iterator[Problem]:
    """Yield what is wrong with arch, nlayers and freeze_blocks.

    Args:
        config: the message of the network, its arch one of `FAMILIES`.
        block: name of the message in the spec.
    """
    family = FAMILIES[config.arch]
    if not family.depths:
        today = listing(f'"{name}"' for name, other in FAMILIES.items() if other.depths)
        message = f'"{config.arch}" {arrival("backbones")}; until then use {today}'
        yield Problem(f"{block}.arch", message)
    if fault := _depth_fault(config, family):
        yield Problem(f"{block}.nlayers", fault)
    yield from check_blocks(
        f"{block}.freeze_blocks", config.freeze_blocks, family.blocks, config.arch
    )


def _depth_fault(config: spec_pb2.SsdConfig, family: Family) -> str:
    """Return what is wrong with the depth, or ''."""
    arch, depth = config.arch, config.nlayers
    if not (family.depths or family.later):
        return f"{arch} comes in one depth; remove nlayers" if depth else ""
    if depth in family.depths:
        return ""
    if depth in family.later:
        today = listing(map(str, family.depths)) if family.depths else ""
        return f"{arch} {depth} {arrival('backbones')}; until then use {today}" if today else ""
    is_given = config.HasField("nlayers")
    found = f"{arch} has no depth {depth}" if is_given else f"is missing for {arch}"
    coming = f" (to come: {', '.join(map(str, family.later))})" if family.depths else ""
    return f"{found}; use {listing(map(str, family.depths or family.later))}{coming}"
