"""What happens around the steps: order of saving and scoring, the log, callbacks of others."""

from __future__ import annotations

import csv
import json
import shutil
import sys

import keras
import pytest

from detforge.errors import DatasetError
from detforge.plugins import load_detector
from detforge.requests import TrainRequest
from detforge.spec import load_spec
from detforge.testing import add_distribution

EXTENSION = """
from detforge import hookimpl

WANTED = []

@hookimpl
def callbacks(request, recipe):
    return WANTED
"""


class StopAfter(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            self.model.stop_training = True


@pytest.fixture
def train(spec_file, scenes, tmp_path, monkeypatch):
    """Return a function that trains beside an extension that brings callbacks."""
    site = tmp_path / "site"
    points = {"detforge.extensions": {"watch": "watch_extension"}}
    add_distribution(site, "watch", entry_points=points, modules={"watch_extension": EXTENSION})
    monkeypatch.syspath_prepend(site)
    detector = load_detector("ssd")

    def start(results="run", callbacks=(), epochs=3, interval=2, validation=None, **options):
        sys.modules["watch_extension"].WANTED[:] = callbacks
        path = spec_file(epochs=epochs, interval=interval)
        if validation:
            head, mark, tail = path.read_text().partition("validation_data_sources")
            path.write_text(head + mark + tail.replace(str(scenes), str(validation)))
        spec = load_spec(path, detector.spec_schema())
        request = TrainRequest(
            detector=detector, spec=spec, results_dir=tmp_path / results, **options
        )
        return detector.hook.train(request=request)

    yield start
    del sys.modules["watch_extension"]


def log_of(folder):
    with (folder / "training_log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in (folder / "weights").iterdir())


def test_last_epoch_is_saved_whatever_the_interval(train, tmp_path):
    report = train()
    assert names(tmp_path / "run") == [
        "ssd_resnet10_epoch_002.detforge",
        "ssd_resnet10_epoch_003.detforge",
    ]
    assert report.checkpoint.name == "ssd_resnet10_epoch_003.detforge"


def test_run_that_a_callback_stops_is_saved_and_reported_as_far_as_it_went(train, tmp_path):
    report = train(callbacks=[StopAfter(1)])
    assert report.epochs == 1
    assert names(tmp_path / "run") == ["ssd_resnet10_epoch_001.detforge"]


def test_log_has_a_row_per_epoch_and_map_where_it_was_scored(train, tmp_path):
    train()
    rows = log_of(tmp_path / "run")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["mAP"]) for row in rows] == [False, False, True]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert float(rows[-1]["lr"]) < float(rows[1]["lr"])


@pytest.mark.slow
def test_log_of_a_run_that_goes_on_has_each_epoch_once(train, tmp_path):
    train(callbacks=[StopAfter(2)])
    first = log_of(tmp_path / "run")
    # A run that was killed after it logged epoch 3, before its checkpoint.
    lines = tmp_path / "run" / "metrics.jsonl"
    last = json.loads(lines.read_text().splitlines()[-1])
    lines.write_text(lines.read_text() + json.dumps({**last, "epoch": 3, "loss": 99}) + "\n")
    checkpoint = tmp_path / "run" / "weights" / "ssd_resnet10_epoch_002.detforge"
    train(resume_model_weights=checkpoint, initial_epoch=3)
    rows = log_of(tmp_path / "run")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert rows[:2] == first
    assert float(rows[2]["loss"]) != 99


def test_validation_that_fails_does_not_lose_the_epoch(train, scenes, tmp_path):
    data = shutil.copytree(scenes, tmp_path / "validation")
    victim = sorted((data / "images").iterdir())[-1]

    class Spoil(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            victim.write_bytes(b"no image any more")

    with pytest.raises(DatasetError, match=victim.name):
        train(epochs=1, validation=data, callbacks=[Spoil()])
    assert names(tmp_path / "run") == ["ssd_resnet10_epoch_001.detforge"]
