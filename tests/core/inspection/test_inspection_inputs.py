"""What a path names; and which images a recipe reads, source by source."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.data.data_builders import (
    convert_request,
    detector_stub,
    kitti_row,
    kitti_spec,
    make_recipe,
    write_kitti,
)

from detforge.data.convert import convert_dataset
from detforge.data.kitti import KittiFolder
from detforge.data.records import RecordSource
from detforge.data.scenes import draw_scenes
from detforge.errors import DatasetError, PluginError
from detforge.inspection.inputs import CocoLabels, open_path, open_recipe, open_with_reader
from detforge.inspection.report import inspect
from detforge.recipe import Classes, DataSource


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return draw_scenes(tmp_path_factory.mktemp("data") / "scenes", images=4, seed=1)


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("image_2", "label_2"), ("JPEGImages", "kitti_labels")],
)
def test_folder_with_images_and_labels_is_a_kitti_pair(scenes, tmp_path, images, labels):
    (tmp_path / images).symlink_to(scenes.images)
    (tmp_path / labels).symlink_to(scenes.labels)
    source = open_path(str(tmp_path))
    assert isinstance(source, KittiFolder)
    assert len(source) == 4


def test_labels_take_the_images_beside_them_or_those_that_are_named(scenes):
    for words in ((str(scenes.images.parent),), (str(scenes.images),), ("", scenes.images)):
        assert len(open_path(*words, labels=scenes.labels)) == 4


@pytest.mark.parametrize(
    ("file", "images"),
    [
        ("train.json", "train"),
        ("train.json", "train/images"),
        ("instances.json", "images"),
        ("any.json", "."),
        ("annotations/instances_train2017.json", "train2017"),
    ],
)
def test_images_of_a_coco_file_are_found_where_they_usually_are(scenes, tmp_path, file, images):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(scenes.annotations.read_bytes())
    (tmp_path / images).mkdir(parents=True, exist_ok=True)
    for path in scenes.images.iterdir():
        (tmp_path / images / path.name).symlink_to(path)
    source = open_path(str(tmp_path / file), needs_images=True)
    assert source[2].image().shape == (240, 320, 3)


def test_coco_file_needs_no_images_for_its_labels(scenes, tmp_path):
    alone = tmp_path / "labels.json"
    alone.write_bytes(scenes.annotations.read_bytes())
    source = open_path(str(alone))
    assert isinstance(source, CocoLabels)
    assert source[0].masks is not None
    assert source.max_objects() == max(len(source[row].class_names) for row in range(4))
    with pytest.raises(DatasetError, match="does not exist"):
        open_path(str(alone), needs_images=True)


def test_file_named_as_json_is_read_as_json_whatever_it_begins_with(tmp_path):
    (tmp_path / "train.json").write_text('{"images": []}', encoding="utf-16")
    with pytest.raises(DatasetError, match=r"train\.json is UTF-16 text; save it as UTF-8"):
        open_path(str(tmp_path / "train.json"))


def test_two_readers_of_one_suffix_are_an_error_here_too():
    detector = detector_stub([{".lmdb": KittiFolder}, {".lmdb": RecordSource}])
    with pytest.raises(PluginError, match=r"KittiFolder and .*RecordSource both read files"):
        open_with_reader("train.lmdb", detector)


def test_folder_of_records_is_read_as_records(scenes, tmp_path):
    spec = kitti_spec(scenes.images, scenes.labels)
    convert_dataset(convert_request(spec, tmp_path / "records" / "a"))
    source = open_path(str(tmp_path / "records"))
    assert isinstance(source, RecordSource)
    assert len(source) == 4


def test_fold_that_validates_is_apart_from_the_others(scenes, tmp_path):
    convert_dataset(convert_request(kitti_spec(scenes.images, scenes.labels), tmp_path / "a"))
    training = (DataSource(records=str(tmp_path / "a*")),)
    recipe = make_recipe(training=training, validation_fold=0)
    subject = open_recipe(recipe, detector_stub(), "spec.txt")
    assert {part: sum(map(len, found)) for part, found in subject.parts.items()} == {
        "training": 3,
        "validation": 1,
    }
    names = [found[0].name for found in subject.parts.values()]
    assert names == [f"{tmp_path / 'a*'} (all but fold 0)", f"{tmp_path / 'a*'} (fold 0)"]


def test_class_that_the_spec_lacks_is_found_and_does_not_stop_the_rest(tmp_path):
    rows = {"a": [kitti_row("car"), kitti_row("bus", (40, 10, 60, 40))]}
    images, labels = write_kitti(tmp_path, rows)
    source = (DataSource(images=str(images), labels=str(labels)),)
    recipe = make_recipe(["car"], training=source, validation=source)
    found = inspect(open_recipe(recipe, detector_stub(), "spec.txt"))
    for part in ("training", "validation"):
        assert found.summaries[part].objects == 2
        assert [finding.kind for finding in found.findings[part]] == ["unmapped_class"]


def test_classes_that_go_by_category_ids_are_shown_by_their_names(scenes):
    training = (DataSource(images=str(scenes.images), annotations=str(scenes.annotations)),)
    recipe = replace(make_recipe(training=training), classes=Classes.of_category_ids(2))
    found = inspect(open_recipe(recipe, detector_stub(), "spec.txt"))
    named = inspect(open_recipe(make_recipe(training=training), detector_stub(), "spec.txt"))
    numbers = {name: part.objects for name, part in found.summaries["training"].classes.items()}
    assert numbers.keys() == {"circle", "square", "triangle"}
    assert numbers["circle"] == named.summaries["training"].classes["circle"].objects
    # Two classes have no room for the third category.
    (finding,) = found.findings["training"]
    assert next(finding.places())["class"] == "triangle"


def test_spec_without_data_is_an_error():
    with pytest.raises(DatasetError, match=r"spec\.txt names no data"):
        open_recipe(make_recipe(), detector_stub(), "spec.txt")
