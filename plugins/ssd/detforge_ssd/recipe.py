"""From SSD's spec to the core's recipe: the standard messages and a few checks of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.errors import Problem, SpecError
from detforge.recipe import Checkpoints, Freeze
from detforge.roadmap import arrival
from detforge.spec import standard_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2

# Of each backbone: depths of this release, depths of the next that brings more, and blocks.
# Kept here so that a mistake shows before Keras loads; `find_backbone` has the last word.
_DEPTHS = {"resnet": (10, 18)}
_LATER_DEPTHS = {"resnet": (34, 50, 101)}
_BLOCKS = {"resnet": range(5)}


def to_recipe(spec: spec_pb2.Experiment) -> Recipe:
    """Return the recipe; the background is channel 0 of the softmax, pixels enter as BGR.

    Raises:
        SpecError: no ssd_config, a backbone that does not exist, anchors that do not add up, or
            a standard message is wrong.
    """
    if not spec.HasField("ssd_config"):
        raise SpecError(Problem("ssd_config", "is missing; it describes the detector"))
    config = spec.ssd_config
    if problems := [*_backbone_problems(config), *_anchor_problems(config)]:
        raise SpecError(problems)
    recipe = standard_recipe(
        spec,
        name="ssd",
        background="first",
        color_order="bgr",
        freeze=Freeze(
            blocks=tuple(config.freeze_blocks),
            batch_norm=config.freeze_bn,
            field="ssd_config.freeze_blocks",
        ),
    )
    name = f"ssd_{config.arch}{config.nlayers or ''}"
    return replace(recipe, checkpoints=Checkpoints(name=name, interval=recipe.checkpoints.interval))


def _backbone_problems(config: spec_pb2.SsdConfig) -> Iterator[Problem]:
    arch, depth = config.arch, config.nlayers
    if arch not in _DEPTHS:
        return
    later = _LATER_DEPTHS[arch]
    today = " or ".join(map(str, _DEPTHS[arch]))
    if depth in later:
        message = f"{arch} {depth} {arrival('backbones')}; until then use {today}"
        yield Problem("ssd_config.nlayers", message)
    elif depth not in _DEPTHS[arch]:
        found = f"{arch} has no depth {depth}" if config.HasField("nlayers") else "is missing"
        coming = ", ".join(map(str, later))
        yield Problem("ssd_config.nlayers", f"{found}; use {today} (to come: {coming})")
    blocks = _BLOCKS[arch]
    for index, block in enumerate(config.freeze_blocks):
        if block not in blocks:
            message = f"{arch} has no block {block}; it has {blocks[0]} to {blocks[-1]}"
            yield Problem(f"ssd_config.freeze_blocks[{index}]", message)


def _anchor_problems(config: spec_pb2.SsdConfig) -> Iterator[Problem]:
    from detforge_ssd.anchors import anchor_config

    try:
        anchor_config(config)
    except SpecError as err:
        yield from err.problems
