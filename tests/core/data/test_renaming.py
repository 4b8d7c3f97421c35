from __future__ import annotations

import json

import pytest
from tests.core.data.data_builders import convert_request, kitti_row, kitti_spec, write_kitti

from detforge.data.convert import convert_dataset
from detforge.data.records import RecordSource
from detforge.data.renaming import labels_as_classes
from detforge.errors import DatasetError


def test_labels_are_classes_but_for_dont_care(caplog):
    counts = {"car": 2, "Van": 1, "DontCare": 9, "dontcare": 1}
    assert labels_as_classes(counts) == {"car": "car", "van": "Van"}
    assert not caplog.text


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ({"Car": 2, "car": 3}, "car"),
        ({"Car": 3, "CAR": 1, "car": 2}, "Car"),
        ({"car": 2, "Car": 2}, "Car"),
    ],
    ids=["lower", "three", "alike"],
)
def test_labels_that_differ_only_by_case_are_one_class_and_it_is_said(caplog, counts, name):
    assert labels_as_classes(counts) == {"car": name}
    assert f"labels that differ only by case are one class {name!r}: 'C" in caplog.text
    assert all(f"{label!r} ({count})" in caplog.text for label, count in counts.items())


@pytest.fixture
def street(tmp_path):
    rows = [kitti_row("Car"), kitti_row("CAR", (1, 1, 9, 9)), kitti_row("Car", (5, 5, 9, 9))]
    images = {"a": rows, "b": [kitti_row("bus"), kitti_row("DontCare")]}
    return write_kitti(tmp_path, images)


def _convert(street, folder, block=""):
    spec = kitti_spec(*street, extension=".png", val_split=0, shards=1)
    report = convert_dataset(convert_request(spec + block, folder / "x"))
    return report, RecordSource(str(folder / "x"))


def test_conversion_without_a_mapping_writes_one_class_for_all_spellings(street, tmp_path):
    report, records = _convert(street, tmp_path)
    assert records.class_counts() == {"Car": 3, "bus": 1}
    names = sorted(name for row in range(2) for name in records[row].class_names)
    assert names == ["Car", "Car", "Car", "bus"]
    assert report.dropped == {"DontCare": 1}
    assert json.loads(report.manifest.read_text())["class_numbers"] == {"Car": 1, "bus": 2}


def test_sample_modifier_without_a_mapping_knows_the_labels(street, tmp_path):
    block = 'sample_modifier_config { filter_samples_containing_only: "Car" }'
    _, records = _convert(street, tmp_path, block)
    assert records[0].class_names == ("bus",)
    assert len(records) == 1


@pytest.mark.parametrize(
    "block", ['filter_samples_containing_only: "car"', 'dominant_target_classes: "car"']
)
def test_class_that_no_label_leads_to_is_an_error_of_the_sample_modifier(street, tmp_path, block):
    block = f"sample_modifier_config {{ {block} num_duplicates: 1 }}"
    message = "sample_modifier_config names car, and the classes of the data are Car, bus"
    with pytest.raises(DatasetError, match=message):
        _convert(street, tmp_path, block)
