from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.core.data.data_builders import (
    SHAPES,
    assert_same_sample,
    coco_spec,
    convert_request,
    kitti_row,
    kitti_spec,
    mapping_text,
    write_kitti,
)
from tests.core.data.image_files import cmyk_jpeg, jpeg, png, turned

from detforge.data.coco import CocoFile
from detforge.data.convert import convert_dataset
from detforge.data.examples import to_example
from detforge.data.kitti import KittiFolder
from detforge.data.records import RecordSource
from detforge.errors import DatasetError, SpecError, UsageError
from detforge.protos.example_pb2 import Example

MAPPING = {"Circle": "round", "square": "angular", "triangle": "angular"}


def _files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _manifest(folder, prefix="out"):
    return json.loads((folder / f"{prefix}.manifest.json").read_text())


@pytest.fixture
def cars(tmp_path):
    """Three images: two cars, a van and a DontCare region, nothing."""
    rows = {
        "a": [kitti_row("Car"), kitti_row("car", (1, 1, 9, 9))],
        "b": [kitti_row("Van", (2, 2, 50, 40)), kitti_row("DontCare", (0, 0, 5, 5), "-1")],
        "c": [],
    }
    return write_kitti(tmp_path / "cars", rows)


def test_kitti_images_are_dealt_to_two_folds(drawn, tmp_path):
    report = convert_dataset(
        convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out")
    )
    assert report.images == {"validation": 3, "training": 9}
    total = KittiFolder(drawn.images, drawn.labels).class_counts()
    for name in SHAPES:
        assert (
            report.objects["validation"].get(name, 0) + report.objects["training"][name]
            == (total[name])
        )
    assert report.dropped == {}
    assert report.dropped_file is None
    assert report.manifest == tmp_path / "out.manifest.json"
    validation = RecordSource(str(tmp_path / "out-fold-000*"))
    names = [validation[row].name for row in range(3)]
    assert names != sorted(path.name for path in drawn.images.iterdir())[:3]


def test_report_counts_objects_and_the_images_that_show_them(tmp_path):
    rows = {
        "a": [kitti_row("Car"), kitti_row("Car", (1, 1, 9, 9)), kitti_row("Van")],
        "b": [kitti_row("Car")],
        "c": [kitti_row("Van", (9, 9, 1, 1))],
    }
    folders = write_kitti(tmp_path / "in", rows)
    spec = kitti_spec(*folders, extension=".png", val_split=0, shards=3)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.images == {"validation": 0, "training": 3}
    assert report.objects == {"validation": {}, "training": {"Car": 3, "Van": 1}}
    assert report.class_images == {"validation": {}, "training": {"Car": 2, "Van": 1}}


def test_records_hold_what_the_labels_say(drawn, tmp_path):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    records = RecordSource(str(tmp_path / "out"))
    folder = KittiFolder(drawn.images, drawn.labels)
    by_name = {folder[row].name: folder[row] for row in range(len(folder))}
    for row in range(len(records)):
        assert_same_sample(records[row], by_name.pop(records[row].name))
    assert not by_name


def test_real_images_are_the_same_through_folders_and_records(bccd, tmp_path):
    images, labels = bccd / "val" / "images", bccd / "val" / "labels"
    convert_dataset(convert_request(kitti_spec(images, labels), tmp_path / "out"))
    records, folder = RecordSource(str(tmp_path / "out")), KittiFolder(images, labels)
    assert records.class_counts() == folder.class_counts()
    assert records.max_objects() == folder.max_objects()
    rows = {folder[row].name: row for row in range(len(folder))}
    for row in range(0, len(records), 8):
        assert_same_sample(records[row], folder[rows[records[row].name]])


def test_real_kitti_frames_lose_only_their_dont_care_regions(kitti_sample, tmp_path):
    spec = kitti_spec(
        kitti_sample / "image_2", kitti_sample / "label_2", val_split=0, extension=".png"
    )
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.objects["training"] == {
        "Car": 2, "Cyclist": 1, "Misc": 1, "Pedestrian": 1, "Truck": 1,
    }  # fmt: skip
    assert report.dropped == {"DontCare": 4}


