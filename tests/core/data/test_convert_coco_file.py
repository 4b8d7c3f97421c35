"""A COCO file without a spec: ``-i -a -o -t -s --include_mask``."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from tests.core.data.data_builders import assert_same_sample, detector_stub

from detforge.data.coco import CocoFile
from detforge.data.convert import convert_dataset
from detforge.data.examples import Reading
from detforge.data.records import RecordSource
from detforge.data.tfrecord import TFRecordFile
from detforge.errors import DatasetError, UsageError
from detforge.protos.example_pb2 import Example
from detforge.requests import ConvertRequest


def request(annotations, images, output, **options):
    return ConvertRequest(
        detector=detector_stub(),
        spec=None,
        annotations_file=annotations,
        image_dir=images,
        output=output,
        **{"num_shards": 3} | options,
    )


@pytest.fixture
def street(tmp_path):
    """Five images of 64 x 48; returns a call that converts them, with changes of the file."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        image = np.full((48, 64, 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    content = {
        "images": [
            {"id": 100 + n, "file_name": f"{n}.png", "width": 64, "height": 48} for n in range(5)
        ],
        "categories": [{"id": 7, "name": "tram"}, {"id": 3, "name": "traffic light"}],
        "annotations": [
            _annotation(1, 100, 7, (10, 10, 20, 20)),
            _annotation(2, 100, 3, (0, 0, 64, 48), iscrowd=1, area=55.5),
            _annotation(3, 102, 7, (50, 30, 10, 10)),
        ],
    }

    def convert(change=lambda _content: None, **options):
        change(content)
        path = tmp_path / "instances.json"
        path.write_text(json.dumps(content))
        return convert_dataset(request(path, folder, tmp_path / "out" / "train", **options))

    return convert


def _annotation(identity, image, category, box, **more):
    x, y, width, height = box
    outline = [[x, y, x + width, y, x + width, y + height, x, y + height]]
    content = {
        "id": identity,
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "area": width * height,
        "iscrowd": 0,
        "segmentation": outline,
    }
    return content | more


