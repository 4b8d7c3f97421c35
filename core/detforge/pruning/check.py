"""How much of what a model finds in given images changes when it is pruned."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.boxes import iou_matrix_numpy
from detforge.errors import DatasetError
from detforge.evaluation.matching import ImageResult, Rules, match
from detforge.inference.predictors import KerasPredictor
from detforge.inference.run import find_objects
from detforge.inference.source_images import find_images, load_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from detforge.model import DetectionModel
    from detforge.recipe import Recipe

_SAME_OBJECT = 0.5  # IoU


class Objects(NamedTuple):
    """What was found in one image.

    Attributes:
        boxes: float32 (N, 4), xyxy, source pixels.
        scores: float32 (N,).
        labels: int (N,).
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.integer]


def objects_in(images: Path, model: DetectionModel, recipe: Recipe) -> list[Objects]:
    """Return what a model finds in each image of a folder that can be read, or in one image.

    Args:
        images: the folder, or the image.
        model: as it is now; it may be pruned afterwards.
        recipe: its input, its classes, and the least score of an object.

    Raises:
        DatasetError: there is no readable image.
    """
    loaded = (load_image(path, recipe.input) for path in find_images(images))
    readable = (image for image in loaded if image.network_input is not None)
    settings, names = recipe.inference, recipe.classes.names
    found = [
        Objects(each.boxes, each.scores, each.labels)
        for each in find_objects(
            KerasPredictor(model, names),
            readable,
            recipe.input,
            settings.batch_size,
            settings.score_threshold,
        )
    ]
    if not found:
        raise DatasetError(f"{images}: there is no readable image")
    return found


def compare(
    before: Sequence[Objects], after: Sequence[Objects], n_classes: int
) -> dict[str, float]:
    """Return how two models agree on the same images.

    Args:
        before: what the first one finds, an element an image.
        after: what the second one finds.
        n_classes: of both.

    Returns:
        "images"; objects "before" and "after"; "matched", how many are of the same class and place
        in both (IoU of 0.5 or more); over those "largest_score_change" and "least_iou".
    """
    scores, ious = [np.zeros(0)], [np.ones(0)]
    for old, new in zip(before, after, strict=True):
        first, second = _pairs(old, new, n_classes)
        scores.append(np.abs(old.scores[first] - new.scores[second]))
        ious.append(iou_matrix_numpy(old.boxes, new.boxes)[first, second])
    return {
        "images": len(before),
        "before": sum(len(objects.scores) for objects in before),
        "after": sum(len(objects.scores) for objects in after),
        "matched": sum(map(len, ious)),
        "largest_score_change": float(np.concatenate(scores).max(initial=0.0)),
        "least_iou": float(np.concatenate(ious).min(initial=1.0)),
    }


def _pairs(
    old: Objects, new: Objects, n_classes: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the numbers of objects that are the same ones, of the first and of the second."""
    result = ImageResult(
        row=0,
        boxes=new.boxes,
        scores=new.scores,
        labels=new.labels,
        gt_boxes=old.boxes,
        gt_labels=old.labels,
        gt_ignore=np.zeros(len(old.labels), bool),
    )
    rules = Rules(ious=(_SAME_OBJECT,), score_threshold=-1.0)
    matches = match([result], n_classes, rules)
    is_found = matches.found >= 0
    return matches.found[is_found], matches.number[is_found]
