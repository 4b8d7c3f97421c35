from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.core.data.data_builders import (
    ListSource,
    convert_request,
    detector_stub,
    kitti_row,
    kitti_spec,
    make_recipe,
    make_sample,
    write_kitti,
)
from tests.core.data.record_builders import (
    od_api_example,
    tao_named_example,
    tao_ssd_example,
    write_shard,
)

from detforge.data.concatenation import Concatenation
from detforge.data.convert import convert_dataset
from detforge.data.kitti import KittiFolder
from detforge.data.labels import check_labels, name_classes, to_labels
from detforge.data.records import RecordSource
from detforge.data.sources import open_set, open_training, open_validation
from detforge.errors import DatasetError, PluginError
from detforge.recipe import Classes, DataSource


def _open(*sources, readers=(), **data):
    return open_training(make_recipe(training=sources, **data), detector_stub(readers))


@pytest.fixture
def folders(tmp_path):
    one = write_kitti(tmp_path / "one", {"a": [kitti_row("car")], "b": [kitti_row("bus")] * 3})
    two = write_kitti(tmp_path / "two", {"c": [kitti_row("car")]})
    return [DataSource(images=str(images), labels=str(labels)) for images, labels in (one, two)]


def test_folders_are_opened_as_kitti(folders):
    assert isinstance(_open(folders[0]), KittiFolder)


def test_several_sources_become_one(folders):
    source = _open(*folders)
    assert [source[row].name for row in range(len(source))] == ["a.png", "b.png", "c.png"]
    assert source.class_counts() == {"bus": 3, "car": 2}
    assert source.max_objects() == 3
    assert "one" in source.name
    assert "two" in source.name


def test_empty_parts_of_a_concatenation_are_passed_over():
    full = ListSource([make_sample([[0, 0, 9, 9]], ["car"])])
    source = Concatenation([ListSource([]), full, ListSource([]), full])
    assert [source[row].class_names for row in (0, 1)] == [("car",), ("car",)]


def test_records_and_folders_mix(drawn, folders, tmp_path):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    records = DataSource(records=str(tmp_path / "out-fold-001*"))
    assert isinstance(_open(records), RecordSource)
    assert len(_open(records, *folders)) == 12


@pytest.mark.parametrize(
    ("what", "other"), [("training", "validation"), ("validation", "training")]
)
def test_using_both_folds_for_one_purpose_is_reported(drawn, tmp_path, caplog, what, other):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    open_set(
        make_recipe(**{what: (DataSource(records=str(tmp_path / "out")),)}), detector_stub(), what
    )
    assert f"covers the {other} fold" in caplog.text


@pytest.mark.parametrize(("what", "fold"), [("training", 1), ("validation", 0)])
def test_using_the_right_fold_is_not_remarked(drawn, tmp_path, caplog, what, fold):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    source = DataSource(records=str(tmp_path / f"out-fold-00{fold}*"))
    open_set(make_recipe(**{what: (source,)}), detector_stub(), what)
    assert "covers" not in caplog.text


def test_reader_of_a_plugin_opens_its_suffix():
    class Reader(ListSource):
        def __init__(self, path):
            super().__init__([make_sample([[0, 0, 9, 9]], ["car"])], name=str(path))

    readers = [{".lmdb": Reader}, {".other": ListSource}]
    source = _open(DataSource(records="folder/train.lmdb"), readers=readers)
    assert isinstance(source, Reader)
    assert source.name.endswith("train.lmdb")


class _One(ListSource):
    def __init__(self, path):
        super().__init__([], name=str(path))


class _Other(_One):
    pass


def test_two_readers_of_one_suffix_are_an_error_that_names_both():
    readers = [{".lmdb": _One}, {".zip": _One}, {".lmdb": _Other}]
    message = r"test_sources\._One and .*test_sources\._Other both read files that end in '\.lmdb'"
    with pytest.raises(PluginError, match=message):
        _open(DataSource(records="train.lmdb"), readers=readers)


def test_one_reader_told_of_twice_is_no_conflict():
    source = _open(DataSource(records="train.lmdb"), readers=[{".lmdb": _One}, {".lmdb": _One}])
    assert isinstance(source, _One)


@pytest.mark.parametrize("place", ["records", "images"])
def test_labels_beside_a_path_that_a_plugin_reads_are_an_error(place):
    source = DataSource(**{place: "train.lmdb"}, labels="labels", field="data_sources[0]")
    message = r"data_sources\[0\]: train\.lmdb is opened by a reader .* labels would not be read"
    with pytest.raises(DatasetError, match=message):
        _open(source, readers=[{".lmdb": ListSource}])


