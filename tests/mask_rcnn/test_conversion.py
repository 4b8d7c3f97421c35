"""``detforge mask_rcnn dataset_convert``."""

from __future__ import annotations

import json

import pytest

from detforge.cli import main
from detforge.data.examples import Reading
from detforge.data.records import RecordSource


@pytest.mark.parametrize("option", [[], ["--include_masks"]], ids=["by itself", "when asked"])
def test_masks_are_kept(data_root, tmp_path, option):
    fruits = data_root / "fruits_nuts"
    words = ["-i", fruits / "val", "-a", fruits / "val_rle.json", "-o", tmp_path, "-s", 2, *option]
    assert main(["mask_rcnn", "dataset_convert", *map(str, words)]) == 0
    records = RecordSource(str(tmp_path / "val_rle"), reading=Reading(by_category_id=True))
    assert len(records) == 4
    for row in range(4):
        assert len(records[row].masks) == len(records[row].boxes) > 0
    manifest = json.loads((tmp_path / "val_rle.manifest.json").read_text())
    assert manifest["class_numbers"] == {"date": 1, "fig": 2, "hazelnut": 3}
