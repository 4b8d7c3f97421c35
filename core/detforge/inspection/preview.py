"""Training images as the network sees them, in one picture.

What is drawn comes out of the batches of a run: nothing is augmented, cut or scaled here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from detforge.data.batches import TrainingBatches
from detforge.data.labels import name_classes
from detforge.data.sources import open_set
from detforge.errors import DatasetError
from detforge.inference.batch_images import BatchImage, draw_batch_image, image_of
from detforge.inference.sheets import sheet, tile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from detforge.data.samples import SampleSource
    from detforge.plugins import Detector
    from detforge.recipe import Recipe

    Image = NDArray[np.uint8]

# Longer side of an image in the picture.
_MAX_SIDE = 720
# Of the whole picture, about; more images become smaller ones.
_MAX_PIXELS = 40e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What to show of a run.

    Attributes:
        images: how many.
        epoch: to begin with, from 1.
        seed: of order and augmentation; None for the recipe's.
        validation: the validation images instead, which nothing augments.
        plain: each image without augmentation too.
    """

    images: int = 16
    epoch: int = 1
    seed: int | None = None
    validation: bool = False
    plain: bool = False


class Shown(NamedTuple):
    """An image of the picture.

    Attributes:
        row: its number in the data.
        epoch: of the run, from 1.
        name: of its file.
    """

    row: int
    epoch: int
    name: str


class _View(NamedTuple):
    """An image of a batch, and the epoch that it comes in."""

    epoch: int
    drawn: BatchImage


def draw_preview(
    recipe: Recipe, detector: Detector, selection: Selection, title: str
) -> tuple[Image, list[Shown]]:
    """Return the picture, uint8 (H, W, 3) RGB, and what is in it.

    Args:
        recipe: of the run.
        detector: asked for further readers.
        selection: what to show.
        title: what the recipe is.

    Raises:
        DatasetError: there are no such data, or an image or its labels cannot be used.
    """
    what = "validation" if selection.validation else "training"
    source = open_set(recipe, detector, what)
    if source is None:
        raise DatasetError(f"{title} names no {what} data")
    if selection.validation:
        recipe = _without_training_limits(recipe)
    seed = recipe.seed if selection.seed is None else selection.seed
    streams = [_views(source, recipe, seed, selection)]
    if selection.plain and recipe.augmentation:
        still = replace(recipe, augmentation=())
        streams.insert(0, _views(source, still, seed, selection))
    names = name_classes(recipe.classes, source.categories).names
    side = min(_MAX_SIDE, math.sqrt(_MAX_PIXELS / selection.images))
    shown, tiles = [], []
    for views in zip(*streams, strict=True):
        row, epoch = views[-1].drawn.row, views[-1].epoch
        shown.append(Shown(row, epoch, source[row].name))
        tiles.append(_tile(views, names, shown[-1], side))
    explanation = _explain(recipe, what, seed, is_paired=len(streams) > 1)
    return sheet(tiles, title, explanation), shown


def _without_training_limits(recipe: Recipe) -> Recipe:
    """Return a recipe whose batches hold every object, as evaluation counts them."""
    data = replace(
        recipe.data, max_objects=None, skip_crowd=False, min_box_width=0.0, min_box_height=0.0
    )
    return replace(recipe, augmentation=(), data=data)


def _views(
    source: SampleSource, recipe: Recipe, seed: int, selection: Selection
) -> Iterator[_View]:
    batches = TrainingBatches(source, recipe, seed=seed)
    step = (selection.epoch - 1) * batches.steps_per_epoch
    left = selection.images
    while left:
        arrays = batches.batch(step)
        count = min(left, len(arrays["row"]))
        epoch = step // batches.steps_per_epoch + 1
        yield from (_View(epoch, image_of(arrays, index, recipe.input)) for index in range(count))
        left -= count
        step += 1


def _explain(recipe: Recipe, what: str, seed: int, *, is_paired: bool) -> str:
    """Return what one has to know to read the picture."""
    steps = [_in_words(type(step).__name__) for step in recipe.augmentation]
    words = [f"{what} images", ", ".join(steps) if steps else "no augmentation", f"seed {seed}"]
    if is_paired:
        words.append("on the left of each pair without augmentation")
    return "; ".join([*words, "dashed outline: ignored in training"])


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


# --- drawing --------------------------------------------------------------------------------


def _tile(views: Sequence[_View], names: Sequence[str], shown: Shown, side: float) -> Image:
    """Return an image, or a pair of them, above a line that says which it is."""
    images = [draw_batch_image(view.drawn, names, side) for view in views]
    objects = len(views[-1].drawn.labels)
    caption = f"row {shown.row}, epoch {shown.epoch}, {objects} object{'s' * (objects != 1)}  "
    return tile(images, caption, shown.name)