def test_validation_set_is_opened_and_checked(folders):
    recipe = make_recipe(("bus", "car"), validation=tuple(folders))
    assert len(open_validation(recipe, detector_stub())) == 3
    assert open_validation(make_recipe(), detector_stub()) is None


CONVERT_AGAIN, CONVERT_FOLDERS = "convert again with --drop_unmapped", "convert the folders to"


@pytest.mark.parametrize(
    ("kinds", "advice"),
    [
        (["records"], [CONVERT_AGAIN]),
        (["folders"], [CONVERT_FOLDERS]),
        (["records", "folders"], [CONVERT_AGAIN, CONVERT_FOLDERS]),
    ],
    ids=["records", "folders", "both"],
)
def test_unmapped_class_in_the_validation_set_is_an_error_with_advice_for_its_source(
    drawn, folders, tmp_path, kinds, advice
):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    sources = {"records": DataSource(records=str(tmp_path / "out")), "folders": folders[1]}
    recipe = make_recipe(("cart", "circles"), validation=tuple(sources[kind] for kind in kinds))
    with pytest.raises(DatasetError, match=r"did you mean 'c(art|ircles)'") as caught:
        open_validation(recipe, detector_stub())
    text = str(caught.value)
    assert [words for words in (CONVERT_AGAIN, CONVERT_FOLDERS) if words in text] == advice


@pytest.mark.parametrize("rows", [[], [kitti_row("DontCare")]], ids=["nothing", "only DontCare"])
def test_validation_set_without_objects_is_an_error(tmp_path, rows):
    images, labels = write_kitti(tmp_path, {"a": rows})
    source = DataSource(images=str(images), labels=str(labels))
    with pytest.raises(DatasetError, match="no labelled object; there is nothing to score"):
        open_validation(make_recipe(validation=(source,)), detector_stub())


def test_no_source_is_an_error_that_says_what_for():
    with pytest.raises(DatasetError, match="names no training data"):
        _open()


@pytest.mark.parametrize("given", [{}, {"images": "x"}, {"labels": "x"}, {"annotations": "x"}])
def test_half_a_source_is_an_error_that_names_the_field(given):
    source = DataSource(field="dataset_config.data_sources[1]", **given)
    with pytest.raises(DatasetError, match=r"dataset_config\.data_sources\[1\] names neither"):
        _open(source)


