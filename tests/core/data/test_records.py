from __future__ import annotations

import contextlib
import errno
import gzip
import json
import logging
from pathlib import Path

import pytest
from tests.core.data.data_builders import (
    SHAPES,
    convert_request,
    kitti_spec,
    with_each_value_replaced,
)

from detforge.data.convert import convert_dataset
from detforge.data.examples import Reading
from detforge.data.record_files import find_record_files, fold_of
from detforge.data.records import RecordSource
from detforge.data.tfrecord import TFRecordFile, frame
from detforge.errors import DatasetError
from detforge.protos.example_pb2 import Example

TRAINING = "shapes-fold-001-of-002-shard-0000{}-of-00002"


@pytest.fixture
def records(drawn, tmp_path):
    """A folder with 3 validation and 9 training images, two shards each."""
    convert_dataset(
        convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "records" / "shapes")
    )
    return tmp_path / "records"


def _shard(records, number=0):
    return records / TRAINING.format(number)


@pytest.mark.parametrize(
    ("pattern", "images"),
    [
        ("shapes", 12),
        ("shapes*", 12),
        ("", 12),
        ("shapes-fold-000", 3),
        ("shapes-fold-001*", 9),
        (TRAINING.format(0), 4),
    ],
    ids=["prefix", "glob", "folder", "longer prefix", "glob of a fold", "one file"],
)
def test_every_kind_of_pattern_finds_its_records(records, pattern, images):
    source = RecordSource(str(records / pattern))
    assert len(source) == images
    assert len({source[row].name for row in range(images)}) == images


def test_prefix_does_not_take_in_a_longer_prefix(records):
    for path in list(records.iterdir()):
        path.with_name(path.name.replace("shapes", "shapes-val", 1)).write_bytes(path.read_bytes())
    names = {path.name for path in find_record_files(str(records / "shapes"))}
    assert all(name.startswith("shapes-fold-") for name in names)
    assert len(names) == 4


@pytest.mark.parametrize("pattern", ["shapes", "shapes-fold-001*", "*-0000[0-9]-of-*", "", "**"])
def test_brackets_in_the_name_of_a_folder_are_no_pattern(records, pattern):
    folder = records.rename(records.with_name("set [1] 50% größer"))
    wanted = {path.name for path in folder.glob("shapes-fold-*")}
    if "001" in pattern:
        wanted = {name for name in wanted if "fold-001" in name}
    assert {path.name for path in find_record_files(str(folder / pattern))} == wanted


def test_records_are_found_below_a_folder_of_any_name(records):
    assert len(find_record_files(f"{records.parent}/rec[a-o]*/**/shapes-*")) == 4


def test_prefix_may_hold_brackets(records):
    for path in list(records.glob("shapes-*")):
        path.rename(path.with_name(path.name.replace("shapes", "set[2]")))
    assert len(find_record_files(str(records / "set[2]"))) == 4


def test_folder_that_cannot_be_read_is_an_error(records, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DatasetError, match=r"records \(val\) cannot be read: Permission denied"):
        find_record_files(str(records), "val")


def test_shards_named_as_tensorflow_names_them_are_found_by_prefix(records, tmp_path):
    target = tmp_path / "coco_train-00000-of-00001.tfrecord"
    target.write_bytes(_shard(records).read_bytes())
    assert find_record_files(str(tmp_path / "coco_train")) == [target]


@pytest.mark.parametrize(
    "name",
    ["idx-shapes-fold-000-of-002", "shapes_warning.json", "shapes_warnings.json", ".hidden",
     "shapes.dropped.jsonl"],
)  # fmt: skip
def test_files_beside_records_are_not_taken_for_records(records, name):
    (records / name).write_text("0 123")
    assert len(RecordSource(str(records))) == 12
    assert len(RecordSource(str(records / "*shapes*"))) == 12


def test_counts_come_from_the_manifest(records, caplog):
    caplog.set_level(logging.INFO)
    source = RecordSource(str(records / "shapes-fold-001*"))
    objects = [source[row].class_names for row in range(len(source))]
    names = [name for image in objects for name in image]
    assert source.class_counts() == {name: names.count(name) for name in SHAPES}
    assert source.max_objects() == max(len(image) for image in objects)
    assert source.folds == {"training"}
    assert "no manifest" not in caplog.text


def test_without_a_manifest_records_are_scanned_once_and_it_is_said(records, caplog):
    caplog.set_level(logging.INFO)
    with_manifest = RecordSource(str(records))
    counts, most = with_manifest.class_counts(), with_manifest.max_objects()
    (records / "shapes.manifest.json").unlink()
    source = RecordSource(str(records))
    assert (source.class_counts(), source.max_objects()) == (counts, most)
    assert source.folds == frozenset()
    source.class_counts()
    assert caplog.text.count("records: reading 12 records once, for there is no manifest") == 1