def test_each_coco_file_is_a_fold_with_its_masks(fruits, tmp_path):
    spec = coco_spec(
        [fruits / "val.json", fruits / "val_rle.json"], [fruits / "val"] * 2, shards=(1, 2)
    )
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert list(report.images.values()) == [4, 4]
    assert len(list(tmp_path.glob("out-fold-000-of-002-*"))) == 1
    assert len(list(tmp_path.glob("out-fold-001-of-002-*"))) == 2
    polygons = RecordSource(str(tmp_path / "out-fold-000*"))
    runs = RecordSource(str(tmp_path / "out-fold-001*"))
    original = CocoFile(fruits / "val.json", fruits / "val")
    for row in range(4):
        assert_same_sample(polygons[row], original[row])
        assert runs[row].masks == polygons[row].masks


def test_kitti_and_coco_labels_of_drawn_scenes_agree(drawn, tmp_path):
    convert_dataset(
        convert_request(coco_spec([drawn.annotations], [drawn.images]), tmp_path / "coco")
    )
    coco = RecordSource(str(tmp_path / "coco"))
    kitti = KittiFolder(drawn.images, drawn.labels)
    for row in range(len(kitti)):
        np.testing.assert_allclose(coco[row].boxes, kitti[row].boxes, atol=0.011)
        assert coco[row].class_names == kitti[row].class_names
        assert len(coco[row].masks) == len(kitti[row].boxes)


def test_converting_twice_gives_the_same_bytes(drawn, tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / name
        convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), folder / "out"))
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_manifest_describes_every_shard(drawn, tmp_path):
    convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path / "out"))
    manifest = _manifest(tmp_path)
    assert manifest["format_version"] == "1.1"
    assert manifest["classes"] == list(SHAPES)
    assert manifest["class_numbers"] == {"circle": 1, "square": 2, "triangle": 3}
    assert manifest["notes"] == {}
    assert manifest["source"]["val_split"] == 25
    assert manifest["source"]["seed"] == 42
    assert [fold["name"] for fold in manifest["folds"]] == ["validation", "training"]
    assert [fold["images"] for fold in manifest["folds"]] == [3, 9]
    shards = [shard for fold in manifest["folds"] for shard in fold["shards"]]
    assert [shard["records"] for shard in shards] == [1, 2, 4, 5]
    for shard in shards:
        data = (tmp_path / shard["name"]).read_bytes()
        assert shard["bytes"] == len(data)
        assert shard["sha256"] == hashlib.sha256(data).hexdigest()


def test_fold_0_is_validation_also_when_it_is_empty(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels, val_split=0)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.images == {"validation": 0, "training": 12}
    assert len(RecordSource(str(tmp_path / "out-fold-001*"))) == 12
    with pytest.raises(DatasetError, match="hold no image"):
        RecordSource(str(tmp_path / "out-fold-000*"))


@pytest.mark.parametrize(
    ("percent", "held_out"), [("8.3", 0), ("8.4", 1), ("25", 3), ("33.3", 3), ("99.9", 11)]
)
def test_validation_share_is_rounded_down(drawn, tmp_path, percent, held_out):
    spec = kitti_spec(drawn.images, drawn.labels, val_split=percent)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.images["validation"] == held_out


def test_more_shards_than_images_leaves_some_empty(cars, tmp_path):
    spec = kitti_spec(*cars, extension=".png", val_split=0, shards=5)
    convert_dataset(convert_request(spec, tmp_path / "out"))
    assert len(list(tmp_path.glob("out-fold-001-*-of-00005"))) == 5
    assert len(RecordSource(str(tmp_path / "out"))) == 3


