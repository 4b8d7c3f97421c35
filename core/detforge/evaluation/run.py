"""Scoring a predictor on labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detforge.data.batches import evaluation_batches
from detforge.data.framing import still_placement
from detforge.errors import DatasetError
from detforge.evaluation.voc import VocScorer
from detforge.requests import EvaluateReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from detforge.data.samples import Sample, SampleSource
    from detforge.model import Detections
    from detforge.recipe import Classes, Recipe


def score(
    predict: Callable[[np.ndarray], Detections], source: SampleSource, recipe: Recipe
) -> EvaluateReport:
    """Return the average precision of `predict` over every image of `source`.

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
    evaluation = recipe.evaluation
    scorer = VocScorer(
        len(recipe.classes.names),
        matching_iou=evaluation.matching_iou,
        score_threshold=evaluation.score_threshold,
    )
    for batch in evaluation_batches(source, recipe):
        found = predict(batch.images)
        for i, sample in enumerate(batch.samples):
            _add(scorer, found, i, sample, recipe)
    result = scorer.result(evaluation.mode)
    if not any(result.objects):
        raise DatasetError(
            f"{source.name}: every object is marked difficult or crowd, or lies outside its image; "
            "there is nothing to score"
        )
    ap = {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(recipe.classes.names, result.ap, strict=True)
    }
    return EvaluateReport(
        mean_ap=float(result.mean_ap),
        ap=ap,
        images=len(source),
        mode=evaluation.mode,
        matching_iou=evaluation.matching_iou,
    )


def _add(scorer: VocScorer, found: Detections, i: int, sample: Sample, recipe: Recipe) -> None:
    count = int(found.count[i])
    placement = still_placement(recipe.input, sample.width, sample.height)
    gt_boxes, gt_labels, gt_ignore = ground_truth(sample, recipe.classes)
    gt_boxes = placement.clip_to_seen(gt_boxes)
    seen = (gt_boxes[:, 2:] > gt_boxes[:, :2]).all(axis=1)
    scorer.add(
        boxes=placement.clip_to_seen(placement.to_source(found.boxes[i][:count])),
        scores=found.scores[i][:count],
        labels=found.labels[i][:count],
        gt_boxes=gt_boxes[seen],
        gt_labels=gt_labels[seen],
        gt_ignore=gt_ignore[seen],
    )


def ground_truth(sample: Sample, classes: Classes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the objects of one image that count, in source pixels.

    Returns:
        boxes float32 (N, 4) xyxy, labels int32 (N,), ignore bool (N,): difficult and crowd
        objects are neither hits nor misses.
    """
    labels = [classes.label(name) for name in sample.class_names]
    known = np.array([label is not None for label in labels], bool)
    return (
        sample.boxes[known],
        np.array([label for label in labels if label is not None], np.int32),
        (sample.difficult | sample.crowd)[known],
    )
