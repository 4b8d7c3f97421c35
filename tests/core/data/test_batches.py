from __future__ import annotations

import itertools
import logging
import threading
import tracemalloc

import numpy as np
import pytest
from tests.core.data.data_builders import (
    DETECTNET_CHAIN,
    JITTER_CHAIN,
    SSD_CHAIN,
    ListSource,
    convert_request,
    kitti_spec,
    make_recipe,
    make_sample,
    network,
)

from detforge.data import batches as batches_module
from detforge.data.batches import TrainingBatches, evaluation_batches
from detforge.data.coco import CocoFile
from detforge.data.concatenation import Concatenation
from detforge.data.convert import convert_dataset
from detforge.data.kitti import KittiFolder
from detforge.data.masks import encode_mask
from detforge.data.records import RecordSource
from detforge.errors import DatasetError


def _source(count=5, **flags):
    """Images whose grey level is their row."""
    return ListSource(
        make_sample(
            [[1, 2, 31, 42]], ["circle"], image=np.full((48, 64, 3), row, np.uint8), **flags
        )
        for row in range(count)
    )


class CountingSource(ListSource):
    """Remembers which rows were asked for."""

    def __init__(self, samples):
        super().__init__(samples)
        self.rows = []

    def __getitem__(self, row):
        self.rows.append(row)
        return super().__getitem__(row)


def _assert_same_batches(one, other):
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def _take(batches, count, first=0):
    stream = batches.stream(first)
    taken = list(itertools.islice(stream, count))
    stream.close()
    return taken


def test_batch_has_the_documented_arrays(drawn):
    recipe = make_recipe(augmentation=SSD_CHAIN, input=network(40, 30))
    batch = TrainingBatches(KittiFolder(drawn.images, drawn.labels), recipe, seed=1).batch(0)
    assert {key: (value.shape, value.dtype.name) for key, value in batch.items()} == {
        "images": ((4, 30, 40, 3), "float32"),
        "valid": ((4, 2), "int32"),
        "boxes": ((4, 8, 4), "float32"),
        "labels": ((4, 8), "int32"),
        "ignore": ((4, 8), "bool"),
        "row": ((4,), "int32"),
        "seed": ((4,), "int32"),
    }


def test_padding_is_minus_one_and_zeros():
    batch = TrainingBatches(_source(), make_recipe(), seed=1).batch(0)
    assert (batch["labels"] == [0, -1, -1, -1, -1, -1, -1, -1]).all()
    np.testing.assert_array_equal(batch["boxes"][:, 0], [[1, 2, 31, 42]] * 4)
    assert not batch["boxes"][:, 1:].any()
    assert not batch["ignore"].any()


def test_row_names_the_image_in_the_batch():
    batch = TrainingBatches(_source(), make_recipe(), seed=1).batch(0)
    np.testing.assert_array_equal(batch["images"][:, 0, 0, 0], batch["row"])


def test_each_view_of_an_image_has_a_seed_of_its_own_that_comes_again():
    batches, again = (TrainingBatches(_source(), make_recipe(), seed=1) for _ in range(2))
    seeds = np.concatenate([batches.batch(step)["seed"] for step in range(30)])
    assert len(set(seeds.tolist())) == len(seeds)
    np.testing.assert_array_equal(batches.batch(7)["seed"], again.batch(7)["seed"])
    other = TrainingBatches(_source(), make_recipe(), seed=2)
    assert not np.isin(other.batch(7)["seed"], seeds).any()


@pytest.mark.parametrize(("most", "padded"), [(1, 8), (8, 8), (9, 16), (16, 16)])
def test_objects_are_padded_to_a_multiple_of_eight(most, padded):
    source = ListSource([make_sample([[1, 2, 31, 42]] * most, ["circle"] * most)])
    batch = TrainingBatches(source, make_recipe(), seed=1).batch(0)
    assert batch["labels"].shape == (4, padded)


@pytest.mark.parametrize(("limit", "shape"), [(2, 2), (8, 8), (100, 8)])
def test_recipe_limits_the_objects_of_a_batch(limit, shape):
    boxes = [[0, 0, 10 + n, 10] for n in range(5)]
    source = ListSource([make_sample(boxes, ["circle"] * 5)])
    batch = TrainingBatches(source, make_recipe(max_objects=limit), seed=1).batch(0)
    assert batch["labels"].shape == (4, shape)
    assert (batch["labels"] >= 0).sum(axis=1).tolist() == [min(limit, 5)] * 4