def test_mapping_is_compared_without_case_and_merges_classes(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels, mapping=MAPPING)
    convert_dataset(convert_request(spec, tmp_path / "out"))
    before = KittiFolder(drawn.images, drawn.labels).class_counts()
    after = RecordSource(str(tmp_path / "out")).class_counts()
    assert after == {"angular": before["square"] + before["triangle"], "round": before["circle"]}


def test_mapping_with_keys_that_differ_only_in_case_must_agree(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels, mapping={"Circle": "a", "circle": "b"})
    with pytest.raises(SpecError, match='"Circle" is mapped to "a"; remove one of the two'):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_unmapped_classes_are_listed_with_counts_and_near_names(cars, tmp_path):
    spec = kitti_spec(*cars, extension=".png", mapping={"cars": "car", "bus": "bus"})
    with pytest.raises(DatasetError) as caught:
        convert_dataset(convert_request(spec, tmp_path / "out"))
    text = str(caught.value)
    assert "'Car' (1 object, did you mean 'cars'?)" in text
    assert "'Van' (1 object)" in text
    assert "--drop_unmapped" in text
    assert "DontCare" not in text
    assert not list(tmp_path.glob("out*"))


def test_unmapped_classes_are_dropped_on_request(cars, tmp_path):
    spec = kitti_spec(*cars, extension=".png", val_split=0, mapping={"car": "car"})
    report = convert_dataset(convert_request(spec, tmp_path / "out", drop_unmapped=True))
    assert report.objects["training"] == {"car": 2}
    assert report.images["training"] == 3
    assert report.dropped == {"DontCare": 1, "not in target_class_mapping": 1}
    lines = [json.loads(line) for line in report.dropped_file.read_text().splitlines()]
    assert sorted(line["class"] for line in lines) == ["DontCare", "Van"]
    assert lines[0]["place"].endswith("b.png")
    assert _manifest(tmp_path)["dropped"] == report.dropped


def test_masks_stay_with_their_objects_when_others_are_dropped(fruits, tmp_path):
    spec = coco_spec([fruits / "val.json"], [fruits / "val"], mapping={"fig": "fig"})
    convert_dataset(convert_request(spec, tmp_path / "out", drop_unmapped=True))
    before = CocoFile(fruits / "val.json", fruits / "val")
    after = RecordSource(str(tmp_path / "out"))
    for row in range(4):
        figs = [i for i, name in enumerate(before[row].class_names) if name == "fig"]
        assert (after[row].masks or ()) == tuple(before[row].masks[i] for i in figs)
        np.testing.assert_allclose(after[row].boxes, before[row].boxes[figs], atol=0.01)


def test_dont_care_is_a_class_when_the_mapping_names_it(cars, tmp_path):
    mapping = {"car": "car", "van": "car", "dontcare": "unclear"}
    spec = kitti_spec(*cars, extension=".png", val_split=0, mapping=mapping)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.objects["training"] == {"car": 3, "unclear": 1}


def test_boxes_that_are_no_boxes_are_listed(tmp_path):
    rows = [kitti_row(), kitti_row("van", (5, 5, 5, 9)), kitti_row("bus", ("nan", 1, 2, 3))]
    spec = kitti_spec(*write_kitti(tmp_path / "in", {"a": rows}), extension=".png", val_split=0)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.dropped == {"not finite": 1, "zero size": 1}
    lines = [json.loads(line) for line in report.dropped_file.read_text().splitlines()]
    assert lines[1]["box_xyxy"] == ["nan", 1, 2, 3]
    assert lines[1]["place"].endswith("a.txt:3")


def test_files_left_out_are_counted_once_and_listed(cars, tmp_path):
    images, labels = cars
    (images / "b.png").rename(images / "b.jpg")
    (labels / "d.txt").write_text(kitti_row("Car"))
    spec = kitti_spec(images, labels, extension=".png", val_split=50, mapping={"car": "car"})
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.images == {"validation": 1, "training": 1}
    assert (
        report.dropped
        == _manifest(tmp_path)["dropped"]
        == {
            "image of another extension than image_extension": 1,
            "label file without an image": 1,
        }
    )
    lines = [json.loads(line) for line in report.dropped_file.read_text().splitlines()]
    assert [Path(line["place"]).name for line in lines] == ["b.jpg", "d.txt"]


