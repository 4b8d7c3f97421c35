"""Scoring a predictor on labelled images."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detforge.data.batches import evaluation_batches
from detforge.data.boxes import box_areas
from detforge.data.framing import still_placement
from detforge.data.targets import find_objects
from detforge.errors import DatasetError
from detforge.evaluation import coco
from detforge.evaluation.matching import ImageResult, Rules
from detforge.evaluation.mistakes import Mistakes
from detforge.evaluation.overlaps import with_masks
from detforge.evaluation.scorer import Scorer
from detforge.evaluation.voc import voc_precisions
from detforge.requests import EvaluateReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import Sample, SampleSource
    from detforge.evaluation.scorer import Outcomes
    from detforge.model import Detections
    from detforge.recipe import Evaluation, Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A predictor's score, and what it came from.

    Attributes:
        report: the numbers.
        outcomes: what became of the detections of each class, by their boxes.
        mistakes: what went wrong.
    """

    report: EvaluateReport
    outcomes: Sequence[Outcomes]
    mistakes: Mistakes


def measure(
    predict: Callable[[np.ndarray], Detections], source: SampleSource, recipe: Recipe
) -> Measured:
    """Return how good `predict` is on every image of `source`, or on as many as the recipe says.

    Boxes are compared in pixels of the source image; found ones and labelled ones are clipped to
    what the network sees of it, and an object that it does not see is none. Stretching an axis
    leaves IoU as it is.

    Args:
        predict: float32 (B, H, W, C) network input -> detections as numpy arrays.
        source: the images with their objects.
        recipe: class names, input format, mode and thresholds.

    Raises:
        DatasetError: an image cannot be read, or none has an object that counts.
    """
    rules, n_classes = rules_of(recipe.evaluation), len(recipe.classes.names)
    mistakes = Mistakes(n_classes, iou=rules.ious[0], least_score=recipe.inference.score_threshold)
    boxes, masks = Scorer(n_classes, rules, mistakes.see), Scorer(n_classes, rules)
    images, has_masks = 0, True
    for batch in evaluation_batches(source, recipe):
        found = predict(batch.images)
        for index, sample in enumerate(batch.samples):
            row = int(batch.row[index])
            by_boxes, by_masks = _image_results(found, index, sample, row, recipe)
            boxes.add(by_boxes)
            if by_masks is None:
                has_masks = False
            else:
                masks.add(by_masks)
        images += len(batch.samples)
    outcomes = boxes.outcomes()
    if not any(found.objects[0] for found in outcomes):
        raise DatasetError(
            f"{source.name}: every object is marked difficult or crowd, or lies outside its image; "
            "there is nothing to score"
        )
    names = recipe.classes.names
    report = EvaluateReport(
        images=images,
        mode=recipe.evaluation.mode,
        matching_iou=rules.ious[0],
        matching_ious=rules.ious,
        score_threshold=rules.score_threshold,
        without_objects=tuple(
            name for name, found in zip(names, outcomes, strict=True) if not found.objects[0]
        ),
        counted_from=mistakes.least_score,
        counts=_counts(mistakes.confusion, names),
        confusion=tuple(map(tuple, mistakes.confusion.tolist())),
        **_numbers(outcomes, masks.outcomes() if has_masks else None, recipe),
    )
    return Measured(report=report, outcomes=outcomes, mistakes=mistakes)


def rules_of(evaluation: Evaluation) -> Rules:
    """Return what counts as found."""
    if evaluation.mode == "coco":
        return replace(coco.RULES, score_threshold=evaluation.score_threshold)
    ious = (evaluation.matching_iou,)
    if evaluation.iou_range is not None:
        first, end, step = evaluation.iou_range
        # A hair less, so that rounding does not let the end in.
        steps = max(1, math.ceil((end - first) / step - 1e-6))
        ious = tuple(round(first + number * step, 6) for number in range(steps))
    return Rules(ious=ious, score_threshold=evaluation.score_threshold)


def _numbers(
    outcomes: Sequence[Outcomes], masks: Sequence[Outcomes] | None, recipe: Recipe
) -> dict[str, Any]:
    """Return the fields of the report that the mode decides."""
    mode, names = recipe.evaluation.mode, recipe.classes.names
    if mode == "coco":
        found = coco.coco_result(outcomes)
        numbers = {"mean_ap": found.numbers["AP"], "ap": _by_name(found.per_class, names)}
        if masks is None:
            return {**numbers, "coco": found.numbers}
        of_masks = coco.coco_result(masks)
        both = {**found.numbers, **{f"mask_{k}": v for k, v in of_masks.numbers.items()}}
        return {**numbers, "coco": both, "mask_ap": _by_name(of_masks.per_class, names)}
    precisions = voc_precisions(outcomes, mode)
    numbers = {
        "mean_ap": coco.mean_of_known(precisions),
        "ap": _by_name(precisions.mean(axis=1), names),
    }
    ious = rules_of(recipe.evaluation).ious
    if len(ious) > 1:
        means = map(coco.mean_of_known, precisions.T)
        numbers["mean_ap_by_iou"] = {
            f"{iou:g}": mean for iou, mean in zip(ious, means, strict=True)
        }
    return numbers


def _by_name(values: NDArray[np.floating], names: Sequence[str]) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(names, values, strict=True)
    }


def _counts(confusion: NDArray[np.int64], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return class name -> true and false positives and false negatives."""
    right = confusion.diagonal()
    return {
        name: {
            "true_positives": int(right[k]),
            "false_positives": int(confusion[:, k].sum() - right[k]),
            "false_negatives": int(confusion[k].sum() - right[k]),
        }
        for k, name in enumerate(names)
    }


def _image_results(
    found: Detections, index: int, sample: Sample, row: int, recipe: Recipe
) -> tuple[ImageResult, ImageResult | None]:
    """Return what the network sees of an image and found in it, in source pixels.

    Returns:
        the result by boxes, and for COCO's mode that by masks; None where a side has none.
    """
    placement = still_placement(recipe.input, sample.width, sample.height)
    objects, labels = find_objects(sample, recipe.classes, skip_crowd=False)
    gt_boxes = placement.clip_to_seen(sample.boxes[objects])
    is_seen = (gt_boxes[:, 2:] > gt_boxes[:, :2]).all(axis=1)
    objects, count = objects[is_seen], int(found.count[index])
    boxes = placement.to_source(found.boxes[index][:count])
    by_boxes = ImageResult(
        row=row,
        boxes=placement.clip_to_seen(boxes),
        scores=found.scores[index][:count],
        labels=found.labels[index][:count],
        gt_boxes=gt_boxes[is_seen],
        gt_labels=labels[is_seen],
        gt_ignore=(sample.difficult | sample.crowd)[objects],
        gt_crowd=sample.crowd[objects],
        gt_areas=(box_areas(sample.boxes) if sample.areas is None else sample.areas)[objects],
    )
    is_labelled = sample.masks is not None or not len(objects)
    if recipe.evaluation.mode != "coco" or found.masks is None or not is_labelled:
        return by_boxes, None
    return by_boxes, with_masks(by_boxes, boxes, found.masks[index][:count], sample, objects)