def test_images_with_too_many_objects_are_counted_and_reported_once(caplog):
    few, many = ([[0, 0, 10, 10]] * count for count in (2, 5))
    samples = [make_sample(b, ["circle"] * len(b)) for b in (few, many, few, many, many)]
    batches = TrainingBatches(ListSource(samples), make_recipe(max_objects=3), seed=1)
    assert "images have up to 5 objects" in caplog.text
    _take(batches, 9)
    reports = [r.getMessage() for r in caplog.records if "more than 3 objects" in r.getMessage()]
    assert reports == [
        "3 images have more than 3 objects, 15 in all; of each view of them the 3 largest are used"
    ]


def test_largest_objects_stay_when_there_are_too_many(caplog):
    boxes = [[0, 0, 10, 10], [0, 0, 40, 40], [0, 0, 20, 20]]
    source = ListSource([make_sample(boxes, ["circle", "square", "triangle"])])
    batch = TrainingBatches(source, make_recipe(max_objects=2), seed=1).batch(0)
    assert batch["labels"][0].tolist() == [1, 2]
    assert "the 2 largest of an image are used" in caplog.text


def test_too_many_objects_are_an_error_where_the_documents_say_so():
    boxes = [[0, 0, 10 + n, 10] for n in range(5)]
    few, many = ("circle", *["DontCare"] * 4), ["circle"] * 5
    recipe = make_recipe(max_objects=3, max_objects_field="model.most_objects")
    source = ListSource(make_sample(boxes, names) for names in (few, many, few, many))
    with pytest.raises(DatasetError) as caught:
        TrainingBatches(source, recipe, seed=1)
    assert str(caught.value) == (
        "memory.png: 5 objects, and model.most_objects permits 3 in an image. "
        "Set it to 5 or more (images with too many: 2)"
    )
    batch = TrainingBatches(ListSource([make_sample(boxes, few)]), recipe, seed=1).batch(0)
    assert (batch["labels"] == [0, -1, -1]).all()