def test_dropping_unmapped_classes_without_a_mapping_is_an_error(cars, tmp_path):
    spec = kitti_spec(*cars, extension=".png")
    with pytest.raises(UsageError, match="--drop_unmapped leaves out what target_class_mapping"):
        convert_dataset(convert_request(spec, tmp_path / "out", drop_unmapped=True))
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda _: b"this is a text", "is not an image"),
    ],
    ids=["truncated", "text"],
)
def test_bad_image_is_named_and_nothing_is_left(drawn, tmp_path, damage, message):
    images = tmp_path / "images"
    images.mkdir()
    for path in drawn.images.iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    bad = images / "000007.jpg"
    bad.write_bytes(damage(bad.read_bytes()))
    output = tmp_path / "records" / "out"
    with pytest.raises(DatasetError, match=message) as caught:
        convert_dataset(convert_request(kitti_spec(images, drawn.labels), output))
    assert "000007.jpg" in str(caught.value)
    assert not list(output.parent.iterdir())


def test_what_is_unusual_about_images_is_counted(tmp_path):
    rows = {name: [kitti_row()] for name in "abcdef"}
    images, labels = write_kitti(tmp_path / "in", rows)
    picture = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
    files = {
        "a": png(picture),
        "b": png(picture[..., 0]),
        "c": png(picture.astype(np.uint16) * 257),
        "d": png(np.dstack([picture, picture[..., 0]])),
        "e": cmyk_jpeg(64, 48, (1, 2, 3, 4)),
        "f": turned(jpeg(picture[..., 0]), 6),
    }
    for name, content in files.items():
        (images / f"{name}.png").write_bytes(content)
    spec = kitti_spec(images, labels, extension=".png")
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.notes == _manifest(tmp_path)["notes"]
    assert report.notes == {
        "16 bits a channel: scaled to 8": 1,
        "CMYK: converted to RGB": 1,
        "EXIF orientation: not applied": 1,
        "grey: becomes three equal channels": 2,
        "transparency: left out": 1,
    }


