"""The body of the task `inference`: read, predict, draw and write, each ahead of the next."""

from __future__ import annotations

import collections
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from detforge.data.boxes import clip_boxes
from detforge.data.images import IMAGE_EXTENSIONS, read_bytes, read_image, to_network_input
from detforge.data.ordered import map_ordered, thread_count
from detforge.errors import DatasetError, UsageError
from detforge.inference.boxes import source_boxes
from detforge.inference.class_names import read_class_names
from detforge.inference.drawing import draw_detections
from detforge.inference.kitti_labels import format_kitti_labels, is_detections_file
from detforge.inference.predictors import load_predictor
from detforge.requests import InferReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from detforge.inference.predictors import Predictor
    from detforge.model import Detections
    from detforge.recipe import InputFormat, Recipe
    from detforge.requests import InferRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    """One image file: either pixels and network input, or why there are none."""

    path: Path
    pixels: NDArray[np.uint8] | None = None
    network_input: NDArray[np.float32] | None = None
    problem: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the network input."""
        return () if self.network_input is None else self.network_input.shape


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Objects of one image, best first; boxes in source pixels, not clipped."""

    image: _Loaded
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]
    masks: NDArray[np.float32] | None


def run_inference(request: InferRequest) -> InferReport:
    """Find objects in the images of a request and write what it asks for.

    Raises:
        DatasetError: there is no readable image, the class names do not fit, or a result cannot
            be written.
        UsageError: the drawings would replace the images, the labels somebody's own labels, or
            there are no masks to draw.
        CheckpointError: the model cannot be used.
    """
    recipe = request.detector.recipe(request.spec)
    names = recipe.classes.names
    if request.label_map is not None:
        names = read_class_names(request.label_map, len(names))
    paths = find_images(request.images)
    stems = _label_stems(paths)
    _check_outputs(request, stems.values())
    predictor = load_predictor(request.detector, request.spec, recipe, request.model, request.key)
    unreadable: dict[str, str] = {}
    detections = 0
    for found in _write_all(request, recipe, names, predictor, stems):
        if found.image.problem:
            unreadable[str(found.image.path)] = found.image.problem
        detections += len(found.boxes)
        if request.include_mask and found.masks is None and len(found.boxes):
            raise UsageError("--include_mask: this model finds boxes, not masks; leave it out")
    if len(unreadable) == len(paths):
        raise DatasetError(_nothing_readable(request.images, unreadable))
    return InferReport(
        images=len(paths) - len(unreadable),
        detections=detections,
        annotated_dir=request.annotated_dir,
        labels_dir=request.labels_dir,
        unreadable=unreadable,
    )


def find_images(source: Path) -> list[Path]:
    """Return the images of a folder by name, or the one file given.

    Args:
        source: a folder, not searched further down, or one file of any name.

    Raises:
        DatasetError: it does not exist, or the folder holds no image.
    """
    if source.is_file():
        return [source]
    try:
        entries = sorted(source.iterdir())
    except FileNotFoundError as err:
        raise DatasetError(f"there is no {source}; name a folder of images or one image") from err
    except OSError as err:
        raise DatasetError(f"{source} cannot be read: {err.strerror or err}") from err
    found = [path for path in entries if path.suffix.lower() in IMAGE_EXTENSIONS]
    if not found:
        raise DatasetError(
            f"{source} holds no image ({', '.join(IMAGE_EXTENSIONS)}); subfolders are not searched"
        )
    return found


def _check_outputs(request: InferRequest, stems: Iterable[str]) -> None:
    """Keep the results off images and labels that are not ours; makes and changes nothing."""
    folder = request.images if request.images.is_dir() else request.images.parent
    if request.annotated_dir.resolve() == folder.resolve():
        raise UsageError(
            f"the drawings would replace the images in {folder}; choose another output folder"
        )
    if request.force or request.labels_dir is None or not request.labels_dir.is_dir():
        return
    for stem in stems:
        path = request.labels_dir / f"{stem}.txt"
        if path.is_file() and not is_detections_file(read_bytes(path)):
            raise UsageError(
                f"{path} holds labels without scores, which inference did not write, and would be "
                "replaced; choose another folder for the labels, or give --force"
            )


def _write_all(
    request: InferRequest,
    recipe: Recipe,
    names: Sequence[str],
    predictor: Predictor,
    stems: Mapping[Path, str],
) -> Iterator[_Found]:
    """Yield what was found in each image once its files are written.

    Args:
        request: where to.
        recipe: input, batch size, threads.
        names: class names by label.
        predictor: finds objects.
        stems: image -> name of its label file, without ``.txt``; in the order of the images.
    """
    workers, batch_size = thread_count(recipe.data.workers), recipe.inference.batch_size
    threshold = request.threshold
    if threshold is None:
        threshold = recipe.inference.score_threshold

    def load(path: Path) -> _Loaded:
        return _load(path, recipe.input)

    def write(found: _Found) -> _Found:
        if not found.image.problem:
            _write(found, names, request, stems[found.image.path])
        return found

    loaded = map_ordered(load, stems, workers=workers, ahead=2 * batch_size)
    found = _predict_all(predictor, loaded, recipe.input, batch_size, threshold)
    return map_ordered(write, found, workers=workers, ahead=2 * batch_size)