@pytest.mark.parametrize(("images", "steps"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_epoch_is_the_least_number_of_full_batches(images, steps):
    assert TrainingBatches(_source(images), make_recipe(), seed=1).steps_per_epoch == steps


@pytest.mark.parametrize(("images", "batch_size"), [(5, 4), (9, 4), (3, 8)])
def test_first_epoch_shows_every_image_and_no_later_one_falls_behind(images, batch_size):
    batches = TrainingBatches(_source(images), make_recipe(batch_size=batch_size), seed=1)
    shown = np.zeros(images, int)
    for epoch in range(6):
        for step in range(batches.steps_per_epoch):
            rows = batches.batch(epoch * batches.steps_per_epoch + step)["row"]
            shown += np.bincount(rows, minlength=images)
        assert shown.min() >= 1
        assert shown.max() - shown.min() <= 1


@pytest.mark.parametrize(("images_per_epoch", "steps"), [(0, 3), (8, 2), (100, 25)])
def test_recipe_may_say_how_many_images_make_an_epoch(images_per_epoch, steps):
    recipe = make_recipe(images_per_epoch=images_per_epoch)
    assert TrainingBatches(_source(9), recipe, seed=1).steps_per_epoch == steps


def test_every_image_comes_once_before_any_comes_again():
    batches = TrainingBatches(_source(5), make_recipe(), seed=1)
    rows = np.concatenate([batches.batch(step)["row"] for step in range(5)])
    for epoch in range(4):
        assert sorted(rows[5 * epoch : 5 * epoch + 5]) == [0, 1, 2, 3, 4]
    assert len({tuple(rows[5 * epoch : 5 * epoch + 5]) for epoch in range(4)}) > 1


def test_one_image_fills_a_batch():
    batch = TrainingBatches(_source(1), make_recipe(), seed=1).batch(3)
    assert batch["row"].tolist() == [0, 0, 0, 0]


def test_seed_decides_order_and_augmentation(drawn):
    source = KittiFolder(drawn.images, drawn.labels)
    recipe = make_recipe(augmentation=SSD_CHAIN)
    one, same, other = (TrainingBatches(source, recipe, seed=seed) for seed in (1, 1, 2))
    _assert_same_batches([one.batch(2)], [same.batch(2)])
    assert (one.batch(2)["images"] != other.batch(2)["images"]).any()


def test_image_is_augmented_anew_each_time():
    source = _source(1)
    batch = TrainingBatches(source, make_recipe(augmentation=SSD_CHAIN), seed=1).batch(0)
    assert len({image.tobytes() for image in batch["images"]}) > 1


def _weighted(drawn):
    """Half of the images three times as often, of three shapes where shapes follow the images."""
    folder = KittiFolder(drawn.images, drawn.labels)
    others = [
        make_sample([[1, 2, 21, 22]], ["circle"], image=np.full((height, 40, 3), 90, np.uint8))
        for height in (25, 60, 60)
    ]
    return Concatenation([folder, ListSource(others)], weights=(1.0, 3.0))


CHAINS = {"ssd": SSD_CHAIN, "detectnet": DETECTNET_CHAIN, "jitter": JITTER_CHAIN}
FORMS = {"fixed": network(), "of many shapes": network(0, 0, shorter_side=30, longer_side=60)}


@pytest.mark.parametrize(("workers", "queue"), [(1, 1), (3, 2), (4, 8), (0, 20)])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_threads_change_neither_order_nor_content(drawn, chain, workers, queue):
    recipe = make_recipe(augmentation=chain, workers=workers, max_queue_size=queue)
    batches = TrainingBatches(_weighted(drawn), recipe, seed=7)
    direct = [batches.batch(step) for step in range(6)]
    _assert_same_batches(_take(batches, 6), direct)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("before", "after"), [(2, 2), (3, 1), (1, 4)])
def test_run_goes_on_in_the_middle_of_an_epoch_as_if_it_had_not_stopped(drawn, form, before, after):
    """Seed and number of the next step are all that is saved."""

    def recipe(workers):
        return make_recipe(augmentation=SSD_CHAIN, input=form, workers=workers)

    whole = _take(TrainingBatches(_weighted(drawn), recipe(before), seed=1), 12)
    resumed = TrainingBatches(_weighted(drawn), recipe(after), seed=1)
    assert 5 % resumed.steps_per_epoch != 0
    _assert_same_batches(_take(resumed, 7, first=5), whole[5:])


def test_images_of_heavier_sources_come_more_often(drawn):
    batches = TrainingBatches(_weighted(drawn), make_recipe(), seed=1)
    assert batches.steps_per_epoch == 4
    rows = np.concatenate([batches.batch(step)["row"] for step in range(105)])
    counts = np.bincount(rows, minlength=15)
    assert np.abs(counts[:12] - 20).max() <= 1
    assert np.abs(counts[12:] - 60).max() <= 1


def test_images_of_a_batch_share_a_shape():
    images = [np.zeros(size, np.uint8) for size in ((30, 60, 3), (60, 30, 3), (30, 60, 3))] * 3
    source = ListSource([make_sample([[2, 2, 20, 20]], ["circle"], image=i) for i in images])
    recipe = make_recipe(input=network(0, 0, shorter_side=15), batch_size=2)
    batches = TrainingBatches(source, recipe, seed=1)
    shapes = set()
    for step in range(12):
        batch = batches.batch(step)
        height, width = batch["images"].shape[1:3]
        shapes.add((height, width))
        assert {images[row].shape[0] > 30 for row in batch["row"]} == {height > width}
        np.testing.assert_array_equal(batch["boxes"][:, 0], [[1, 1, 10, 10]] * 2)
        assert (batch["valid"] == (height, width)).all()
    assert shapes == {(15, 30), (30, 15)}


def test_images_of_nearly_one_shape_are_padded_to_it():
    source = ListSource(
        make_sample([[0, 0, 9, 9]], ["circle"], image=np.full((40, 40 + n, 3), 50 + n, np.uint8))
        for n in range(20)
    )
    recipe = make_recipe(input=network(0, 0, shorter_side=40), batch_size=1)
    batches = TrainingBatches(source, recipe, seed=1)
    shapes = set()
    for step in range(20):
        batch = batches.batch(step)
        (row,), ((height, width),) = batch["row"], batch["valid"]
        assert (height, width) == (40, 40 + row)
        assert (batch["images"][0, :, :width] == 50 + row).all()
        assert not batch["images"][0, :, width:].any()
        shapes.add(batch["images"].shape)
    assert len(shapes) <= 8


def test_valid_corner_holds_the_image_and_the_rest_is_zero():
    image = np.full((30, 60, 3), 200, np.uint8)
    source = ListSource([make_sample([[0, 0, 60, 30]], ["circle"], image=image)])
    form = network(64, 48, resize="fit", mean=(0.3, 0.3, 0.3))
    batch = TrainingBatches(source, make_recipe(input=form), seed=1).batch(0)
    assert (batch["valid"] == (32, 64)).all()
    assert (np.abs(batch["images"][:, :32] - 199.7) < 1e-4).all()
    assert not batch["images"][:, 32:].any()
    np.testing.assert_array_equal(batch["boxes"][:, 0], [[0, 0, 64, 32]] * 4)


def test_no_more_batches_are_prepared_than_the_queue_holds():
    source = CountingSource(_source(4).samples)
    stream = TrainingBatches(source, make_recipe(max_queue_size=3), seed=1).stream()
    next(stream)
    stream.close()
    assert len(source.rows) <= 3 * 4


@pytest.mark.parametrize(
    ("fitting", "queue", "most"),
    [(0.5, 8, 2), (3.5, 8, 3), (3.5, 2, 2), (0.5, 1, 1)],
    ids=["two in any case", "as many as fit", "as many as asked for", "one if asked for"],
)
def test_batches_ahead_are_bound_by_their_size_too(monkeypatch, caplog, fitting, queue, most):
    caplog.set_level(logging.INFO)
    source = CountingSource(_source(4).samples)
    batches = TrainingBatches(source, make_recipe(max_queue_size=queue), seed=1)
    size = sum(array.nbytes for array in batches.batch(0).values())
    source.rows.clear()
    monkeypatch.setattr(batches_module, "_AHEAD_BYTES", int(fitting * size))
    stream = batches.stream()
    next(stream)
    stream.close()
    assert len(source.rows) <= most * 4
    assert (f"{most} batches are prepared ahead" in caplog.text) == (most < queue)


def test_closing_the_stream_ends_its_threads():
    stream = TrainingBatches(_source(), make_recipe(workers=2), seed=1).stream()
    next(stream)
    stream.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("detforge-data")]


