"""Which images a conversion spec puts where: sequences, left out, repeated; by which classes."""

from __future__ import annotations

import json

import pytest
from tests.core.data.data_builders import (
    coco_spec,
    convert_request,
    kitti_row,
    kitti_spec,
    write_kitti,
)

from detforge.data.coco import CocoFile
from detforge.data.convert import convert_dataset
from detforge.data.records import RecordSource
from detforge.errors import DatasetError, UsageError

SEQUENCES = {"drive 1": ["a1", "a2", "a3"], "drive 2": ["b1", "b2"], "drive 3": ["c1"]}


def _names(pattern):
    records = RecordSource(str(pattern))
    return [records[row].name.removesuffix(".png") for row in range(len(records))]


def _manifest(folder):
    return json.loads((folder / "out.manifest.json").read_text())


def _dropped(report):
    return [json.loads(line) for line in report.dropped_file.read_text().splitlines()]


@pytest.fixture
def drives(tmp_path):
    """Six frames of three drives, one car each."""
    frames = [frame for listed in SEQUENCES.values() for frame in listed]
    images, labels = write_kitti(tmp_path / "in", {frame: [kitti_row("Car")] for frame in frames})
    (tmp_path / "in" / "sequences.json").write_text(json.dumps(SEQUENCES))
    return images, labels


def _by_sequence(images, labels, folds=2, extra=""):
    return f"""
        kitti_config {{
          root_directory_path: "{images.parent}" image_dir_name: "{images.name}"
          label_dir_name: "{labels.name}" num_shards: 1 partition_mode: "sequence"
          kitti_sequence_to_frames_file: "sequences.json" num_partitions: {folds}
        }}
        {extra}
    """


def test_sequences_are_dealt_to_folds(drives, tmp_path):
    report = convert_dataset(convert_request(_by_sequence(*drives), tmp_path / "out"))
    assert report.images == {"fold 0": 2, "fold 1": 4}
    assert sorted(_names(tmp_path / "out-fold-000*")) == ["b1", "b2"]
    assert sorted(_names(tmp_path / "out-fold-001*")) == ["a1", "a2", "a3", "c1"]
    source = _manifest(tmp_path)["source"]
    assert source["partition_mode"] == "sequence"
    assert source["sequences"] == str(tmp_path / "in" / "sequences.json")


def test_as_many_folds_as_sequences(drives, tmp_path):
    convert_dataset(convert_request(_by_sequence(*drives, folds=3), tmp_path / "out"))
    assert [len(_names(tmp_path / f"out-fold-{i:03d}-of-003*")) for i in range(3)] == [1, 2, 3]


def test_image_of_no_sequence_is_left_out_and_listed(drives, tmp_path):
    listed = {name: frames for name, frames in SEQUENCES.items() if name != "drive 3"}
    (tmp_path / "in" / "sequences.json").write_text(json.dumps(listed))
    report = convert_dataset(convert_request(_by_sequence(*drives), tmp_path / "out"))
    assert report.dropped == {"image of no sequence": 1}
    (line,) = _dropped(report)
    assert line["place"] == str(drives[0] / "c1.png")


@pytest.fixture
def street(tmp_path):
    rows = {
        "cars": ["Car", "Car"],
        "van": ["Van"],
        "trams": ["Car", "Tram", "Tram"],
        "person": ["Car", "Person"],
        "empty": [],
    }
    return write_kitti(
        tmp_path / "in", {stem: [kitti_row(name) for name in names] for stem, names in rows.items()}
    )


MAPPING = {"car": "car", "van": "car", "tram": "tram", "person": "person"}


def _modified(street, block, **options):
    spec = kitti_spec(*street, extension=".png", mapping=MAPPING, **{"val_split": 0} | options)
    return f"{spec} sample_modifier_config {{ {block} }}"


def test_images_of_some_classes_only_are_left_out_and_listed(street, tmp_path):
    spec = _modified(street, 'filter_samples_containing_only: "car"')
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert sorted(_names(tmp_path / "out")) == ["empty", "person", "trams"]
    assert report.dropped == {"image of filter_samples_containing_only": 2}
    assert {line["place"] for line in _dropped(report)} == {
        str(street[0] / "cars.png"),
        str(street[0] / "van.png"),
    }


