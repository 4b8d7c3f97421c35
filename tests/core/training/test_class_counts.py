"""The table of objects that is shown before the first step."""

from __future__ import annotations

import numpy as np
from tests.core.data.data_builders import ListSource, make_sample

from detforge.data.concatenation import Concatenation
from detforge.data.kitti import KittiFolder
from detforge.recipe import Classes
from detforge.training.class_counts import class_rows, report_classes

CLASSES = Classes(
    names=("person", "vehicle", "zebra"),
    mapping={"car": "vehicle", "van": "vehicle", "person": "person", "zebra": "zebra"},
)


def source(name, **counts):
    names = [label for label, count in counts.items() for _ in range(count)]
    return ListSource([make_sample([[1, 2, 31, 42]] * len(names), names)], name=name)


def rows_of(training, validation=None):
    header, *rows = class_rows(training, validation, CLASSES)
    return header, {name: numbers for name, *numbers in rows}


def test_labels_are_counted_as_the_classes_that_they_become():
    header, rows = rows_of(source("a", car=2, Van=3, person=1), source("v", car=4))
    assert header == ["class", "training", "validation"]
    assert rows == {"person": ["1", "0"], "vehicle": ["5", "4"], "zebra": ["0", "0"]}


def test_each_source_has_a_column_and_dont_care_a_row():
    first, second = source("data/day", car=2, DontCare=5), source("data/night", person=3)
    header, rows = rows_of(Concatenation([first, second]))
    assert header == ["class", "training", "1: day", "2: night"]
    assert rows["vehicle"] == ["2", "2", "0"]
    assert rows["person"] == ["3", "0", "3"]
    assert rows["left unlabelled (DontCare)"] == ["5", "5", "0"]


def test_difficult_objects_are_counted_where_the_source_knows_them(tmp_path, caplog):
    import cv2

    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), np.zeros((50, 50, 3), np.uint8))
    line = "{} 0 {} 0 5 5 40 40 0 0 0 0 0 0 0\n"
    lines = [line.format("car", 0), line.format("car", 2), line.format("van", 1)]
    (tmp_path / "labels/a.txt").write_text("".join(lines))
    kitti = KittiFolder(tmp_path / "images", tmp_path / "labels")
    header, rows = rows_of(kitti)
    assert header == ["class", "training", "difficult"]
    assert rows["vehicle"] == ["3", "2"]
    header, _ = rows_of(Concatenation([kitti, source("records", car=1)]))
    assert header[-1] == "difficult (KITTI)"


def test_class_without_an_object_is_a_warning(caplog):
    report_classes(source("a", car=2, person=1), None, CLASSES)
    assert "no training object is of zebra: the model will not find it" in caplog.text
    caplog.clear()
    report_classes(source("a", car=2, person=1, zebra=1), None, CLASSES)
    assert "no training object" not in caplog.text
