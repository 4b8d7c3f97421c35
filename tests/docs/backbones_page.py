"""The blocks of docs/backbones.md: families as they are built, and what SSD predicts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from detforge.backbones import find_backbone
from detforge_ssd.backbones import FAMILIES
from tests.docs import base_specs
from tests.docs.console import fenced, run
from tests.ssd.test_backbones import LARGE, MAPS, MID, SMALL

EFFICIENTNETS = [f"efficientnet_b{version}" for version in range(1, 8)]
SETS = {LARGE: "large", LARGE[:4]: "large", MID: "mid", MID[:4]: "mid", SMALL: "small"}


def families() -> str:
    """Return a table of families: depths, blocks and options."""
    head = [
        "| `arch` | `nlayers` | blocks | built by SSD | options |",
        "|---|---|---|---|---|",
    ]
    names = [*FAMILIES, f"{EFFICIENTNETS[0]}` to `{EFFICIENTNETS[-1]}"]
    return "\n".join([*head, *map(_family_row, names), ""])


def _family_row(name: str) -> str:
    arch = name.partition("`")[0]
    depths = FAMILIES[arch].depths if arch in FAMILIES else ()
    backbone = find_backbone(arch, depths[0] if depths else 0, field="a_config")
    blocks = list(backbone.blocks)
    ours = FAMILIES[arch].blocks if arch in FAMILIES else ()
    options = ", ".join(f"`{option}`" for option in sorted(backbone.family.options))
    cells = (
        f"`{name}`",
        ", ".join(map(str, depths)),
        f"{blocks[0]} to {blocks[-1]}",
        f"{ours[0]} to {ours[-1]}" if ours else "no",
        options or "none",
    )
    return "| " + " | ".join(cells) + " |"


def taps() -> str:
    """Return a table of the maps of SSD."""
    head = [
        "| backbone | predicts from | extra layers behind | set | channels | sides at 300 |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_taps_row(*backbone) for backbone in MAPS), ""])


def _taps_row(arch: str, depth: int) -> str:
    (*first, last), sides, channels = MAPS[arch, depth]
    extras = next(SETS[channels[k:]] for k in range(1, 4) if channels[k:] in SETS)
    predicting = [*first, last] if extras == "small" else first
    cells = (
        f"{arch} {depth or ''}".strip(),
        ", ".join(f"`{name}`" for name in predicting),
        f"`{last}`",
        extras,
        ", ".join(map(str, channels)),
        ", ".join(map(str, sides)),
    )
    return "| " + " | ".join(cells) + " |"


def refused() -> str:
    """Return what is said about blocks and depths that do not exist."""
    line = "detforge ssd spec --check spec.txt"
    text = base_specs.SSD.replace("nlayers: 18", "nlayers: 20\n  freeze_blocks: [0, 5]")
    return fenced(f"$ {line}\n{run(line, {'spec.txt': text}).text}", "console")


BLOCKS: Mapping[str, Callable[[], str]] = {"families": families, "taps": taps, "refused": refused}
"""Name -> what makes the block."""