def _files(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def _warnings(tmp_path):
    return json.loads((tmp_path / "out" / "train_warnings.json").read_text())


def _features(tmp_path, shard, record=0):
    path = tmp_path / "out" / f"train-{shard:05d}-of-00003.tfrecord"
    return Example.FromString(TFRecordFile(path)[record]).features.feature


def test_images_are_dealt_in_turn_to_files_with_the_documented_names(street, tmp_path):
    report = street()
    assert _files(tmp_path) == [
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
        "train-00002-of-00003.tfrecord",
        "train.manifest.json",
    ]
    ids = [
        [_features(tmp_path, shard, record)["image/source_id"].bytes_list.value[0] for record in r]
        for shard, r in enumerate([range(2), range(2), range(1)])
    ]
    assert ids == [[b"100", b"103"], [b"101", b"104"], [b"102"]]
    assert report.images == {"instances.json": 5}
    assert report.objects == {"instances.json": {"traffic light": 1, "tram": 2}}
    assert report.dropped == {}
    assert report.warnings_file is None


def test_as_many_record_files_as_asked_for_are_there_even_if_empty(street, tmp_path):
    street(num_shards=256)
    assert len(list((tmp_path / "out").glob("train-*-of-00256.tfrecord"))) == 256
    assert len(RecordSource(str(tmp_path / "out"))) == 5


def test_category_ids_stay_what_they_are(street, tmp_path):
    street()
    feature = _features(tmp_path, 0)
    assert list(feature["image/object/class/label"].int64_list.value) == [7, 3]
    assert list(feature["image/object/class/text"].bytes_list.value) == [b"tram", b"traffic light"]
    assert list(feature["image/object/is_crowd"].int64_list.value) == [0, 1]
    assert list(feature["image/object/area"].float_list.value) == [400, 55.5]
    manifest = json.loads((tmp_path / "out" / "train.manifest.json").read_text())
    assert manifest["class_numbers"] == {"traffic light": 3, "tram": 7}
    assert manifest["classes"] == ["traffic light", "tram"]
    ids = RecordSource(str(tmp_path / "out"), reading=Reading(by_category_id=True))
    assert ids.class_counts() == {"3": 1, "7": 2}


def test_masks_are_kept_only_when_asked_for(street, tmp_path):
    street()
    assert RecordSource(str(tmp_path / "out"))[0].masks is None
    street(include_mask=True, force=True)
    records = RecordSource(str(tmp_path / "out"))
    assert len(records[0].masks) == 2
    mask = cv2.imdecode(np.frombuffer(records[0].masks[0], np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (48, 64)
    assert (mask > 0).sum() == 400


def test_masks_of_a_file_without_outlines_are_an_error(street):
    def no_outlines(content):
        for annotation in content["annotations"]:
            annotation["segmentation"] = []

    with pytest.raises(DatasetError, match="has no outlines"):
        street(no_outlines, include_mask=True)


@pytest.mark.parametrize("shards", [1, 4])
def test_records_of_a_real_file_hold_what_it_says(fruits, tmp_path, shards):
    file, images = fruits / "val_rle.json", fruits / "val"
    report = convert_dataset(
        request(file, images, tmp_path / "out", num_shards=shards, include_mask=True)
    )
    assert report.images == {"val_rle.json": 4}
    records, original = RecordSource(str(tmp_path / "out")), CocoFile(file, images)
    rows = [row for shard in range(shards) for row in range(4)[shard::shards]]
    for record, row in zip(range(4), rows, strict=True):
        assert_same_sample(records[record], original[row])


def test_objects_out_of_bounds_are_listed_in_the_documented_form(street, tmp_path):
    def go_out(content):
        content["annotations"] += [
            _annotation(918, 103, 7, (50, 30, 20, 10)),
            _annotation(919, 103, 7, (-5, 30, 20, 10)),
            _annotation(920, 103, 3, (10, 10, 20, 20), segmentation=[[5, 10, 30, 10, 30, 30]]),
            _annotation(921, 104, 3, (10, 10, 0, 20)),
        ]

    report = street(go_out, include_mask=True)
    assert report.warnings_file == tmp_path / "out" / "train_warnings.json"
    assert _warnings(tmp_path) == {
        "103": {"box": [918, 919], "mask": [920]},
        "104": {"box": [921], "mask": []},
    }
    assert report.dropped == {"zero size": 1}
    assert report.notes == {
        "box reaches beyond the image": 2,
        "box zero size": 1,
        "mask reaches beyond its box": 1,
    }


def test_masks_that_are_odd_but_inside_their_boxes_are_counted_and_not_listed(street, tmp_path):
    square = [[10, 10, 30, 10, 30, 30, 10, 30]]

    def be_odd(content):
        content["annotations"] += [
            _annotation(7, 101, 7, (10, 10, 20, 20), segmentation=[[1, 2, 3, 4]]),
            _annotation(8, 102, 7, (10, 10, 20, 20), segmentation=[*square, [1, 2, 3, 4]]),
            _annotation(9, 103, 7, (5, 5, 9, 9), segmentation={"size": [48, 64], "counts": [3072]}),
        ]

    report = street(be_odd, include_mask=True)
    assert report.warnings_file is None
    assert _files(tmp_path)[-2:] == ["train.dropped.jsonl", "train.manifest.json"]
    assert report.dropped == {"outline of fewer than three points": 1}
    assert report.notes == {
        "mask covers no pixel": 1,
        "mask outline of fewer than three points": 1,
        "mask polygons of fewer than three points left out": 1,
    }


def test_masks_are_not_listed_when_they_are_not_kept(street, tmp_path):
    def go_out(content):
        content["annotations"].append(_annotation(9, 103, 7, (50, 30, 20, 10)))

    street(go_out)
    assert _warnings(tmp_path) == {"103": {"box": [9], "mask": []}}


def test_list_of_objects_goes_when_there_are_none_any_more(street, tmp_path):
    street(lambda content: content["annotations"].append(_annotation(9, 103, 7, (60, 0, 9, 9))))
    assert "train_warnings.json" in _files(tmp_path)
    street(lambda content: content["annotations"].pop(), force=True)
    assert "train_warnings.json" not in _files(tmp_path)


def test_records_that_exist_are_replaced_only_by_force(street, tmp_path):
    street(num_shards=5)
    with pytest.raises(DatasetError, match=r"train\.manifest\.json exists already"):
        street()
    street(force=True)
    assert len(_files(tmp_path)) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"].clear(), "has no object of a class to learn"),
        (lambda c: c["categories"][0].update(id=0), "which the file does not define"),
        (
            lambda c: (
                c["categories"][0].update(id=0),
                c["annotations"][0].update(category_id=0),
                c["annotations"].pop(),
            ),
            "category 'tram' has the id 0",
        ),
        (lambda c: c["categories"][0].update(name="traffic light"), "are both called"),
        (lambda c: c["images"][1].update(height=47), r"1\.png is 64x48 pixels, but its annotation"),
        (lambda c: c["images"][1].update(file_name="9.png"), r"9\.png does not exist"),
    ],
    ids=["no objects", "undefined", "id 0", "one name", "another size", "no image"],
)
def test_file_that_cannot_be_used_is_an_error(street, tmp_path, change, message):
    with pytest.raises(DatasetError, match=message):
        street(change)
    assert not list((tmp_path / "out").glob("train*"))


def test_file_and_folder_belong_together(tmp_path):
    with pytest.raises(UsageError, match="name a COCO file and the folder of its images"):
        convert_dataset(request(None, tmp_path, tmp_path / "out"))


def test_category_without_objects_needs_no_number(street, tmp_path):
    street(lambda content: content["categories"].append({"id": 0, "name": "nothing"}))
    manifest = json.loads((tmp_path / "out" / "train.manifest.json").read_text())
    assert manifest["classes"] == ["traffic light", "tram"]