def _label_stems(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each label file, without ``.txt``.

    Two images that differ in their extension alone keep it.
    """
    counts = collections.Counter(path.stem for path in paths)
    return {path: path.stem if counts[path.stem] == 1 else path.name for path in paths}


def _load(path: Path, input_format: InputFormat) -> _Loaded:
    try:
        pixels = read_image(path)
    except DatasetError as err:
        log.warning("%s", err)
        return _Loaded(path, problem=str(err))
    return _Loaded(path, pixels, to_network_input(pixels, input_format))


def _predict_all(
    predictor: Predictor,
    loaded: Iterable[_Loaded],
    input_format: InputFormat,
    batch_size: int,
    threshold: float,
) -> Iterator[_Found]:
    """Yield the objects of each image, in order; of none for an image that is unreadable."""
    batch: list[_Loaded] = []
    for image in loaded:
        if image.problem:
            yield _nothing(image)
            continue
        if batch and (len(batch) == batch_size or image.shape != batch[0].shape):
            yield from _predict(predictor, batch, input_format, threshold)
            batch = []
        batch.append(image)
    if batch:
        yield from _predict(predictor, batch, input_format, threshold)


def _predict(
    predictor: Predictor, batch: Sequence[_Loaded], input_format: InputFormat, threshold: float
) -> Iterator[_Found]:
    inputs = [image.network_input for image in batch if image.network_input is not None]
    detections = predictor.predict(np.stack(inputs))
    for row, image in enumerate(batch):
        yield _select(image, detections, row, input_format, threshold)


def _select(
    image: _Loaded, detections: Detections, row: int, input_format: InputFormat, threshold: float
) -> _Found:
    """Return the objects of one image at or above the threshold, in source pixels."""
    if image.pixels is None:
        return _nothing(image)
    height, width = image.pixels.shape[:2]
    boxes = source_boxes(detections.boxes[row], input_format, width, height)
    visible = clip_boxes(boxes, width, height)
    keep = np.arange(len(boxes)) < detections.count[row]
    keep &= detections.scores[row] >= threshold
    # A box may lie beside the image altogether; nothing of it is left to show.
    keep &= (visible[:, 2] > visible[:, 0]) & (visible[:, 3] > visible[:, 1])
    masks = None if detections.masks is None else detections.masks[row][keep]
    return _Found(
        image, boxes[keep], detections.scores[row][keep], detections.labels[row][keep], masks
    )


def _nothing(image: _Loaded) -> _Found:
    return _Found(
        image,
        np.zeros((0, 4), np.float32),
        np.zeros((0,), np.float32),
        np.zeros((0,), np.int32),
        None,
    )


def _write(found: _Found, class_names: Sequence[str], request: InferRequest, stem: str) -> None:
    """Write the drawing and the labels of one image; called in threads."""
    if found.image.pixels is None:
        return
    _make_folders(request)
    names = [class_names[int(label)] for label in found.labels]
    masks = found.masks if request.include_mask else None
    drawing = draw_detections(
        found.image.pixels, found.boxes, names, found.scores, found.labels, masks
    )
    path = found.image.path
    suffix = path.suffix if path.suffix.lower() in IMAGE_EXTENSIONS else ".png"
    _, encoded = cv2.imencode(suffix, cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    # Through bytes, because OpenCV opens no path outside ASCII on every system.
    _write_bytes(request.annotated_dir / f"{path.stem}{suffix}", encoded.tobytes())
    if request.labels_dir is not None:
        height, width = found.image.pixels.shape[:2]
        text = format_kitti_labels(clip_boxes(found.boxes, width, height), names, found.scores)
        _write_bytes(request.labels_dir / f"{stem}.txt", text.encode())


def _make_folders(request: InferRequest) -> None:
    """Make the output folders, when there is something to put into them."""
    for folder in filter(None, (request.annotated_dir, request.labels_dir)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise _cannot_write(folder, err) from err


def _write_bytes(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as err:
        raise _cannot_write(path, err) from err


def _cannot_write(path: Path, err: OSError) -> DatasetError:
    return DatasetError(
        f"{path} cannot be written: {err.strerror or err}; choose another folder or make room"
    )


def _nothing_readable(source: Path, unreadable: dict[str, str]) -> str:
    few = list(unreadable.values())[:3]
    more = len(unreadable) - len(few)
    return (
        f"{source}: there is no readable image. "
        + "; ".join(few)
        + (f"; and {more} more" if more else "")
    )
