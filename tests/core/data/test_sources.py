from __future__ import annotations

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

from detforge.data.convert import convert_dataset
from detforge.data.concatenation import Concatenation
from detforge.data.kitti import KittiFolder
from detforge.data.records import RecordSource
from detforge.data.sources import open_sources, open_training, open_validation
from detforge.errors import DatasetError
from detforge.recipe import DataSource


@pytest.fixture
def folders(tmp_path):
    one = write_kitti(tmp_path / "one", {"a": [kitti_row("car")], "b": [kitti_row("bus")] * 3})
    two = write_kitti(tmp_path / "two", {"c": [kitti_row("car")]})
    return [DataSource(images=str(images), labels=str(labels)) for images, labels in (one, two)]


def test_folders_are_opened_as_kitti(folders):
    assert isinstance(open_sources(folders[:1], detector_stub()), KittiFolder)


def test_several_sources_become_one(folders):
    source = open_sources(folders, detector_stub())
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
    assert isinstance(open_sources([records], detector_stub()), RecordSource)
    assert len(open_sources([records, *folders], detector_stub())) == 12


@pytest.mark.parametrize(
    ("what", "other"), [("training", "validation"), ("validation", "training")]
)
def test_using_both_folds_for_one_purpose_is_reported(drawn, tmp_path, caplog, what, other):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    open_sources([DataSource(records=str(tmp_path / "out"))], detector_stub(), what)
    assert f"covers the {other} fold" in caplog.text


@pytest.mark.parametrize(("what", "fold"), [("training", 1), ("validation", 0)])
def test_using_the_right_fold_is_not_remarked(drawn, tmp_path, caplog, what, fold):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    source = DataSource(records=str(tmp_path / f"out-fold-00{fold}*"))
    open_sources([source], detector_stub(), what)
    assert "covers" not in caplog.text


def test_reader_of_a_plugin_opens_its_suffix():
    class Reader(ListSource):
        def __init__(self, path):
            super().__init__([make_sample([[0, 0, 9, 9]], ["car"])], name=str(path))

    detector = detector_stub([{".lmdb": Reader}, {".other": ListSource}])
    source = open_sources([DataSource(records="folder/train.lmdb")], detector)
    assert isinstance(source, Reader)
    assert source.name.endswith("train.lmdb")


@pytest.mark.parametrize("place", ["records", "images"])
def test_labels_beside_a_path_that_a_plugin_reads_are_an_error(place):
    detector = detector_stub([{".lmdb": ListSource}])
    source = DataSource(**{place: "train.lmdb"}, labels="labels", field="data_sources[0]")
    message = r"data_sources\[0\]: train\.lmdb is opened by a reader .* labels would not be read"
    with pytest.raises(DatasetError, match=message):
        open_sources([source], detector)


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
    with pytest.raises(DatasetError, match="names no validation data"):
        open_sources([], detector_stub(), "validation")


@pytest.mark.parametrize("given", [{}, {"images": "x"}, {"labels": "x"}])
def test_half_a_source_is_an_error_that_names_the_field(given):
    source = DataSource(field="dataset_config.data_sources[1]", **given)
    with pytest.raises(DatasetError, match=r"dataset_config\.data_sources\[1\] names neither"):
        open_sources([source], detector_stub())