def test_coco_image_of_another_size_is_an_error(drawn, tmp_path):
    content = json.loads(drawn.annotations.read_text())
    content["images"][3]["height"] = 71
    annotations = tmp_path / "instances.json"
    annotations.write_text(json.dumps(content))
    spec = coco_spec([annotations], [drawn.images])
    with pytest.raises(DatasetError, match="is 96x72 pixels, but its annotation is for 96x71"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_data_without_any_object_is_an_error(tmp_path):
    spec = kitti_spec(*write_kitti(tmp_path / "in", {"a": [], "b": []}), extension=".png")
    with pytest.raises(DatasetError, match="no object of a class to learn"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_empty_folder_is_an_error(tmp_path):
    (tmp_path / "images").mkdir()
    spec = kitti_spec(tmp_path / "images", tmp_path)
    with pytest.raises(DatasetError, match="no image with extension"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_records_that_exist_are_replaced_only_by_force(drawn, cars, tmp_path):
    output = tmp_path / "records" / "out"
    spec = kitti_spec(*cars, extension=".png", shards=4)
    convert_dataset(convert_request(spec, output))
    before = _files(output.parent)
    spec = kitti_spec(drawn.images, drawn.labels, shards=1)
    with pytest.raises(DatasetError, match=r"out\.manifest\.json exists already.*--force"):
        convert_dataset(convert_request(spec, output))
    assert _files(output.parent) == before
    convert_dataset(convert_request(spec, output, force=True))
    assert sorted(_files(output.parent)) == [
        "out-fold-000-of-002-shard-00000-of-00001",
        "out-fold-001-of-002-shard-00000-of-00001",
        "out.manifest.json",
    ]


def test_another_prefix_in_the_same_folder_is_left_alone(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels)
    for name in ("out", "out-more"):
        convert_dataset(convert_request(spec, tmp_path / name))
    before = _files(tmp_path)
    convert_dataset(convert_request(spec, tmp_path / "out", force=True))
    assert _files(tmp_path) == before


def test_output_that_is_a_folder_is_an_error(drawn, tmp_path):
    with pytest.raises(DatasetError, match="is a folder; -o takes the prefix"):
        convert_dataset(convert_request(kitti_spec(drawn.images, drawn.labels), tmp_path))


def test_output_below_a_file_is_an_error_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    spec = kitti_spec(tmp_path / "nowhere", tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="records cannot be written to"):
        convert_dataset(convert_request(spec, tmp_path / "file" / "out"))


def test_output_folder_that_cannot_be_made_is_an_error(drawn, tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    spec = kitti_spec(drawn.images, drawn.labels)
    with pytest.raises(DatasetError, match=r"cannot be written to .*: Permission denied"):
        convert_dataset(convert_request(spec, tmp_path / "new" / "out"))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"partitions": 2}, "coco_config.num_partitions"),
        ({"shards": (1, 2)}, "coco_config.num_shards"),
    ],
    ids=["partitions", "shards"],
)
def test_coco_lists_of_unequal_length_are_a_spec_error(drawn, tmp_path, options, field):
    spec = coco_spec([drawn.annotations], [drawn.images], **options)
    with pytest.raises(SpecError) as caught:
        convert_dataset(convert_request(spec, tmp_path / "out"))
    assert field in str(caught.value)
    assert "convert.txt:1" in str(caught.value)


def test_coco_file_named_twice_is_a_spec_error(drawn, tmp_path):
    spec = coco_spec([drawn.annotations] * 2, [drawn.images] * 2)
    with pytest.raises(SpecError, match="is named twice"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


@pytest.mark.parametrize("kind", ["kitti", "coco"])
def test_images_are_below_image_directory_path_when_it_is_given(drawn, tmp_path, kind):
    root = f'root_directory_path: "{drawn.labels.parent}"'
    text = {
        "kitti": f'kitti_config {{ {root} image_dir_name: "{drawn.images.name}" '
        f'label_dir_name: "{drawn.labels.name}" image_extension: "jpg" }}',
        "coco": f'coco_config {{ {root} img_dir_names: "{drawn.images.name}" '
        f'annotation_files: "{drawn.annotations.name}" num_partitions: 1 }}',
    }[kind]
    moved = tmp_path / "elsewhere"
    shutil.copytree(drawn.images, moved / drawn.images.name)
    convert_dataset(convert_request(f'{text} image_directory_path: "{moved}"', tmp_path / "out"))
    source = _manifest(tmp_path)["source"]["images"]
    assert source in (str(moved / drawn.images.name), [str(moved / drawn.images.name)])
    with pytest.raises(DatasetError, match="nowhere"):
        convert_dataset(convert_request(f'{text} image_directory_path: "nowhere"', tmp_path / "b"))


def test_spec_without_a_data_set_is_a_spec_error(tmp_path):
    with pytest.raises(SpecError, match="give a kitti_config or a coco_config"):
        convert_dataset(convert_request(mapping_text({"a": "b"}), tmp_path / "out"))


def test_class_numbers_count_from_one_in_sorted_order(drawn, tmp_path):
    sample = KittiFolder(drawn.images, drawn.labels)[0]
    numbers = {name: number for number, name in enumerate(SHAPES, start=1)}
    feature = Example.FromString(to_example(sample, numbers)).features.feature
    labels = list(feature["image/object/class/label"].int64_list.value)
    assert labels == [SHAPES.index(name) + 1 for name in sample.class_names]
