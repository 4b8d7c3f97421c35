"""Batches of numpy arrays, prepared by threads ahead of the accelerator.

Shape legend: B images, H x W network input, C channels, N objects (padded), m mask side.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.augment import Augmenter
from detforge.data.images import to_network_input
from detforge.data.labels import check_labels, to_labels
from detforge.data.masks import crop_mask, decode_mask
from detforge.data.ordered import map_ordered, thread_count
from detforge.errors import DatasetError, DetforgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from detforge.data.augment import View
    from detforge.data.samples import Sample, SampleSource
    from detforge.recipe import Recipe

    Arrays = dict[str, NDArray]

log = logging.getLogger(__name__)

# The number of objects is padded to a multiple of it: a few more images rarely change the shape,
# and with it the compiled program.
_PADDING_STEP = 8
# Keep the draws that order the images apart from those that change them.
_ORDER, _AUGMENTATION = 0, 1
# A batch of large images takes hundreds of megabytes.
_AHEAD_BYTES = 512 << 20


class _Target(NamedTuple):
    boxes: NDArray[np.float32]
    labels: NDArray[np.int32]
    ignore: NDArray[np.bool_]
    masks: NDArray[np.float32] | None


class TrainingBatches:
    """An endless stream of full batches; see `detforge.model.Batch` for the arrays.

    The images come as one permutation of the source after another, cut into batches; an epoch is
    the least number of steps with as many images as the source has. Where the batch size does not
    divide that number, permutations and epochs drift apart: the first epoch still shows every
    image, a later one may show some twice and others not. Over a run no image is ahead of another
    by more than one.

    Batch `s` depends on nothing but the seed and `s`: not on the number of threads, nor on where
    the stream began.

    Attributes:
        steps_per_epoch: batches in an epoch.
        failure: what ended the stream, None while it goes on. A training loop sees only that the
            data ended; whoever started it must look here.
    """

    def __init__(
        self,
        source: SampleSource,
        recipe: Recipe,
        *,
        seed: int,
        max_objects: int | None = None,
    ) -> None:
        """Check the classes of the data; no image is read yet.

        Args:
            source: the training images.
            recipe: classes, input, augmentation, batch size, threads.
            seed: decides order and augmentation.
            max_objects: N; None for what the largest image needs. Of an image with more objects
                the largest ones are kept.

        Raises:
            DatasetError: a class in the data is not mapped, or there is no object at all.
        """
        check_labels(source, recipe.classes)
        self._source = source
        self._recipe = recipe
        self._seed = seed
        most = source.max_objects()
        self._max_objects = max_objects or -(-max(most, 1) // _PADDING_STEP) * _PADDING_STEP
        if most > self._max_objects:
            log.warning(
                "images have up to %d objects; the %d largest of an image are used",
                most,
                self._max_objects,
            )
        self._augment = Augmenter(recipe.augmentation, recipe.input)
        self._permutation = lru_cache(maxsize=4)(self._draw_permutation)
        self.steps_per_epoch = -(-len(source) // recipe.data.batch_size)
        self.failure: DetforgeError | None = None

    def stream(self, first_step: int = 0) -> Iterator[Arrays]:
        """Yield batches from a step on, prepared ahead by threads.

        As many are prepared as the recipe's ``max_queue_size`` says, but not more than fit into
        512 MiB; two are allowed in any case. Ends only when an image cannot be used; `failure`
        then says why.
        """
        data = self._recipe.data
        batches = map_ordered(
            self.batch,
            itertools.count(first_step),
            workers=thread_count(data.workers),
            ahead=self._batches_ahead(),
        )
        with contextlib.closing(batches):
            try:
                yield from batches
            except DetforgeError as err:
                self.failure = err

    def _batches_ahead(self) -> int:
        wanted = self._recipe.data.max_queue_size
        arrays = self._empty(self._recipe.data.batch_size)
        ahead = _ahead(wanted, sum(array.nbytes for array in arrays.values()))
        if ahead < wanted:
            log.info(
                "%d batches are prepared ahead; the %d of max_queue_size would take more than "
                "%d MiB",
                *(ahead, wanted, _AHEAD_BYTES >> 20),
            )
        return ahead

    def batch(self, step: int) -> Arrays:
        """Return one batch; the same arrays whenever it is asked for.

        Raises:
            DatasetError: an image cannot be used.
        """
        size = self._recipe.data.batch_size
        arrays = self._empty(size)
        for index, position in enumerate(range(step * size, (step + 1) * size)):
            self._fill(arrays, index, position)
        return arrays

    def _empty(self, size: int) -> Arrays:
        objects, side = self._max_objects, self._recipe.data.mask_size
        arrays: Arrays = {
            "images": _empty_images(self._recipe, size),
            "boxes": np.zeros((size, objects, 4), np.float32),
            "labels": np.full((size, objects), -1, np.int32),
            "ignore": np.zeros((size, objects), bool),
            "row": np.zeros(size, np.int32),
        }
        if side:
            arrays["masks"] = np.zeros((size, objects, side, side), np.float32)
        return arrays

    def _fill(self, arrays: Arrays, index: int, position: int) -> None:
        row = self._row(position)
        sample = self._source[row]
        labels = to_labels(sample.class_names, self._recipe.classes)
        # KITTI's DontCare has no label; it must not attract crops either.
        known = np.flatnonzero(labels >= 0)
        rng = np.random.default_rng((self._seed, _AUGMENTATION, position))
        view = self._augment(sample.image(), sample.boxes[known], rng)
        target = self._target(sample, labels, known[view.kept], view)
        target = _limit(target, self._max_objects)
        count = len(target.labels)
        to_network_input(view.image, self._recipe.input, out=arrays["images"][index])
        arrays["boxes"][index, :count] = target.boxes
        arrays["labels"][index, :count] = target.labels
        arrays["ignore"][index, :count] = target.ignore
        if target.masks is not None:
            arrays["masks"][index, :count] = target.masks
        arrays["row"][index] = row

    def _target(
        self, sample: Sample, labels: NDArray[np.int32], rows: NDArray[np.int64], view: View
    ) -> _Target:
        """Return the objects of a view; `rows` says which of the sample they are."""
        ignore = sample.crowd[rows]
        if not self._recipe.data.include_difficult:
            ignore = ignore | sample.difficult[rows]
        masks = None
        if side := self._recipe.data.mask_size:
            masks = _crop_masks(sample, view, rows, side)
        return _Target(view.boxes, labels[rows], ignore, masks)

    def _row(self, position: int) -> int:
        epoch, index = divmod(position, len(self._source))
        return int(self._permutation(epoch)[index])

    def _draw_permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng((self._seed, _ORDER, epoch)).permutation(len(self._source))


def _ahead(wanted: int, size: int) -> int:
    """Return how many things of `size` bytes may be ready at one time, `wanted` at most."""
    return min(wanted, max(2, _AHEAD_BYTES // size))


def _empty_images(recipe: Recipe, size: int) -> NDArray[np.float32]:
    return np.zeros(
        (size, recipe.input.height, recipe.input.width, recipe.input.channels), np.float32
    )


def _crop_masks(
    sample: Sample, view: View, rows: NDArray[np.int64], side: int
) -> NDArray[np.float32]:
    """Return float32 (M, m, m): each mask inside what is left of its box.

    The masks are cut from the source image; they are never drawn at the size of the network.

    Raises:
        DatasetError: the data has no masks.
    """
    masks = np.zeros((len(rows), side, side), np.float32)
    if not len(rows):
        return masks
    if sample.masks is None:
        raise DatasetError(
            f"{sample.place} has objects without masks, and this detector learns masks; use data "
            "with outlines, such as COCO with segmentations"
        )
    limit = np.tile([sample.width, sample.height], 2)
    source_boxes = np.clip(view.placement.to_source(view.boxes), 0, limit)
    for mask, row, box in zip(masks, rows, source_boxes, strict=True):
        full = decode_mask(sample.masks[row], sample.width, sample.height, sample.place)
        part = crop_mask(full, box, side)
        mask[:] = part[:, ::-1] if view.placement.flipped else part
    return masks


def _limit(target: _Target, count: int) -> _Target:
    """Return the largest objects, in their order, when there are more than `count`."""
    if len(target.labels) <= count:
        return target
    sides = target.boxes[:, 2:] - target.boxes[:, :2]
    largest = np.sort(np.argsort(-sides.prod(axis=1), kind="stable")[:count])
    masks = None if target.masks is None else target.masks[largest]
    return _Target(target.boxes[largest], target.labels[largest], target.ignore[largest], masks)


class EvaluationBatch(NamedTuple):
    """Images to find objects in, and what is known to be in them.

    Attributes:
        images: float32 (B, H, W, C), network input; zeros where the last batch is padded.
        row: int32 (B,), index in the source; -1 where padded.
        samples: the images with their objects, without padding.
    """

    images: NDArray[np.float32]
    row: NDArray[np.int32]
    samples: tuple[Sample, ...]


def evaluation_batches(source: SampleSource, recipe: Recipe) -> Iterator[EvaluationBatch]:
    """Yield all images once, in order, in batches of one size, read ahead by threads.

    Each image is read once: its objects come along.

    Raises:
        DatasetError: an image cannot be used.
    """
    size = recipe.evaluation.batch_size

    def read(row: int) -> tuple[Sample, NDArray[np.float32]]:
        sample = source[row]
        return sample, to_network_input(sample.image(), recipe.input)

    workers = thread_count(recipe.data.workers)
    ahead = _ahead(2 * max(size, workers), _empty_images(recipe, 1).nbytes)
    found = map_ordered(read, range(len(source)), workers=workers, ahead=ahead)
    with contextlib.closing(found):
        for first in range(0, len(source), size):
            images, row = _empty_images(recipe, size), np.full(size, -1, np.int32)
            samples = []
            for index, (sample, image) in enumerate(itertools.islice(found, size)):
                images[index], row[index] = image, first + index
                samples.append(sample)
            yield EvaluationBatch(images, row, tuple(samples))