def test_difficult_objects_are_trained_on_or_ignored_as_asked():
    source = _source(difficult=[True])
    for include in (True, False):
        recipe = make_recipe(include_difficult=include)
        batch = TrainingBatches(source, recipe, seed=1).batch(0)
        assert (batch["ignore"][:, 0] != include).all()
        assert (batch["labels"][:, 0] == 0).all()


def test_crowds_are_always_ignored():
    batch = TrainingBatches(_source(crowd=[True]), make_recipe(), seed=1).batch(0)
    assert batch["ignore"][:, 0].all()
    assert not batch["ignore"][:, 1:].any()


def test_crowds_are_left_out_where_the_recipe_says_so():
    boxes = [[0, 0, 30, 30], [30, 20, 64, 48]]
    sample = make_sample(boxes, ["circle", "square"], crowd=[True, False])
    recipe = make_recipe(skip_crowd=True)
    batch = TrainingBatches(ListSource([sample]), recipe, seed=1).batch(0)
    assert (batch["labels"][:, 0] == 1).all()
    assert (batch["labels"][:, 1:] == -1).all()
    assert not batch["ignore"].any()


def test_objects_smaller_than_the_recipe_wants_are_left_out():
    boxes = [[0, 0, 5, 30], [0, 0, 30, 4], [30, 20, 64, 48]]
    sample = make_sample(boxes, ["circle", "triangle", "square"])
    recipe = make_recipe(min_box_width=6, min_box_height=5)
    batch = TrainingBatches(ListSource([sample]), recipe, seed=1).batch(0)
    assert batch["labels"][0].tolist() == [1] + [-1] * 7


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_flags_stay_with_their_objects_through_augmentation(chain):
    boxes = [[0, 0, 20, 20], [40, 25, 64, 48]]
    sample = make_sample(boxes, ["circle", "square"], crowd=[False, True])
    batches = TrainingBatches(
        ListSource([sample]), make_recipe(augmentation=chain, batch_size=64), seed=1
    )
    batch = batches.batch(0)
    assert {0, 1} <= set(batch["labels"].ravel().tolist())
    np.testing.assert_array_equal(batch["ignore"], batch["labels"] == 1)


def test_names_are_compared_without_case_and_dont_care_is_left_out():
    sample = make_sample([[0, 0, 9, 9]] * 3, ["SQUARE", "DontCare", "triangle"])
    batch = TrainingBatches(ListSource([sample]), make_recipe(), seed=1).batch(0)
    assert batch["labels"][0].tolist() == [1, 2, -1, -1, -1, -1, -1, -1]


