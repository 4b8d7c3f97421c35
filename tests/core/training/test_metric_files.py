"""The two files of metrics: what stands in them, and that a run which goes on keeps them."""

from __future__ import annotations

import csv
import json

import pytest

from detforge.errors import UsageError
from detforge.training.metric_files import MetricFiles, read_metrics

NAN = float("nan")
VALUES = {"loss": 3.0, "boxes": 1.0, "classes": 2.0, "learning_rate": 0.5, "seconds": 4.0}


def files(folder, epochs_done=0):
    return MetricFiles(folder, ("boxes", "classes"), ("Bär", "cat"), epochs_done=epochs_done)


def table(folder):
    with (folder / "training_log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_epoch_is_a_line_of_json_and_a_row(tmp_path):
    found = {"mAP": 0.25, "AP_Bär": 0.25, "AP_cat": NAN, "validation_loss": 6.0}
    files(tmp_path).write(1, {**VALUES, **found, "images_per_second": 8.0, "other": 1.0})
    (line,) = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "epoch": 1,
        "loss": 3.0,
        "losses": {"boxes": 1.0, "classes": 2.0},
        "learning_rate": 0.5,
        "validation_loss": 6.0,
        "mAP": 0.25,
        "AP": {"Bär": 0.25, "cat": None},
        "seconds": 4.0,
        "images_per_second": 8.0,
    }
    (row,) = table(tmp_path)
    assert list(row) == [
        "epoch",
        "AP_Bär",
        "AP_cat",
        "loss",
        "boxes",
        "classes",
        "lr",
        "mAP",
        "validation_loss",
        "seconds",
        "images_per_second",
    ]
    assert list(row.values()) == [
        "1",
        "0.25",
        "",
        "3.0",
        "1.0",
        "2.0",
        "0.5",
        "0.25",
        "6.0",
        "4.0",
        "8.0",
    ]


def test_epoch_without_validation_leaves_its_columns_empty(tmp_path):
    files(tmp_path).write(1, VALUES)
    (row,) = table(tmp_path)
    assert (row["mAP"], row["AP_cat"], row["validation_loss"]) == ("", "", "")
    assert (row["loss"], row["seconds"]) == ("3.0", "4.0")


def test_row_of_an_epoch_is_completed_and_not_repeated(tmp_path):
    run = files(tmp_path)
    run.write(1, VALUES)
    run.write(1, {**VALUES, "mAP": 0.5})
    assert [(row["epoch"], row["mAP"]) for row in table(tmp_path)] == [("1", "0.5")]


def test_run_that_goes_on_keeps_the_epochs_it_goes_on_from(tmp_path):
    run = files(tmp_path)
    for epoch in (1, 2, 3):
        run.write(epoch, {**VALUES, "loss": epoch})
    resumed = files(tmp_path, epochs_done=2)
    resumed.write(3, {**VALUES, "loss": 9})
    assert [row["loss"] for row in table(tmp_path)] == ["1", "2", "9"]
    assert [row["epoch"] for row in read_metrics(tmp_path)] == [1, 2, 3]


def test_new_run_begins_new_files(tmp_path):
    files(tmp_path).write(4, VALUES)
    files(tmp_path).write(1, VALUES)
    assert [row["epoch"] for row in read_metrics(tmp_path)] == [1]


@pytest.mark.parametrize("text", ["{", "[1]", '{"epoch": 1}', "3", '{"epoch": "x"}'])
def test_file_that_no_run_wrote_is_an_error_before_the_run(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(UsageError, match=r"metrics.jsonl is not as a run wrote it.*move it away"):
        files(tmp_path, epochs_done=1)
