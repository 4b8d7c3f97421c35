"""Real data through every reader: the same boxes, classes, masks, sizes and pixels."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from tests.core.data.data_builders import (
    DETECTNET_CHAIN,
    SSD_CHAIN,
    ListSource,
    coco_spec,
    convert_request,
    detector_stub,
    kitti_spec,
    make_recipe,
    network,
)
from tests.core.data.record_builders import (
    od_api_example,
    tao_named_example,
    tao_ssd_example,
    write_shard,
)

from detforge.data.batches import TrainingBatches
from detforge.data.coco import CocoFile
from detforge.data.convert import convert_dataset
from detforge.data.kitti import KittiFolder
from detforge.data.labels import to_labels
from detforge.data.masks import decode_mask
from detforge.data.sources import open_training, open_validation
from detforge.recipe import DataSource


class _Dataset:
    """A data set as it was published, and a folder for other forms of it."""

    def __init__(self, source, classes, folder):
        self.samples = [source[row] for row in range(len(source))]
        self.classes = classes
        self.folder = folder
        self.labels = {name: number for number, name in enumerate(classes, start=1)}

    def images(self):
        folder = self.folder / "images"
        folder.mkdir()
        for sample in self.samples:
            (folder / sample.name).symlink_to(os.path.realpath(sample.path))
        return folder

    def write_records(self, write):
        shards = [self.samples[::2], self.samples[1::2]]
        for number, samples in enumerate(shards):
            path = self.folder / "records" / f"set-fold-001-of-002-shard-{number:05}-of-00002"
            write_shard(path, [write(sample) for sample in samples])
        return str(self.folder / "records" / "set*")


CLASSES = {
    "bccd": ("platelets", "rbc", "wbc"),
    "kitti": ("Car", "Cyclist", "DontCare", "Misc", "Pedestrian", "Truck"),
    "fruits": ("date", "fig", "hazelnut"),
}


@pytest.fixture(params=list(CLASSES))
def dataset(request, tmp_path):
    if request.param == "fruits":
        fruits = request.getfixturevalue("fruits")
        source = CocoFile(fruits / "train.json", fruits / "train")
    elif request.param == "kitti":
        kitti = request.getfixturevalue("kitti_sample")
        source = KittiFolder(kitti / "image_2", kitti / "label_2")
    else:
        bccd = request.getfixturevalue("bccd") / "val"
        source = KittiFolder(bccd / "images", bccd / "labels")
    return _Dataset(source, CLASSES[request.param], tmp_path)


def _labels(dataset):
    folder = dataset.folder / "labels"
    folder.mkdir()
    for sample in dataset.samples:
        rows = [
            f"{name.upper()} 0.00 {difficult:.2f} 0 {' '.join(map(repr, box))} 0 0 0 0 0 0 0\n"
            for name, difficult, box in zip(
                sample.class_names, sample.difficult, sample.boxes.tolist(), strict=True
            )
        ]
        (folder / f"{sample.name.rpartition('.')[0]}.txt").write_text("".join(rows))
    return folder


def _annotations(dataset):
    annotations = []
    for image, sample in enumerate(dataset.samples, start=1):
        for number, (name, box) in enumerate(
            zip(sample.class_names, sample.boxes.tolist(), strict=True)
        ):
            x1, y1, x2, y2 = box
            entry = {"id": len(annotations), "image_id": image}
            entry |= {"category_id": 10 * dataset.labels[name], "bbox": [x1, y1, x2 - x1, y2 - y1]}
            if sample.masks:
                entry["segmentation"] = _runs(sample, number)
            annotations.append(entry)
    content = {
        "annotations": annotations,
        "images": [
            {"id": image, "file_name": s.name, "width": s.width, "height": s.height}
            for image, s in enumerate(dataset.samples, start=1)
        ],
        "categories": [{"id": 10 * n, "name": name} for name, n in dataset.labels.items()],
    }
    path = dataset.folder / "instances.json"
    path.write_text(json.dumps(content))
    return path


def _runs(sample, number):
    mask = decode_mask(sample.masks[number], sample.width, sample.height, "")
    pixels = mask.T.ravel()
    edges = np.flatnonzero(np.diff(pixels, prepend=0))
    counts = np.diff([0, *edges, pixels.size])
    return {"size": [sample.height, sample.width], "counts": counts.tolist()}


def _as_kitti(dataset):
    return DataSource(images=str(dataset.images()), labels=str(_labels(dataset)))


def _as_coco(dataset):
    annotations = _annotations(dataset)
    return DataSource(images=str(dataset.images()), annotations=str(annotations))


def _as_records_of_kitti(dataset):
    extension = "." + dataset.samples[0].name.rpartition(".")[2]
    folders = dataset.images(), _labels(dataset)
    mapping = {name: name for name in dataset.classes}
    spec = kitti_spec(*folders, shards=3, extension=extension, mapping=mapping)
    convert_dataset(convert_request(spec, dataset.folder / "out" / "set"))
    return DataSource(records=str(dataset.folder / "out" / "set"))


def _as_records_of_coco(dataset):
    mapping = {name: name for name in dataset.classes}
    spec = coco_spec([_annotations(dataset)], [dataset.images()], shards=(2,), mapping=mapping)
    convert_dataset(convert_request(spec, dataset.folder / "out" / "set"))
    return DataSource(records=str(dataset.folder / "out" / "set*"))


def _as_od_api(dataset):
    write = lambda sample: od_api_example(sample, dataset.labels, sizes=False)  # noqa: E731
    return DataSource(records=dataset.write_records(write))


def _as_annotated_records(dataset):
    write = lambda sample: od_api_example(sample, dataset.labels, masks=False)  # noqa: E731
    annotations = _annotations(dataset)
    return DataSource(records=dataset.write_records(write), annotations=str(annotations))


def _as_tao_ssd(dataset):
    order = sorted(name.lower() for name in dataset.classes)
    numbers = {name: number for number, name in enumerate(order, start=1)}
    write = lambda sample: tao_ssd_example(sample, numbers)  # noqa: E731
    return DataSource(records=dataset.write_records(write))


def _as_tao_named(dataset):
    write = lambda sample: tao_named_example(sample, "images")  # noqa: E731
    dataset.images()
    return DataSource(records=dataset.write_records(write), images=str(dataset.folder))


KEEP_MASKS = (_as_coco, _as_records_of_coco, _as_od_api, _as_annotated_records)
KEEP_MARKS = (_as_kitti, _as_records_of_kitti, _as_tao_ssd, _as_tao_named)
READERS = {*KEEP_MASKS, *KEEP_MARKS}


@pytest.mark.parametrize("form", sorted(READERS, key=lambda form: form.__name__))
def test_every_reader_gives_the_same_samples(dataset, form):
    recipe = make_recipe(dataset.classes, validation=(form(dataset),), mask_size=28)
    source = open_validation(recipe, detector_stub())
    found = {sample.name: sample for sample in (source[row] for row in range(len(source)))}
    assert len(found) == len(source) == len(dataset.samples)
    for want in dataset.samples:
        got = found[want.name]
        assert (got.width, got.height) == (want.width, want.height)
        np.testing.assert_allclose(got.boxes, want.boxes, rtol=0, atol=0.001)
        np.testing.assert_array_equal(
            to_labels(got.class_names, recipe.classes), to_labels(want.class_names, recipe.classes)
        )
        np.testing.assert_array_equal(got.image(), want.image())
        if form in KEEP_MARKS:
            np.testing.assert_array_equal(got.difficult, want.difficult)
        if form in KEEP_MASKS:
            _assert_same_masks(got, want)
    assert _counts(source, recipe) == _counts(ListSource(dataset.samples), recipe)
    assert source.max_objects() == ListSource(dataset.samples).max_objects()


def _counts(source, recipe):
    return {recipe.classes.label(name): n for name, n in source.class_counts().items()}


@pytest.mark.parametrize("chain", [SSD_CHAIN, DETECTNET_CHAIN], ids=["ssd", "detectnet"])
@pytest.mark.parametrize("form", sorted(READERS, key=lambda form: form.__name__))
def test_every_reader_gives_the_same_batches(dataset, form, chain):
    has_masks = form in KEEP_MASKS and dataset.samples[0].masks is not None
    recipe = make_recipe(
        dataset.classes,
        training=(form(dataset),),
        mask_size=14 if has_masks else 0,
        augmentation=chain,
        input=network(200, 160),
    )
    source = open_training(recipe, detector_stub())
    places = {sample.name: place for place, sample in enumerate(dataset.samples)}
    found = sorted((source[row] for row in range(len(source))), key=lambda s: places[s.name])
    one, other = (
        TrainingBatches(ListSource(samples), recipe, seed=3).batch(1)
        for samples in (dataset.samples, found)
    )
    assert one.keys() == other.keys()
    for key in ("images", "valid", "labels", "row"):
        np.testing.assert_array_equal(one[key], other[key])
    np.testing.assert_allclose(one["boxes"], other["boxes"], rtol=0, atol=0.01)
    if has_masks:
        assert one["masks"].any()
        # A box that is off by a thousandth of a pixel may tip a cell that is half covered.
        assert np.mean(one["masks"] != other["masks"]) < 1e-3


def _assert_same_masks(got, want):
    assert len(got.masks or ()) == len(want.masks or ())
    for one, other in zip(got.masks or (), want.masks or (), strict=True):
        size = (want.width, want.height, "")
        np.testing.assert_array_equal(decode_mask(one, *size), decode_mask(other, *size))


def test_both_published_forms_of_a_data_set_agree(bccd):
    folder = KittiFolder(bccd / "val" / "images", bccd / "val" / "labels")
    file = CocoFile(bccd / "val.json", bccd / "val" / "images")
    assert folder.class_counts() == file.class_counts()
    assert len(folder) == len(file) == 87
    by_name = {sample.name: sample for sample in (file[row] for row in range(len(file)))}
    for row in range(len(folder)):
        one = folder[row]
        other = by_name[one.name]
        np.testing.assert_allclose(one.boxes, other.boxes, rtol=0, atol=0.01)
        assert one.class_names == other.class_names
