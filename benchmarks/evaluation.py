"""Scoring 5,000 images of 100 detections against pycocotools, which tells the same numbers."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from benchmarks.pairs import Pair, Side, compare

IMAGES, DETECTIONS = 5000, 100
OBJECTS = 7  # of an image, as many as COCO has


def run(turns: int) -> list[Pair]:
    """Return the comparisons.

    Ours is everything from arrays to numbers; pycocotools' is evaluate and accumulate alone,
    without reading its dictionaries. Of Pascal VOC's side it does one IoU and one range of areas.
    """
    pairs = []
    for name, classes, are_all in (("COCO AP", 80, True), ("VOC AP", 20, False)):
        ours, baseline = Side(scorer, classes, are_all), Side(pycocotools, classes, are_all)
        what = f"{name} of {IMAGES:,} images over pycocotools ({classes} classes)"
        pairs.append(compare(what, ours, baseline, turns=turns, calls=1, units=IMAGES, aim="5"))
        ours.close()
        baseline.close()
    return pairs


def draw_results(classes: int, images: int = IMAGES):
    """Return image results: a third of the detections near an object, the rest anywhere."""
    from detforge.evaluation import ImageResult

    rng = np.random.default_rng(1)
    results = []
    for row in range(images):
        truth, gt_labels = _boxes(rng, OBJECTS), rng.integers(0, classes, OBJECTS)
        chosen = rng.integers(0, OBJECTS, DETECTIONS)
        is_near = rng.random(DETECTIONS) < 0.35
        sides = np.tile(truth[chosen, 2:] - truth[chosen, :2], 2)
        near = truth[chosen] + rng.normal(scale=0.08, size=(DETECTIONS, 4)) * sides
        boxes = np.where(is_near[:, None], near, _boxes(rng, DETECTIONS))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        is_right = is_near & (rng.random(DETECTIONS) < 0.8)
        labels = np.where(is_right, gt_labels[chosen], rng.integers(0, classes, DETECTIONS))
        scores = rng.beta(np.where(is_near, 2, 1), np.where(is_near, 2, 6)) + 1e-6
        order = np.argsort(-scores)
        crowd = rng.random(OBJECTS) < 0.02
        found = boxes[order], scores[order], labels[order]
        results.append(ImageResult(row, *found, truth, gt_labels, crowd, crowd))
    return results


def _boxes(rng, count: int):
    corners = rng.uniform(0, 500, (count, 2))
    return np.concatenate([corners, corners + np.exp(rng.uniform(2, 5.7, (count, 2)))], axis=1)


def scorer(classes: int, are_all: bool):
    """Return a call that scores all images: by COCO's rules, or by VOC's at one IoU."""
    from detforge.evaluation import Rules, Scorer, coco, coco_result, voc_precisions

    results = draw_results(classes)
    rules = coco.RULES if are_all else Rules(ious=(0.5,))

    def call():
        found = Scorer(classes, rules)
        for result in results:
            found.add(result)
        outcomes = found.outcomes()
        return coco_result(outcomes) if are_all else voc_precisions(outcomes, "sample")

    return call


def pycocotools(classes: int, are_all: bool):
    """Return a call of pycocotools' evaluate and accumulate."""
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = _as_coco(draw_results(classes), classes)

    def call():
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(truth, found, "bbox")
            if not are_all:
                evaluation.params.iouThrs = evaluation.params.iouThrs[:1]
                evaluation.params.areaRng = evaluation.params.areaRng[:1]
                evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
                evaluation.params.maxDets = [DETECTIONS]
            evaluation.evaluate()
            evaluation.accumulate()
            return evaluation

    return call


def _as_coco(results, classes: int):
    from pycocotools.coco import COCO

    objects, found = [], []
    for result in results:
        place = {"image_id": result.row + 1}
        for box, label, crowd in zip(
            _xywh(result.gt_boxes), result.gt_labels.tolist(), result.gt_crowd.tolist(), strict=True
        ):
            facts = {"bbox": box, "area": box[2] * box[3], "iscrowd": int(crowd)}
            objects.append({"id": len(objects) + 1, "category_id": label + 1, **place, **facts})
        for box, label, score in zip(
            _xywh(result.boxes), result.labels.tolist(), result.scores.tolist(), strict=True
        ):
            found.append({"category_id": label + 1, "bbox": box, "score": score, **place})
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": result.row + 1} for result in results],
        "annotations": objects,
        "categories": [{"id": label + 1, "name": str(label)} for label in range(classes)],
    }
    truth.createIndex()
    return truth, truth.loadRes(found)


def _xywh(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