def test_dont_care_regions_attract_no_crop():
    boxes = [[0, 0, 10, 10], [30, 20, 64, 48]]
    alone = make_sample(boxes[:1], ["circle"])
    beside = make_sample(boxes, ["circle", "DontCare"])
    recipe = make_recipe(augmentation=SSD_CHAIN)
    one, other = (
        TrainingBatches(ListSource([sample]), recipe, seed=1).batch(0) for sample in (alone, beside)
    )
    _assert_same_batches([one], [other])


def test_class_that_is_not_mapped_is_an_error_before_the_first_batch():
    names = ["circle", "sqare", "sqare", "moon"]
    source = ListSource([make_sample([[0, 0, 9, 9]] * 4, names)], name="my images")
    with pytest.raises(DatasetError) as caught:
        TrainingBatches(source, make_recipe(), seed=1)
    text = str(caught.value)
    assert text.startswith("my images has classes")
    assert "'sqare' (2 objects, did you mean 'square'?)" in text
    assert "'moon' (1 object)" in text


@pytest.mark.parametrize("names", [[], ["DontCare"]], ids=["nothing", "only DontCare"])
def test_data_without_objects_is_an_error(names):
    source = ListSource([make_sample([[0, 0, 9, 9]] * len(names), names)])
    with pytest.raises(DatasetError, match="1 images and no labelled object"):
        TrainingBatches(source, make_recipe(), seed=1)


def test_bad_image_ends_the_stream_and_is_remembered(tmp_path, drawn):
    images = tmp_path / "images"
    images.mkdir()
    for path in drawn.images.iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    bad = images / "000003.jpg"
    bad.write_bytes(bad.read_bytes()[:-300])
    batches = TrainingBatches(
        KittiFolder(images, drawn.labels), make_recipe(workers=2, max_queue_size=4), seed=1
    )
    assert batches.failure is None
    assert len(list(batches.stream())) < 3
    assert isinstance(batches.failure, DatasetError)
    assert "000003.jpg is truncated" in str(batches.failure)


def test_damaged_record_ends_the_stream_and_is_remembered(tmp_path, drawn):
    convert_dataset(
        convert_request(
            kitti_spec(drawn.images, drawn.labels, val_split=0, shards=1), tmp_path / "out"
        )
    )
    (shard,) = tmp_path.glob("out-fold-001-*")
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    batches = TrainingBatches(RecordSource(str(shard)), make_recipe(), seed=1)
    list(batches.stream())
    assert "does not match its checksum" in str(batches.failure)


def test_masks_are_cut_to_their_boxes():
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 20:40] = 1
    mask[10:20, 20:30] = 0  # an L: the top left quarter is missing
    sample = make_sample([[20, 10, 40, 30]], ["circle"], masks=(encode_mask(mask),))
    batch = TrainingBatches(ListSource([sample]), make_recipe(mask_size=4), seed=1).batch(0)
    assert batch["masks"].shape == (4, 8, 4, 4)
    assert batch["masks"].dtype == np.float32
    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    np.testing.assert_array_equal(batch["masks"][0, 0], expected)
    assert not batch["masks"][:, 1:].any()


def test_masks_of_real_objects_follow_flip_and_crop(fruits):
    source = CocoFile(fruits / "train.json", fruits / "train")
    recipe = make_recipe(
        ("date", "fig", "hazelnut"), augmentation=SSD_CHAIN, mask_size=14, input=network(150, 150)
    )
    batch = TrainingBatches(source, recipe, seed=1).batch(0)
    real = batch["labels"] >= 0
    assert real.sum() > 10
    assert not batch["masks"][~real].any()
    cover = batch["masks"][real].mean(axis=(1, 2))
    assert (cover > 0.2).all()
    assert cover.mean() < 0.95