def test_objects_of_foreign_records_that_are_no_boxes_are_reported(records, caplog):
    shard = _shard(records)
    example = Example.FromString(TFRecordFile(shard)[0])
    example.features.feature["image/object/bbox/xmax"].float_list.value[0] = -1.0
    foreign = records / "foreign.tfrecord"
    foreign.write_bytes(frame(example.SerializeToString()))
    source = RecordSource(str(foreign))
    assert sum(source.class_counts().values()) == source.max_objects() == len(source[0].boxes)
    assert "foreign.tfrecord: 1 object left out: inverted" in caplog.text


def test_records_that_nothing_matches_name_pattern_and_field(tmp_path):
    field = "dataset_config.data_sources[0].tfrecords_path"
    with pytest.raises(DatasetError) as caught:
        RecordSource(str(tmp_path / "nothing*"), field=field)
    assert "nothing*" in str(caught.value)
    assert field in str(caught.value)


def test_shards_without_any_record_are_an_error(tmp_path):
    (tmp_path / "empty-00000-of-00001.tfrecord").touch()
    with pytest.raises(DatasetError, match=r"hold no image \(1 files\)"):
        RecordSource(str(tmp_path / "empty"), field="data")


def test_shard_cut_between_two_records_is_found(records):
    shard = _shard(records)
    whole = TFRecordFile(shard)
    shard.write_bytes(b"".join(frame(whole[index]) for index in range(len(whole) - 1)))
    with pytest.raises(DatasetError, match=r"shard-00000-of-00002 has \d+ bytes, its manifest"):
        RecordSource(str(records))


def test_shard_cut_inside_a_record_is_found_without_a_manifest_too(records):
    shard = _shard(records)
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DatasetError, match="was cut off or changed"):
        RecordSource(str(records))
    (records / "shapes.manifest.json").unlink()
    with pytest.raises(DatasetError, match="cut off inside record 3"):
        RecordSource(str(records))


def test_flipped_byte_is_found_when_the_record_is_read(records):
    shard = _shard(records)
    data = bytearray(shard.read_bytes())
    data[500] ^= 1
    shard.write_bytes(data)
    source = RecordSource(str(shard))
    with pytest.raises(DatasetError, match="record 0 at byte 0 does not match its checksum"):
        source[0]


def _records_of(shard):
    file = TFRecordFile(shard)
    return [frame(file[index]) for index in range(len(file))]


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (3, "is damaged: the header of record 1 at byte "),
        (9, "is damaged: the header of record 1 at byte "),
        (500, "is damaged: record 1 at byte .* does not match its checksum"),
        (-2, "is damaged: record 1 at byte .* does not match its checksum"),
    ],
    ids=["length", "checksum of the length", "image", "checksum of the record"],
)
@pytest.mark.parametrize("has_manifest", [True, False], ids=["manifest", "no manifest"])
def test_flipped_byte_anywhere_in_a_record_is_found(records, position, message, has_manifest):
    shard = _shard(records)
    parts = [bytearray(part) for part in _records_of(shard)]
    parts[1][position] ^= 0x10
    shard.write_bytes(b"".join(parts))
    if not has_manifest:
        (records / "shapes.manifest.json").unlink()

    def read_all():
        source = RecordSource(str(shard))
        return [source[row] for row in range(len(source))]

    with pytest.raises(DatasetError, match=message) as caught:
        read_all()
    assert TRAINING.format(0) in str(caught.value)
    assert "copy the file again, or convert again" in str(caught.value).lower()


@pytest.mark.parametrize("place", ["within", "between"])
def test_records_of_others_cut_off_are_found_as_far_as_that_is_possible(records, tmp_path, place):
    """Nothing tells of whole records that are missing from a file, where no manifest does."""
    parts = _records_of(_shard(records))
    shard = tmp_path / "foreign.tfrecord"
    shard.write_bytes(b"".join(parts[:-1]) + (parts[-1][:20] if place == "within" else b""))
    if place == "between":
        assert len(RecordSource(str(shard))) == len(parts) - 1
        return
    with pytest.raises(DatasetError, match=rf"cut off inside record {len(parts) - 1}: it ends at"):
        RecordSource(str(shard))


def test_empty_shard_where_the_manifest_has_records_is_an_error(records):
    _shard(records).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"has 0 bytes, its manifest says \d+: it was cut off"):
        RecordSource(str(records / "shapes"))


def _edit_manifest(records, change):
    path = records / "shapes.manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _rename_square(content):
    content["classes"] = ["circle", "cube", "triangle"]
    content["class_numbers"] = {"circle": 1, "cube": 2, "triangle": 3}
    for fold in content["folds"]:
        for shard in fold["shards"]:
            shard["objects"]["cube"] = shard["objects"].pop("square")


def test_manifest_of_another_class_list_is_found_when_a_record_is_read(records):
    _edit_manifest(records, _rename_square)
    source = RecordSource(str(records / "shapes"))
    message = r"record \d+ has the class 'square', and its manifest lists circle, cube, triangle"
    with pytest.raises(DatasetError, match=message):
        [source[row] for row in range(len(source))]


def test_manifest_that_counts_what_it_does_not_list_is_damaged(records):
    _edit_manifest(records, lambda content: content.update(classes=["cube"], class_numbers={}))
    with pytest.raises(DatasetError, match="counts objects of classes that it does not list"):
        RecordSource(str(records / "shapes"))


