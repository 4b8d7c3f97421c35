"""``detforge efficientdet dataset_convert``."""

from __future__ import annotations

import json

import pytest

from detforge.cli import main
from detforge.data.records import RecordSource


@pytest.mark.parametrize("task", ["dataset_convert", "dataset-convert"])
def test_coco_file_becomes_shards_of_its_tag(data_root, tmp_path, task):
    fruits, folder = data_root / "fruits_nuts", tmp_path / "records"
    words = ["-i", fruits / "val", "-a", fruits / "val.json", "-o", folder, "-t", "fruit", "-s", 3]
    words += ["-r", tmp_path / "results"]
    assert main(["efficientdet", task, *map(str, words)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "fruit-00000-of-00003.tfrecord",
        "fruit-00001-of-00003.tfrecord",
        "fruit-00002-of-00003.tfrecord",
        "fruit.manifest.json",
    ]
    assert RecordSource(str(folder))[0].masks is None
    report = json.loads((tmp_path / "results" / "dataset_convert.json").read_text())
    assert report["images"] == {"val.json": 4}


def test_there_are_256_shards_and_the_tag_is_the_file_s_name(data_root, tmp_path):
    fruits = data_root / "fruits_nuts"
    words = ["-i", fruits / "val", "-a", fruits / "val.json", "-o", tmp_path, "--include_mask"]
    assert main(["efficientdet", "dataset_convert", *map(str, words)]) == 0
    assert len(list(tmp_path.glob("val-*-of-00256.tfrecord"))) == 256
    assert RecordSource(str(tmp_path))[0].masks is not None