def test_images_of_rare_classes_are_repeated(street, tmp_path):
    spec = _modified(street, 'dominant_target_classes: "car" num_duplicates: 2')
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert sorted(_names(tmp_path / "out")) == ["cars", "empty", "person", *["trams"] * 3, "van"]
    assert report.objects["training"] == {"car": 7, "person": 1, "tram": 6}
    assert report.dropped == {}


def test_imbalance_says_what_is_rare(street, tmp_path):
    block = (
        'dominant_target_classes: "car" num_duplicates: 1 '
        'minimum_target_class_imbalance { key: "person" value: 0.5 }'
        'minimum_target_class_imbalance { key: "tram" value: 2 }'
    )
    convert_dataset(convert_request(_modified(street, block), tmp_path / "out"))
    assert sorted(_names(tmp_path / "out")) == ["cars", "empty", "person", "person", "trams", "van"]


def test_number_of_training_images_is_limited(street, tmp_path):
    spec = _modified(street, "max_training_samples: 3", val_split=20)
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert report.images == {"validation": 1, "training": 3}
    assert report.dropped == {"image beyond max_training_samples": 1}


def test_classes_of_the_block_serve_the_block_alone(street, tmp_path):
    block = (
        'filter_samples_containing_only: "rail" '
        'source_to_target_class_mapping { key: "tram" value: "rail" }'
    )
    report = convert_dataset(convert_request(_modified(street, block), tmp_path / "out"))
    assert sorted(_names(tmp_path / "out")) == ["cars", "empty", "person", "van"]
    assert _manifest(tmp_path)["classes"] == ["car", "person", "tram"]
    assert report.images["training"] == 4


@pytest.mark.parametrize(
    ("given", "kept", "images"), [(None, "validation", 4), (0, "validation", 4), (1, "training", 1)]
)
def test_validation_fold_stays_as_it_is(street, tmp_path, given, kept, images):
    block = 'filter_samples_containing_only: ["car", "tram", "person"]'
    spec = _modified(street, block, val_split=80)
    report = convert_dataset(convert_request(spec, tmp_path / "out", validation_fold=given))
    # Of the others no more than the image without objects is left.
    assert report.images.pop(kept) == images
    assert all(count <= 1 for count in report.images.values())
    assert _manifest(tmp_path)["source"]["sample_modifier"]["validation_fold"] == (given or 0)


def test_validation_fold_that_is_none_is_an_error(street, tmp_path):
    request = convert_request(
        _modified(street, "max_training_samples: 3"), tmp_path / "out", validation_fold=2
    )
    with pytest.raises(UsageError, match="--validation_fold is 2, but the folds are 0 to 1"):
        convert_dataset(request)


def test_validation_fold_without_a_sample_modifier_is_a_warning(street, tmp_path, caplog):
    spec = kitti_spec(*street, extension=".png", mapping=MAPPING)
    convert_dataset(convert_request(spec, tmp_path / "out", validation_fold=0))
    assert "--validation_fold has no effect" in caplog.text


def test_sample_modifier_asks_for_the_validation_fold_of_sequences(drives, tmp_path):
    spec = _by_sequence(*drives, extra="sample_modifier_config { max_training_samples: 1 }")
    with pytest.raises(UsageError, match="say which that is: --validation_fold 0 to 1"):
        convert_dataset(convert_request(spec, tmp_path / "out"))
    report = convert_dataset(convert_request(spec, tmp_path / "out", validation_fold=1))
    assert report.images == {"fold 0": 1, "fold 1": 4}


def test_sample_modifier_changes_the_only_fold_there_is(fruits, tmp_path):
    spec = coco_spec([fruits / "val.json"], [fruits / "val"])
    spec += 'sample_modifier_config { filter_samples_containing_only: ["date", "fig"] }'
    before = CocoFile(fruits / "val.json", fruits / "val")
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    left_out = [row for row in range(4) if "hazelnut" not in before.object_classes(row)]
    assert 0 < len(left_out) < 4
    assert report.images == {str(fruits / "val.json"): 4 - len(left_out)}
    assert [line["place"] for line in _dropped(report)] == [
        str(fruits / "val" / before.file_names[row]) for row in left_out
    ]


