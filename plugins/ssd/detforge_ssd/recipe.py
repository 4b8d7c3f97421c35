"""From SSD's spec to the core's recipe: the standard messages and a few checks of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.errors import Problem, SpecError
from detforge.recipe import Checkpoints, Freeze
from detforge.spec import standard_recipe

if TYPE_CHECKING:
    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2


def to_recipe(spec: spec_pb2.Experiment) -> Recipe:
    """Return the recipe; the background is channel 0 of the softmax, pixels enter as BGR.

    Raises:
        SpecError: no ssd_config, anchors that do not add up, or a standard message is wrong.
    """
    if not spec.HasField("ssd_config"):
        raise SpecError(Problem("ssd_config", "is missing; it describes the detector"))
    config = spec.ssd_config
    from detforge_ssd.anchors import anchor_config

    anchor_config(config)
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
