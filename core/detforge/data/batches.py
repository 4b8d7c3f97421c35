"""Batches of numpy arrays, prepared by threads or processes ahead of the accelerator.

Shape legend: B images, H x W network input, C channels, N objects (padded), m mask side.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detforge.data.augment import Augmenter
from detforge.data.batch_processes import BatchProcesses
from detforge.data.images import normalize, to_network_input
from detforge.data.labels import check_labels
from detforge.data.order import Draw, Order
from detforge.data.ordered import map_ordered, thread_count
from detforge.data.shape_buckets import find_buckets
from detforge.data.targets import find_objects, make_target
from detforge.errors import DatasetError, DetforgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from detforge.data.samples import Sample, SampleSource
    from detforge.recipe import Recipe

    Arrays = dict[str, NDArray]

log = logging.getLogger(__name__)

# The number of objects is padded to a multiple of it: a few more images rarely change the shape,
# and with it the compiled program.
_PADDING_STEP = 8
# Keep the draws that change an image, and those of the detector, apart from those that order the
# images.
_AUGMENTATION, _DETECTOR = 2, 3
# A batch of large images takes hundreds of megabytes.
_AHEAD_BYTES = 512 << 20


class TrainingBatches:
    """An endless stream of full batches; see `detforge.model.Batch` for the arrays.

    `Order` says which images come when; an epoch is the least number of steps with as many images
    as the source has, or as the recipe says. Where the batch size does not divide that number,
    permutations and epochs drift apart: the first epoch still shows every image, a later one may
    show some twice and others not. Over a run no image is ahead of another by more than one.
    (Images of another weight or shape have a stream of their own.)

    Batch `s` depends on the data, the recipe, the seed and `s`, and on nothing else: not on the
    number of threads or processes, nor on where the stream began. So the number of the next step is
    all there is to save in the middle of an epoch, and a stream from that step on is all there is
    to restore.

    Attributes:
        source: the training images.
        steps_per_epoch: batches in an epoch.
        failure: what ended the stream, None while it goes on. A training loop sees only that the
            data ended; whoever started it must look here.
    """

    def __init__(self, source: SampleSource, recipe: Recipe, *, seed: int) -> None:
        """Check the classes of the data; no image is read yet, unless shapes follow from sizes.

        Args:
            source: the training images.
            recipe: classes, input, augmentation, objects, batch size, threads.
            seed: decides order and augmentation.

        Raises:
            DatasetError: a class in the data is not mapped, there is no object at all, or an
                image has more objects than the recipe permits.
        """
        check_labels(source, recipe.classes)
        data = recipe.data
        self.source = source
        self._recipe = recipe
        self._seed = seed
        self._max_objects = _count_objects(source, recipe)
        self._crowded: dict[int, int] = {}
        self._augment = Augmenter(
            recipe.augmentation, recipe.input, min_size=(data.min_box_width, data.min_box_height)
        )
        self._buckets = find_buckets(source, recipe.input)
        weights = source.weights()
        self._order = Order(
            np.ones(len(source)) if weights is None else weights,
            batch_size=data.batch_size,
            seed=seed,
            shapes=self._buckets.of_row,
        )
        self.steps_per_epoch = -(-(data.images_per_epoch or len(source)) // data.batch_size)
        self.failure: DetforgeError | None = None

    def stream(self, first_step: int = 0) -> Iterator[Arrays]:
        """Yield batches from a step on, prepared ahead by threads, or by processes.

        As many are prepared as the recipe's ``max_queue_size`` says, but not more than fit into
        512 MiB; two are allowed in any case. Ends only when an image cannot be used; `failure`
        then says why.
        """
        workers, steps = thread_count(self._recipe.data.workers), itertools.count(first_step)
        try:
            with self._preparing(workers) as prepare:
                ahead = self._batches_ahead()
                batches = map_ordered(prepare, steps, workers=workers, ahead=ahead)
                with contextlib.closing(batches):
                    for count, batch in enumerate(batches, start=1):
                        if count == self.steps_per_epoch:
                            self._report_crowded()
                        yield batch
        except DetforgeError as err:
            self.failure = err

    @contextlib.contextmanager
    def _preparing(self, workers: int) -> Iterator[Callable[[int], Arrays]]:
        """Provide what makes the batch of a step: `batch`, here or in processes."""
        if not self._recipe.data.multiprocessing:
            yield self.batch
            return
        processes = BatchProcesses(
            self.source,
            self._recipe,
            seed=self._seed,
            count=workers,
            batch_bytes=self._largest_bytes(),
        )

        def prepare(step: int) -> Arrays:
            arrays, crowded = processes.batch(step)
            self._crowded.update(crowded)
            return arrays

        with contextlib.closing(processes):
            yield prepare

    def batch(self, step: int) -> Arrays:
        """Return one batch; the same arrays whenever it is asked for.

        Raises:
            DatasetError: an image cannot be used.
        """
        return self._make(self._order.batch(step))

    def each_once(self, images: int = 0) -> Iterator[Arrays]:
        """Yield batches with every image once, in order, shape by shape, prepared by threads.

        The last batch of a shape holds what is left.

        Args:
            images: only so many, from the start; 0 for all.

        Raises:
            DatasetError: an image cannot be used.
        """
        of_row, size = self._buckets.of_row[: images or None], self._recipe.data.batch_size
        draws = ([Draw(int(row), 0, s) for row in rows] for s, rows in _in_order(of_row, size))
        workers = thread_count(self._recipe.data.workers)
        ahead = _ahead(workers, self._largest_bytes())
        with contextlib.closing(
            map_ordered(self._make, draws, workers=workers, ahead=ahead)
        ) as batches:
            yield from batches

    def _make(self, draws: Sequence[Draw]) -> Arrays:
        arrays = self._empty(self._buckets.sizes[draws[0].shape], len(draws))
        for index, draw in enumerate(draws):
            self._fill(arrays, index, draw)
        return arrays

    def images_of(self, step: int) -> list[str]:
        """Return what to call the images of a batch in messages."""
        return [self.source[draw.row].place for draw in self._order.batch(step)]

    def _batches_ahead(self) -> int:
        wanted = self._recipe.data.max_queue_size
        ahead = _ahead(wanted, self._largest_bytes())
        if ahead < wanted:
            log.info(
                "%d batches are prepared ahead; the %d of max_queue_size would take more than "
                "%d MiB",
                *(ahead, wanted, _AHEAD_BYTES >> 20),
            )
        return ahead

    def _largest_bytes(self) -> int:
        arrays = self._empty(max(self._buckets.sizes, key=np.prod), self._recipe.data.batch_size)
        return sum(array.nbytes for array in arrays.values())

    def take_crowded(self) -> dict[int, int]:
        """Return row -> objects of the images seen since the last call that have too many."""
        crowded, self._crowded = self._crowded, {}
        return crowded

    def _empty(self, image_size: tuple[int, int], size: int) -> Arrays:
        objects, side = self._max_objects, self._recipe.data.mask_size
        arrays: Arrays = {
            "images": _empty_images(self._recipe, size, image_size),
            "valid": np.zeros((size, 2), np.int32),
            "boxes": np.zeros((size, objects, 4), np.float32),
            "labels": np.full((size, objects), -1, np.int32),
            "ignore": np.zeros((size, objects), bool),
            "row": np.zeros(size, np.int32),
            "seed": np.zeros(size, np.int32),
        }
        if side:
            arrays["masks"] = np.zeros((size, objects, side, side), np.float32)
        return arrays

    def _fill(self, arrays: Arrays, index: int, draw: Draw) -> None:
        recipe, sample = self._recipe, self.source[draw.row]
        objects = find_objects(sample, recipe.classes, skip_crowd=recipe.data.skip_crowd)
        if len(objects.rows) > self._max_objects:
            self._crowded[draw.row] = len(objects.rows)
        rng = np.random.default_rng((self._seed, _AUGMENTATION, draw.row, draw.turn))
        view = self._augment(sample.image(), sample.boxes[objects.rows], rng)
        target = make_target(sample, objects, view, recipe.data, self._max_objects)
        count = len(target.labels)
        normalize(view.image, view.placement, recipe.input, arrays["images"][index])
        arrays["valid"][index] = view.placement.extent[::-1]
        arrays["boxes"][index, :count] = target.boxes
        arrays["labels"][index, :count] = target.labels
        arrays["ignore"][index, :count] = target.ignore
        if target.masks is not None:
            arrays["masks"][index, :count] = target.masks
        arrays["row"][index] = draw.row
        arrays["seed"][index] = _seed_of(self._seed, draw)

    def _report_crowded(self) -> None:
        """Say how many of the images read so far have more objects than a batch holds."""
        if self._crowded:
            log.warning(
                "%d images have more than %d objects, %d in all; of each view of them the %d "
                "largest are used",
                *(len(self._crowded), self._max_objects, sum(self._crowded.values())),
                self._max_objects,
            )


def _count_objects(source: SampleSource, recipe: Recipe) -> int:
    """Return the number of objects that a batch holds of each image.

    Raises:
        DatasetError: an image has more than the recipe permits.
    """
    most, limit = source.max_objects(), recipe.data.max_objects
    padded = -(-max(most, 1) // _PADDING_STEP) * _PADDING_STEP
    if limit is None:
        return padded
    if most > limit and recipe.data.max_objects_field:
        _refuse_crowded_images(source, recipe, limit)
    elif most > limit:
        log.warning(
            "images have up to %d objects; the %d largest of an image are used", most, limit
        )
    return min(padded, limit)


def _refuse_crowded_images(source: SampleSource, recipe: Recipe, limit: int) -> None:
    """Read the labels of all images: what sources count includes objects without a label.

    Raises:
        DatasetError: an image has more objects than the limit.
    """
    classes, skip_crowd = recipe.classes, recipe.data.skip_crowd
    samples = (source[row] for row in range(len(source)))
    counts = [
        (len(find_objects(sample, classes, skip_crowd=skip_crowd).rows), sample.place)
        for sample in samples
    ]
    if crowded := [found for found in counts if found[0] > limit]:
        most, place = max(crowded)
        raise DatasetError(
            f"{place}: {most} objects, and {recipe.data.max_objects_field} permits {limit} in an "
            f"image. Set it to {most} or more (images with too many: {len(crowded)})"
        )


def _seed_of(seed: int, draw: Draw) -> int:
    """Return another number for each view of an image, the same whenever it is asked for."""
    state = np.random.SeedSequence((seed, _DETECTOR, draw.row, draw.turn)).generate_state(1)
    return int(state[0]) >> 1  # a signed number holds 31 bits


def _ahead(wanted: int, size: int) -> int:
    """Return how many things of `size` bytes may be ready at one time, `wanted` at most."""
    return min(wanted, max(2, _AHEAD_BYTES // size))


def _empty_images(recipe: Recipe, count: int, image_size: tuple[int, int]) -> NDArray[np.float32]:
    width, height = image_size
    return np.zeros((count, height, width, recipe.input.channels), np.float32)


def _in_order(of_row: NDArray, size: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number of a shape and up to `size` rows of that shape, until all rows have come."""
    for shape in np.unique(of_row):
        rows = np.flatnonzero(of_row == shape)
        for first in range(0, len(rows), size):
            yield int(shape), rows[first : first + size]


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
    """Yield all images once, in batches of one size, read ahead by threads.

    The images come in order; where they have several shapes, shape by shape. Each image is read
    once: its objects come along. Of more images than the recipe evaluates the first ones come.

    Raises:
        DatasetError: an image cannot be used.
    """
    size, buckets = recipe.evaluation.batch_size, find_buckets(source, recipe.input)
    of_row = buckets.of_row[: recipe.evaluation.images or None]
    batches = [(buckets.sizes[shape], rows) for shape, rows in _in_order(of_row, size)]

    def read(row: int) -> tuple[Sample, NDArray[np.float32]]:
        sample = source[row]
        return sample, to_network_input(sample.image(), recipe.input)

    workers = thread_count(recipe.data.workers)
    largest = _empty_images(recipe, 1, max(buckets.sizes, key=np.prod))
    ahead = _ahead(2 * max(size, workers), largest.nbytes)
    rows = (int(row) for _, some in batches for row in some)
    found = map_ordered(read, rows, workers=workers, ahead=ahead)
    with contextlib.closing(found):
        for image_size, some in batches:
            images, row = _empty_images(recipe, size, image_size), np.full(size, -1, np.int32)
            row[: len(some)] = some
            samples = []
            for index, (sample, image) in enumerate(itertools.islice(found, len(some))):
                images[index, : image.shape[0], : image.shape[1]] = image
                samples.append(sample)
            yield EvaluationBatch(images, row, tuple(samples))