def test_masks_of_the_largest_objects_stay_with_them():
    boxes = np.array([[0, 0, 10, 10], [10, 0, 50, 40], [50, 0, 64, 20]])
    masks = []
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        mask = np.zeros((48, 64), np.uint8)
        mask[y1 : y2 // (number + 1), x1:x2] = 1  # the whole, a half, a third
        masks.append(encode_mask(mask))
    sample = make_sample(boxes, ["circle", "square", "triangle"], masks=tuple(masks))
    recipe = make_recipe(mask_size=6, max_objects=2)
    batch = TrainingBatches(ListSource([sample]), recipe, seed=1).batch(0)
    assert batch["labels"][0].tolist() == [1, 2]
    np.testing.assert_allclose(batch["masks"][0].mean(axis=(1, 2)), [1 / 2, 1 / 3])


def test_masks_are_in_memory_one_at_a_time():
    """Sixteen masks of 4 MB each would be 64 MB."""
    side, count = 2000, 16
    mask = np.zeros((side, side), np.uint8)
    mask[100:1900, 100:1900] = 1
    sample = make_sample(
        [[100, 100, 1900, 1900]] * count,
        ["circle"] * count,
        image=np.zeros((side, side, 3), np.uint8),
        masks=(encode_mask(mask),) * count,
    )
    for chain in (SSD_CHAIN, DETECTNET_CHAIN):
        recipe = make_recipe(
            augmentation=chain, input=network(256, 256), mask_size=28, batch_size=2
        )
        batches = TrainingBatches(ListSource([sample]), recipe, seed=1)
        batches.batch(0)  # what is imported late is no part of a batch
        tracemalloc.start()
        batches.batch(1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 48e6


def test_masks_that_the_data_does_not_have_are_an_error():
    with pytest.raises(DatasetError, match="objects without masks, and this detector learns masks"):
        TrainingBatches(_source(), make_recipe(mask_size=4), seed=1).batch(0)


def test_image_without_objects_needs_no_masks():
    mask = encode_mask(np.ones((48, 64), np.uint8))
    samples = [make_sample([[0, 0, 9, 9]], ["circle"], masks=(mask,)), make_sample([], [])]
    batch = TrainingBatches(ListSource(samples), make_recipe(mask_size=4), seed=1).batch(0)
    assert sorted(batch["masks"].sum(axis=(1, 2, 3)).tolist()) == [0, 0, 16, 16]


def test_real_images_give_the_same_batches_through_folders_and_records(bccd, tmp_path):
    images, labels = bccd / "val" / "images", bccd / "val" / "labels"
    convert_dataset(
        convert_request(kitti_spec(images, labels, val_split=0, shards=3), tmp_path / "out")
    )
    folder, records = KittiFolder(images, labels), RecordSource(str(tmp_path / "out"))
    names = {folder[row].name: row for row in range(len(folder))}
    in_folder_order = ListSource(
        sorted((records[row] for row in range(len(records))), key=lambda s: names[s.name])
    )
    recipe = make_recipe(("rbc", "wbc", "platelets"), augmentation=SSD_CHAIN)
    one = TrainingBatches(folder, recipe, seed=3).batch(1)
    other = TrainingBatches(in_folder_order, recipe, seed=3).batch(1)
    np.testing.assert_array_equal(one["images"], other["images"])
    np.testing.assert_array_equal(one["labels"], other["labels"])
    np.testing.assert_allclose(one["boxes"], other["boxes"], atol=1e-3)


def test_evaluation_of_many_shapes_shows_every_image_once():
    sizes = [(30, 60), (60, 30), (30, 60), (30, 30), (30, 60)]
    source = ListSource(
        make_sample([], [], image=np.full((*size, 3), row + 1, np.uint8))
        for row, size in enumerate(sizes)
    )
    recipe = make_recipe(input=network(0, 0, shorter_side=15), evaluation_batch=2)
    seen = []
    for batch in evaluation_batches(source, recipe):
        assert len(batch.images) == 2
        for image, row, sample in zip(batch.images, batch.row, batch.samples, strict=False):
            assert sample is source.samples[row]
            assert image.shape == (sizes[row][0] // 2, sizes[row][1] // 2, 3)
            assert (image == row + 1).all()
            seen.append(int(row))
    assert sorted(seen) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("workers", [1, 3])
def test_evaluation_shows_every_image_once_in_order(workers):
    source = _source(10)
    batches = list(evaluation_batches(source, make_recipe(evaluation_batch=4, workers=workers)))
    assert [batch.row.tolist() for batch in batches] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, -1, -1],
    ]
    for batch in batches:
        assert batch.images.shape == (4, 48, 64, 3)
        assert batch.images.dtype == np.float32
        assert batch.row.dtype == np.int32
        levels = np.maximum(batch.row, 0)
        assert (batch.images == levels[:, None, None, None]).all()
    assert [sample for batch in batches for sample in batch.samples] == source.samples


def test_evaluation_reads_every_image_once():
    source = CountingSource(_source(10).samples)
    list(evaluation_batches(source, make_recipe(evaluation_batch=4, workers=3)))
    assert sorted(source.rows) == list(range(10))


def test_evaluation_of_a_bad_image_is_an_error(tmp_path, drawn):
    images = tmp_path / "images"
    images.mkdir()
    for path in drawn.images.iterdir():
        (images / path.name).write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match="truncated"):
        list(evaluation_batches(KittiFolder(images, drawn.labels), make_recipe()))
