"""The body of the task `inference`: read, predict, draw and write, each ahead of the next."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.boxes import clip_boxes
from detforge.data.ordered import map_ordered, thread_count
from detforge.data.progress import Progress
from detforge.errors import DatasetError
from detforge.inference.boxes import source_boxes
from detforge.inference.class_names import read_class_names
from detforge.inference.outputs import Outputs, check_outputs
from detforge.inference.predictors import load_predictor
from detforge.inference.source_images import Found, find_images, label_stems, load_image
from detforge.requests import InferReport

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from detforge.inference.outputs import Written
    from detforge.inference.predictors import Predictor
    from detforge.inference.source_images import SourceImage
    from detforge.model import Detections
    from detforge.recipe import InputFormat, Recipe
    from detforge.requests import InferRequest

log = logging.getLogger(__name__)


def run_inference(request: InferRequest) -> InferReport:
    """Find objects in the images of a request and write what it asks for.

    Raises:
        DatasetError: there is no readable image, or the class names do not fit.
        UsageError: nothing is to be written, the drawings would replace the images, the labels
            somebody's own labels, or there are no masks to draw.
        CheckpointError: the model cannot be used, or a result cannot be written.
    """
    recipe = request.detector.recipe(request.spec)
    names = recipe.classes.names
    if request.label_map is not None:
        names = read_class_names(request.label_map, len(names))
    paths = find_images(request.images)
    stems = label_stems(paths)
    check_outputs(request, stems.values())
    outputs = Outputs(request, names, stems, captions=recipe.inference.captions)
    predictor = load_predictor(request.detector, request.spec, recipe, request.model, request.key)
    threshold = request.threshold
    if threshold is None:
        threshold = recipe.inference.score_threshold
    unreadable: dict[str, str] = {}
    entries: list[str] = []
    detections = 0
    written = _write_all(outputs, paths, recipe, predictor, threshold)
    with Progress("inference", len(paths), log) as progress, contextlib.closing(written):
        for done in written:
            if done.problem:
                unreadable[str(done.path)] = done.problem
            entries += done.entries
            detections += done.objects
            progress.advance(1)
    if len(unreadable) == len(paths):
        raise DatasetError(_nothing_readable(request.images, unreadable))
    outputs.finish(entries)
    return InferReport(
        images=len(paths) - len(unreadable),
        detections=detections,
        annotated_dir=request.annotated_dir,
        labels_dir=request.labels_dir,
        detections_file=request.detections_file,
        unreadable=unreadable,
    )


def _write_all(
    outputs: Outputs,
    paths: Sequence[Path],
    recipe: Recipe,
    predictor: Predictor,
    threshold: float,
) -> Generator[Written, None, None]:
    """Yield each image, in order, once its files are written.

    While the model looks at a batch, threads load the next one and write the one before.
    """
    workers, batch_size = thread_count(recipe.data.workers), recipe.inference.batch_size

    def load(path: Path) -> SourceImage:
        return load_image(path, recipe.input)

    loaded = map_ordered(load, paths, workers=workers, ahead=batch_size + workers)
    found = find_objects(predictor, loaded, recipe.input, batch_size, threshold)
    return map_ordered(outputs.write, found, workers=workers, ahead=batch_size + workers)


def find_objects(
    predictor: Predictor,
    loaded: Iterable[SourceImage],
    input_format: InputFormat,
    batch_size: int,
    threshold: float,
) -> Iterator[Found]:
    """Yield the objects of each image, in order; none of an image that cannot be read.

    Args:
        predictor: finds them.
        loaded: images of one shape go to it together.
        input_format: of the network.
        batch_size: images at a time, at most.
        threshold: least score.
    """
    batch: list[SourceImage] = []
    for image in loaded:
        if image.network_input is None:
            yield _nothing(image)
            continue
        other_shape = batch and batch[0].input_shape != image.input_shape
        if other_shape or len(batch) == batch_size:
            yield from _predict(predictor, batch, input_format, threshold)
            batch = []
        batch.append(image)
    if batch:
        yield from _predict(predictor, batch, input_format, threshold)


def _predict(
    predictor: Predictor, batch: Sequence[SourceImage], input_format: InputFormat, threshold: float
) -> Iterator[Found]:
    inputs = [image.network_input for image in batch if image.network_input is not None]
    detections = predictor.predict(np.stack(inputs))
    for row, image in enumerate(batch):
        yield _select(image, detections, row, input_format, threshold)


def _select(
    image: SourceImage,
    detections: Detections,
    row: int,
    input_format: InputFormat,
    threshold: float,
) -> Found:
    """Return the objects of one image at or above the threshold, in source pixels."""
    boxes = source_boxes(detections.boxes[row], input_format, image.width, image.height)
    visible = clip_boxes(boxes, image.width, image.height)
    keep = np.arange(len(boxes)) < detections.count[row]
    keep &= detections.scores[row] >= threshold
    # A box may lie beside the image altogether; nothing of it is left to show.
    keep &= (visible[:, 2] > visible[:, 0]) & (visible[:, 3] > visible[:, 1])
    masks = None if detections.masks is None else detections.masks[row][keep]
    return Found(
        image, boxes[keep], detections.scores[row][keep], detections.labels[row][keep], masks
    )


def _nothing(image: SourceImage) -> Found:
    none = np.zeros(0, np.float32)
    return Found(image, none.reshape(0, 4), none, none.astype(np.int32))


def _nothing_readable(source: Path, unreadable: Mapping[str, str]) -> str:
    few = list(unreadable.values())[:3]
    more = len(unreadable) - len(few)
    return (
        f"{source}: there is no readable image. "
        + "; ".join(few)
        + (f"; and {more} more" if more else "")
    )