@pytest.mark.parametrize("has_manifest", [True, False], ids=["manifest", "no manifest"])
def test_classes_go_by_their_numbers_on_request(records, has_manifest):
    by_name = RecordSource(str(records / "shapes"))
    names = by_name.class_counts()
    if not has_manifest:
        (records / "shapes.manifest.json").unlink()
    source = RecordSource(str(records / "shapes"), reading=Reading(by_category_id=True))
    assert source.categories == {1: "circle", 2: "square", 3: "triangle"}
    assert source.class_counts() == {str(n): names[name] for n, name in source.categories.items()}
    numbers = {str(number): name for number, name in source.categories.items()}
    found = tuple(numbers[number] for number in source[0].class_names)
    assert found == by_name[0].class_names
    assert by_name.categories == {}


def test_records_that_hold_category_ids_say_so_in_their_manifest(records):
    _edit_manifest(
        records,
        lambda content: content.update(class_numbers={n: 10 + i for i, n in enumerate(SHAPES)}),
    )
    source = RecordSource(str(records / "shapes"), reading=Reading(by_category_id=True))
    assert list(source.class_counts()) == ["10", "11", "12"]


def test_compressed_records_are_explained(records, tmp_path):
    path = tmp_path / "train.tfrecord"
    path.write_bytes(gzip.compress(_shard(records).read_bytes()))
    with pytest.raises(DatasetError, match="is a compressed TFRecord file; unpack it with gunzip"):
        RecordSource(str(path))


@pytest.mark.parametrize(
    ("name", "fold"),
    [
        (TRAINING.format(0), 1),
        ("kitti-fold-012-of-014-shard-00000-of-00010", 12),
        ("train-00000-of-00256.tfrecord", None),
        ("fold-of-sheep", None),
    ],
)
def test_fold_is_read_from_the_file_name(name, fold):
    assert fold_of(Path("fold-007-of-009") / name) == fold


def test_manifest_with_another_record_count_is_an_error(records):
    path = records / "shapes.manifest.json"
    content = json.loads(path.read_text())
    content["folds"][1]["shards"][0]["records"] = 5
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="holds 4 records, its manifest says 5"):
        RecordSource(str(records))


def test_shard_that_the_manifest_does_not_list_is_an_error(records):
    stray = records / TRAINING.format(7)
    stray.write_bytes(_shard(records).read_bytes())
    with pytest.raises(DatasetError, match="left over from another conversion"):
        RecordSource(str(records / "shapes*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": "2.0", "detforge": "9.1"}, "detforge 9.1 reads it"),
        ({"folds": 3}, "is damaged"),
        ({"format_version": "one"}, "is damaged"),
        ({"folds": [{"index": 0}]}, r"is damaged \(it has no 'shards'\); convert again, or delete"),
        ({"classes": [1, 2]}, "is damaged .1 where a text belongs"),
        ({"dropped": {"zero size": "3"}}, "is damaged .'3' where a number belongs"),
        ({"class_numbers": ["circle"]}, "is damaged .* where numbers with their names belong"),
    ],
    ids=["newer", "damaged", "no version", "no shards", "classes", "count", "numbers"],
)
def test_manifest_that_cannot_be_read_says_why(records, change, message):
    path = records / "shapes.manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DatasetError, match=message):
        RecordSource(str(records))


@pytest.mark.parametrize("value", [None, -1, 1.5, "", [[]], {"a": None}], ids=repr)
def test_whatever_stands_in_a_manifest_is_read_or_refused(records, value):
    path = records / "shapes.manifest.json"
    for content in with_each_value_replaced(json.loads(path.read_text()), value):
        path.write_text(json.dumps(content))
        with contextlib.suppress(DatasetError):
            source = RecordSource(str(records / "shapes"))
            assert source.max_objects() <= sum(source.class_counts().values())


def test_manifest_of_a_newer_minor_version_is_read(records):
    path = records / "shapes.manifest.json"
    content = json.loads(path.read_text()) | {"format_version": "1.7", "licence": "CC0"}
    for fold in content["folds"]:
        fold["city"] = "Karlsruhe"
        for shard in fold["shards"]:
            shard["compression"] = "none"
    path.write_text(json.dumps(content))
    assert len(RecordSource(str(records / "shapes"))) == 12


def test_half_a_fold_is_reported(records, caplog):
    RecordSource(str(_shard(records)))
    assert "1 of the 2 shards of fold 1 are used" in caplog.text


def test_shards_of_a_conversion_that_did_not_finish_are_refused(records):
    (records / "shapes.manifest.json").unlink()
    (records / ".shapes.converting").mkdir()
    with pytest.raises(DatasetError, match="did not finish; run dataset_convert again"):
        RecordSource(str(records / "shapes*"))


def test_rows_are_in_the_order_of_the_shards(records):
    both = RecordSource(str(records / "shapes-fold-001*"))
    first, second = (RecordSource(str(_shard(records, number))) for number in (0, 1))
    names = [source[row].name for source in (first, second) for row in range(len(source))]
    assert [both[row].name for row in range(len(both))] == names
