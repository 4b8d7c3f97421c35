"""From a spec of SSD or DSSD to the core's recipe: the standard messages and a few checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from detforge.errors import Problem, SpecError
from detforge.recipe import Freeze
from detforge.spec import standard_recipe
from detforge.spec.fields import listing
from detforge_ssd.anchor_config import anchor_config, check_centres
from detforge_ssd.backbones import check_backbone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detforge.protos.experiment_pb2 import AugmentationConfig
    from detforge.recipe import Recipe
    from detforge_ssd import spec_pb2

# Smaller inputs leave the last feature maps a single cell, and the documents start here.
_SMALLEST_INPUT = 128
_PREDICTION_CHANNELS = (256, 512, 1024)


def to_recipe(spec: spec_pb2.Experiment, network: Literal["ssd", "dssd"]) -> Recipe:
    """Return the recipe; the background is channel 0 of the softmax, pixels enter as BGR.

    Args:
        spec: a checked spec.
        network: the detector that asks; the spec must hold its block.

    Raises:
        SpecError: the block is absent or of the other detector, a backbone does not exist,
            anchors do not add up, or a standard message is wrong.
    """
    block = f"{network}_config"
    found = spec.WhichOneof("network")
    if found is None:
        raise SpecError(Problem(block, "is missing; it describes the detector"))
    if found != block:
        other = found.removesuffix("_config")
        message = f"this is a spec of {other}: use detforge {other}, or call the block {block}"
        raise SpecError(Problem(found, message))
    config: spec_pb2.SsdConfig = getattr(spec, block)
    return standard_recipe(
        spec,
        name=f"{network}_{config.arch}{config.nlayers or ''}",
        background="first",
        color_order="bgr",
        freeze=Freeze(
            blocks=tuple(config.freeze_blocks),
            batch_norm=config.freeze_bn,
            field=f"{block}.freeze_blocks",
        ),
        problems=[
            *check_backbone(config, block),
            *_check_prediction(config, block),
            *_check_anchors(config, block, spec.augmentation_config),
            *_check_size(spec.augmentation_config),
        ],
    )


def _check_prediction(config: spec_pb2.SsdConfig, block: str) -> Iterator[Problem]:
    channels = config.pred_num_channels
    if channels not in (0, *_PREDICTION_CHANNELS):
        words = listing(map(str, _PREDICTION_CHANNELS))
        message = f"{channels} is not possible; use {words}, or 0 for no such module"
        yield Problem(f"{block}.pred_num_channels", message)


def _check_anchors(
    config: spec_pb2.SsdConfig, block: str, image: AugmentationConfig
) -> Iterator[Problem]:
    try:
        anchors = anchor_config(config, block=block)
    except SpecError as err:
        yield from err.problems
        return
    yield from check_centres(anchors, image.output_height, image.output_width, block=block)


def _check_size(image: AugmentationConfig) -> Iterator[Problem]:
    for name in ("output_width", "output_height"):
        if (side := getattr(image, name)) < _SMALLEST_INPUT:
            message = f"{side} px is too small for six feature maps; use at least {_SMALLEST_INPUT}"
            yield Problem(f"augmentation_config.{name}", message)