def _class_file(tmp_path, text):
    path = tmp_path / "classes.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_class_file_names_the_classes_when_the_spec_does_not(street, tmp_path):
    path = _class_file(tmp_path, "\ufeffcar\r\nTRAM\n\nvan\nperson\n")
    spec = kitti_spec(*street, extension=".png", val_split=0)
    report = convert_dataset(convert_request(spec, tmp_path / "out", class_file=path))
    assert report.objects["training"] == {"TRAM": 2, "car": 4, "person": 1, "van": 1}
    assert _manifest(tmp_path)["class_numbers"] == {"TRAM": 1, "car": 2, "person": 3, "van": 4}


def test_labels_that_the_class_file_lacks_are_an_error_or_left_out(street, tmp_path):
    path = _class_file(tmp_path, "cars\ntram\n")
    spec = kitti_spec(*street, extension=".png", val_split=0)
    with pytest.raises(DatasetError, match=r"'Car' \(4 objects, did you mean 'cars'\?\)"):
        convert_dataset(convert_request(spec, tmp_path / "out", class_file=path))
    report = convert_dataset(
        convert_request(spec, tmp_path / "out", class_file=path, drop_unmapped=True)
    )
    assert report.objects["training"] == {"tram": 2}
    assert _manifest(tmp_path)["classes"] == ["cars", "tram"]


def test_class_file_beside_a_mapping_is_a_warning(street, tmp_path, caplog):
    path = _class_file(tmp_path, "bus\n")
    spec = kitti_spec(*street, extension=".png", val_split=0, mapping=MAPPING)
    report = convert_dataset(convert_request(spec, tmp_path / "out", class_file=path))
    assert report.objects["training"] == {"car": 5, "person": 1, "tram": 2}
    assert "classes.txt has no effect: target_class_mapping names the classes" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"classes\.txt names no class"),
        ("car\nbus\nCar\n", "names 'Car' and 'car'; names are compared without case"),
        (b"caf\xe9\n", "is not UTF-8 text"),
    ],
    ids=["empty", "twice", "latin-1"],
)
def test_class_file_that_cannot_be_used_is_an_error(street, tmp_path, text, message):
    spec = kitti_spec(*street, extension=".png")
    path = _class_file(tmp_path, text)
    with pytest.raises(DatasetError, match=message):
        convert_dataset(convert_request(spec, tmp_path / "out", class_file=path))


def _second_coco(fruits, tmp_path, change):
    content = json.loads((fruits / "val.json").read_text())
    change(content)
    path = tmp_path / "second.json"
    path.write_text(json.dumps(content))
    return path


def test_partitions_that_disagree_about_a_category_are_an_error(fruits, tmp_path):
    def rename(content):
        content["categories"][1]["name"] = "grape"

    second = _second_coco(fruits, tmp_path, rename)
    spec = coco_spec([fruits / "train.json", second], [fruits / "train", fruits / "val"])
    with pytest.raises(DatasetError, match=r"category 2 is 'fig' in .*train\.json and 'grape' in"):
        convert_dataset(convert_request(spec, tmp_path / "out"))


def test_category_that_only_one_partition_defines_is_a_warning(fruits, tmp_path, caplog):
    def remove(content):
        content["categories"] = [c for c in content["categories"] if c["name"] != "fig"]
        content["annotations"] = [a for a in content["annotations"] if a["category_id"] != 2]

    second = _second_coco(fruits, tmp_path, remove)
    spec = coco_spec([fruits / "train.json", second], [fruits / "train", fruits / "val"])
    convert_dataset(convert_request(spec, tmp_path / "out"))
    assert "second.json does not define the categories fig" in caplog.text
    assert _manifest(tmp_path)["classes"] == ["date", "fig", "hazelnut"]


def test_categories_of_the_partitions_are_compared_without_case(fruits, tmp_path, caplog):
    def shout(content):
        for category in content["categories"]:
            category["name"] = category["name"].upper()

    second = _second_coco(fruits, tmp_path, shout)
    spec = coco_spec([fruits / "train.json", second], [fruits / "train", fruits / "val"])
    report = convert_dataset(convert_request(spec, tmp_path / "out"))
    assert "does not define" not in caplog.text
    assert [sorted(objects) for objects in report.objects.values()] == [
        ["date", "fig", "hazelnut"]
    ] * 2