def _coco(folder, name="instances.json", **content):
    """One image of two dogs and a cat, and its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.png").write_bytes(make_sample([], []).encoded)
    boxes = ([1, 2, 10, 20], [5, 5, 10, 10], [20, 20, 9, 9])
    annotations = [
        {"id": i, "image_id": 1, "category_id": 18 if i else 17, "bbox": box, "area": 10 * i}
        for i, box in enumerate(boxes)
    ]
    annotations[1]["segmentation"] = [[5, 5, 15, 5, 5, 15]]
    whole = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "annotations": annotations,
        "categories": [{"id": 18, "name": "Dog"}, {"id": 17, "name": "cat"}],
    }
    (folder / name).write_text(json.dumps(whole | content))
    return folder / name


BY_ID = Classes.of_category_ids(90)


def test_coco_file_is_a_source_of_its_own(tmp_path):
    source = DataSource(images=str(tmp_path), annotations=str(_coco(tmp_path)))
    opened = open_training(make_recipe(("cat", "dog"), training=(source,)), detector_stub())
    assert opened[0].class_names == ("cat", "Dog", "Dog")
    assert opened[0].masks is None
    with_masks = make_recipe(("cat", "dog"), training=(source,), mask_size=28)
    assert len(open_training(with_masks, detector_stub())[0].masks) == 3


def test_coco_file_without_images_or_records_is_an_error(tmp_path):
    source = DataSource(annotations=str(_coco(tmp_path)), field="val_json_file")
    with pytest.raises(DatasetError, match="val_json_file names neither records nor a folder of"):
        _open(source)


def _records(tmp_path, **changes):
    """Records of the one image, without its objects."""
    sample = replace(make_sample([], []), **{"name": "a.png", "source_id": "1"} | changes)
    write_shard(tmp_path / "val-00000-of-00001.tfrecord", [od_api_example(sample, {})])
    return str(tmp_path / "val-*")


def test_objects_of_records_with_a_coco_file_are_those_of_the_file(tmp_path):
    source = DataSource(records=_records(tmp_path), annotations=str(_coco(tmp_path / "json")))
    (tmp_path / "json" / "a.png").unlink()
    recipe = replace(make_recipe(validation=(source,), mask_size=28), classes=BY_ID)
    opened = open_validation(recipe, detector_stub())
    sample = opened[0]
    assert sample.class_names == ("17", "18", "18")
    assert sample.areas.tolist() == [0, 10, 20]
    assert len(sample.masks) == 3
    assert sample.image().shape == (48, 64, 3)
    assert opened.categories == {17: "cat", 18: "Dog"}


def test_records_are_matched_by_file_name_where_they_have_no_id(tmp_path):
    records = _records(tmp_path, source_id="")
    source = DataSource(records=records, annotations=str(_coco(tmp_path / "json")))
    assert len(_open(source)[0].boxes) == 3


def test_record_that_the_coco_file_does_not_list_is_an_error(tmp_path):
    records = _records(tmp_path, source_id="2", name="b.png")
    source = DataSource(records=records, annotations=str(_coco(tmp_path / "json")))
    message = (
        r"instances\.json does not list the image 'b\.png' \(id '2'\) of .*val-\*; name the file"
    )
    with pytest.raises(DatasetError, match=message):
        _open(source)[0]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (17, r"of the categories 18 \(Dog, 2 objects\); num_classes has room for the ids 1 to 17"),
        (16, r"17 \(cat, 1 objects\), 18 .* Set num_classes to 19 or more"),
    ],
)
def test_category_beyond_the_classes_of_the_head_is_an_error(tmp_path, classes, message):
    source = DataSource(images=str(tmp_path), annotations=str(_coco(tmp_path)))
    recipe = replace(make_recipe(validation=(source,)), classes=Classes.of_category_ids(classes))
    with pytest.raises(DatasetError, match=message):
        open_validation(recipe, detector_stub())


def test_sources_that_number_their_categories_differently_are_an_error(tmp_path):
    categories = [{"id": 18, "name": "horse"}, {"id": 17, "name": "cat"}]
    sources = tuple(
        DataSource(images=str(file.parent), annotations=str(file))
        for file in (_coco(tmp_path / "one"), _coco(tmp_path / "two", categories=categories))
    )
    message = r"category 18 is 'Dog' in .*one.* and 'horse' in .*two.*; number the categories"
    with pytest.raises(DatasetError, match=message):
        open_training(replace(make_recipe(training=sources), classes=BY_ID), detector_stub())
    assert len(open_training(make_recipe(training=sources), detector_stub())) == 2


def test_class_numbers_of_tao_stand_for_the_classes_of_the_spec_in_their_order(tmp_path):
    sample = make_sample([[0, 0, 9, 9], [5, 5, 20, 20]], ["zebra", "ant"])
    write_shard(tmp_path / "a", [tao_ssd_example(sample, {"ant": 1, "zebra": 2})])
    mapping = {"zebra": "Zebra", "termite": "ant"}
    recipe = replace(
        make_recipe(training=(DataSource(records=str(tmp_path / "a")),)),
        classes=Classes.of_mapping(mapping, "first"),
    )
    source = open_training(recipe, detector_stub())
    check_labels(source, recipe.classes)
    assert to_labels(source[0].class_names, recipe.classes).tolist() == [0, 1]
    assert [recipe.classes.names[label] for label in (0, 1)] == ["Zebra", "ant"]


def test_images_beside_records_have_the_extension_of_the_spec(tmp_path):
    sample = make_sample([[0, 0, 9, 9]], ["car"])
    write_shard(tmp_path / "a", [tao_named_example(sample, "images")])
    (tmp_path / "images").mkdir()
    for name in ("memory.png", "memory.jpg"):
        (tmp_path / "images" / name).write_bytes(sample.encoded)
    source = DataSource(records=str(tmp_path / "a"), images=str(tmp_path))
    for extension, name in (("png", "memory.png"), ("jpg", "memory.jpg"), ("", "memory.jpg")):
        recipe = make_recipe(("car",), training=(source,), image_extension=extension)
        assert open_training(recipe, detector_stub())[0].name == name


@pytest.fixture
def folds(tmp_path):
    """Two sets of records with the folds 0, 1 and 2, one of them with an index beside each."""

    def write(folder, count):
        for fold in range(3):
            names = [f"{folder}{fold}{i}.png" for i in range(count)]
            payloads = [
                od_api_example(replace(make_sample([[0, 0, 9, 9]], ["car"]), name=name), {"car": 1})
                for name in names
            ]
            name = f"set-fold-{fold:03}-of-003-shard-00000-of-00001"
            write_shard(tmp_path / folder / name, payloads)
        return DataSource(records=str(tmp_path / folder / "set*"), field=folder)

    return write("one", 2), write("two", 1)


def _names(source):
    return [source[row].name.removesuffix(".png") for row in range(len(source))]


def test_one_fold_validates_and_the_others_train_in_every_source(folds):
    recipe = make_recipe(("car",), training=folds, validation_fold=1)
    assert _names(open_validation(recipe, detector_stub())) == ["one10", "one11", "two10"]
    training = _names(open_training(recipe, detector_stub()))
    assert training == ["one00", "one01", "one20", "one21", "two00", "two20"]
    everything = open_training(make_recipe(("car",), training=folds), detector_stub())
    assert len(everything) == 9


def test_fold_that_no_file_has_is_an_error_that_names_the_folds(folds):
    recipe = make_recipe(("car",), training=folds, validation_fold=3)
    for opening in (open_training, open_validation):
        with pytest.raises(DatasetError, match=r"validation_fold is 3, .* the folds 0, 1, 2$"):
            opening(recipe, detector_stub())


def test_source_without_the_fold_trains_only(folds, tmp_path):
    source = DataSource(records=str(tmp_path / "two" / "*fold-002*"))
    recipe = make_recipe(("car",), training=(folds[0], source), validation_fold=0)
    assert _names(open_validation(recipe, detector_stub())) == ["one00", "one01"]
    assert _names(open_training(recipe, detector_stub()))[-1] == "two20"


def test_folders_train_beside_records_of_which_a_fold_validates(folds, folders):
    recipe = make_recipe(("car",), training=(folds[0], folders[1]), validation_fold=0)
    assert len(open_validation(recipe, detector_stub())) == 2
    assert _names(open_training(recipe, detector_stub()))[-1] == "c"


def test_fold_that_is_all_there_is_leaves_nothing_to_train_on(folds, tmp_path):
    source = DataSource(records=str(tmp_path / "one" / "*fold-001*"))
    recipe = make_recipe(("car",), training=(source,), validation_fold=1)
    with pytest.raises(DatasetError, match="all record files belong to the fold 1, which is for"):
        open_training(recipe, detector_stub())


def test_fold_without_an_image_is_an_error(folds, tmp_path):
    (tmp_path / "one" / "set-fold-001-of-003-shard-00000-of-00001").write_bytes(b"")
    recipe = make_recipe(("car",), training=folds[:1], validation_fold=1)
    with pytest.raises(DatasetError, match=r"one.set\* \(one\) hold no image"):
        open_validation(recipe, detector_stub())


def _weighted(lengths, weights, **options):
    sources = [ListSource([make_sample([], [])] * length) for length in lengths]
    return Concatenation(sources, weights, **options).weights()


def test_images_of_a_source_of_twice_the_weight_are_drawn_twice_as_often():
    np.testing.assert_allclose(_weighted([1, 3], [1, 2]), np.array([1, 2, 2, 2]) * 4 / 7)


def test_equal_sources_are_drawn_from_equally_often_whatever_their_size_and_weight():
    weights = _weighted([1, 3, 0], [1, 5, 1], equal=True)
    np.testing.assert_allclose(weights, [2, 2 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize("lengths", [[1, 3], [2, 2]])
def test_weights_that_make_no_difference_are_none(lengths):
    assert _weighted(lengths, [3, 3]) is None
    assert ListSource([]).weights() is None


def test_equal_sources_of_one_size_need_no_weights():
    assert _weighted([2, 2], [1, 3], equal=True) is None


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weight_that_draws_nothing_is_an_error(folders, weight):
    sources = (folders[0], replace(folders[1], weight=weight))
    with pytest.raises(DatasetError, match=r"two.images has the weight .* \(source_weight\)"):
        open_training(make_recipe(training=sources), detector_stub())


def test_weights_of_a_spec_reach_its_images(folders):
    sources = (folders[0], replace(folders[1], weight=4.0))
    source = open_training(make_recipe(training=sources), detector_stub())
    np.testing.assert_allclose(source.weights(), [0.5, 0.5, 2.0])
    equal = make_recipe(training=sources, equal_sources=True)
    weights = open_training(equal, detector_stub()).weights()
    np.testing.assert_allclose(weights, [0.75, 0.75, 1.5])


def test_categories_of_the_data_name_the_classes():
    classes = name_classes(Classes.of_category_ids(4), {1: "cat", 3: "dog", 4: "cat", 9: "ox"})
    assert classes.names == ("cat", "2", "dog", "cat (4)")
    assert [classes.label(identity) for identity in "1234"] == [0, 1, 2, 3]
    assert classes.label("dog") is None


def test_classes_of_a_mapping_keep_their_names():
    classes = Classes.of_mapping({"car": "car"}, "first")
    assert name_classes(classes, {1: "cat"}) is classes
