"""What a spec makes of the data: sizes in the network's input, and labels it has no use for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.framing import still_placement
from detforge.inspection.suspicious import Finding, image_place, of_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from detforge.inspection.measures import Measures
    from detforge.recipe import InputFormat, Recipe

# A feature map has a stride of 8 or more in most detectors; half of that is hard to find.
TINY_PX = 4.0


def network_sides(measures: Measures, format: InputFormat) -> NDArray[np.float64]:
    """Return float64 (N, 2): width and height of each box in pixels of the network input.

    As evaluation sees them, without augmentation; 0 where nothing is left of a box.
    """
    sides = np.zeros((len(measures.boxes), 2))
    if not len(sides):
        return sides
    sizes, which = np.unique(measures.sizes, axis=0, return_inverse=True)
    of_object = which.reshape(-1)[measures.image]
    # By size: there are far fewer sizes than images, and all of one size are placed alike.
    order = np.argsort(of_object, kind="stable")
    ends = np.cumsum(np.bincount(of_object, minlength=len(sizes)))
    for (width, height), objects in zip(sizes.tolist(), np.split(order, ends[:-1]), strict=True):
        placement = still_placement(format, width, height)
        moved = placement.to_network(measures.boxes[objects]).reshape(-1, 2, 2)
        moved = np.clip(moved, 0, placement.size)
        sides[objects] = moved[:, 1] - moved[:, 0]
    return sides


def find_unfit(measures: Measures, recipe: Recipe) -> list[Finding]:
    """Return labels that a run of the recipe would refuse, leave out, or hardly see."""
    findings = [
        _unmapped(measures, recipe),
        *_small(measures, recipe),
        *_too_many(measures, recipe),
        *_without_mask(measures, recipe),
    ]
    return [finding for finding in findings if finding.count]


def _unmapped(measures: Measures, recipe: Recipe) -> Finding:
    classes = recipe.classes
    counts = np.bincount(measures.classes, minlength=len(measures.class_names)).tolist()
    unmapped = {
        name: count
        for name, count in zip(measures.class_names, counts, strict=True)
        # Of classes that go by category ids, the measures have the names.
        if (name not in classes.names if classes.by_category_id else classes.label(name) is None)
    }
    return Finding(
        kind="unmapped_class",
        title="classes that the spec has no place for",
        count=len(unmapped),
        places=lambda: ({"class": name, "objects": count} for name, count in unmapped.items()),
        advice="training refuses them; add them to the spec, or leave them out when converting",
    )


def _small(measures: Measures, recipe: Recipe) -> Iterator[Finding]:
    sides, data = network_sides(measures, recipe.input), recipe.data
    is_low = (sides < (data.min_box_width, data.min_box_height)).any(axis=1)
    yield of_objects(
        measures,
        "below_minimum",
        "smaller in the network's input than the spec's least width or height",
        np.flatnonzero(is_low),
        advice="training leaves them out",
    )
    is_tiny = ~is_low & (sides < TINY_PX).any(axis=1)
    yield of_objects(
        measures,
        "tiny_in_network",
        f"narrower or lower than {TINY_PX:g} pixels in the network's input",
        np.flatnonzero(is_tiny),
        advice="a larger network input would show them",
    )


def _too_many(measures: Measures, recipe: Recipe) -> Iterator[Finding]:
    limit = recipe.data.max_objects
    if limit is None:
        return
    images = np.flatnonzero(measures.counts > limit)
    is_error = bool(recipe.data.max_objects_field)
    yield Finding(
        kind="too_many_objects",
        title=f"more than the {limit} objects that the spec allows in an image",
        count=len(images),
        places=lambda: (
            {**image_place(measures, image), "objects": int(measures.counts[image])}
            for image in images.tolist()
        ),
        advice="training refuses them" if is_error else "training keeps the largest",
    )


def _without_mask(measures: Measures, recipe: Recipe) -> Iterator[Finding]:
    if recipe.data.mask_size:
        yield of_objects(
            measures,
            "no_mask",
            "without a mask, which this detector learns",
            np.flatnonzero(~measures.masked),
        )
