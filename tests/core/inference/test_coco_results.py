"""Detections as COCO results: what COCO's own tools read from them."""

import contextlib
import io
import json

import numpy as np
import pytest

from detforge.inference.coco_results import format_coco_results, join_entries

BOXES = np.array([[10.5, 20, 30.25, 60], [0, 0, 1, 1]], np.float32)
SCORES, LABELS = np.array([0.9, 0.25], np.float32), np.array([2, 0])
NAMES = ["Fußgänger", "traffic light"]


def entries(file_name):
    return [
        json.loads(line) for line in format_coco_results(file_name, BOXES, NAMES, SCORES, LABELS)
    ]


def test_entry_has_width_and_height_and_counts_categories_from_one():
    first, second = entries("street.png")
    assert first == {
        "image_id": "street",
        "category_id": 3,
        "bbox": [10.5, 20.0, 19.75, 40.0],
        "score": 0.9,
        "file_name": "street.png",
        "category_name": "Fußgänger",
    }
    assert (second["category_id"], second["bbox"]) == (1, [0.0, 0.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("file_name", "image_id"),
    [
        ("000000397133.jpg", 397133),
        ("a.b.png", "a.b"),
        ("12.5.png", "12.5"),
        ("photo", "photo"),
        ("١٢.png", "١٢"),
        (".png", ".png"),
    ],
)
def test_image_is_known_by_its_number_or_by_its_name(file_name, image_id):
    assert {entry["image_id"] for entry in entries(file_name)} == {image_id}


def test_nothing_found_is_an_empty_list():
    assert json.loads(join_entries([])) == []


def test_tools_of_coco_read_the_file_and_find_it_perfect(tmp_path):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    lines = [
        line
        for name in ("000000000007.jpg", "12.jpg")
        for line in format_coco_results(name, BOXES, NAMES, SCORES, LABELS)
    ]
    (tmp_path / "found.json").write_text(join_entries(lines), encoding="utf-8")
    annotations = [
        {"id": 1 + index, "image_id": image, "category_id": category, "iscrowd": 0, "area": w * h}
        | {"bbox": [x, y, w, h]}
        for index, (image, category, (x, y, w, h)) in enumerate(
            (image, category, box)
            for image in (7, 12)
            for category, box in ((3, (10.5, 20, 19.75, 40)), (1, (0, 0, 1, 1)))
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        labelled = COCO()
        labelled.dataset = {
            "images": [{"id": 7}, {"id": 12}],
            "categories": [{"id": 1}, {"id": 3}],
            "annotations": annotations,
        }
        labelled.createIndex()
        scored = COCOeval(labelled, labelled.loadRes(str(tmp_path / "found.json")), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
    assert scored.stats[0] == pytest.approx(1)
