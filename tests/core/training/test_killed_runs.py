"""A training process that is killed, and the same command once more: it ends as if nothing was.

An extension stops the process at a moment of the run: the test waits for an exit and for no clock.
The detector is that of `tests/distributions/detforge_blobs`; one thread, so that numbers repeat.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detforge.data.scenes import draw_scenes
from detforge.files import load_checkpoint
from detforge.testing import add_distribution

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).parents[2] / "distributions" / "detforge_blobs"
EPOCHS, STEPS = 3, 6

DOOM = """
import errno, os, signal
import keras
from detforge import hookimpl

WHAT, _, WHEN = os.environ.get("DOOM", "").partition(" ")


def die(number):
    os.kill(os.getpid(), number)


# What a shell starts in the background ignores Ctrl-C; this stands for a run in the foreground.
signal.signal(signal.SIGINT, signal.default_int_handler)


class AtStep(keras.callbacks.Callback):
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == int(WHEN):
            die({"KILL": signal.SIGKILL, "TERM": signal.SIGTERM, "INT": signal.SIGINT}[WHAT])


def doomed_write(descriptor, data):
    if WHEN in os.readlink(f"/proc/self/fd/{descriptor}"):
        write(descriptor, data[: len(data) // 2])
        if WHAT == "FULL":
            raise OSError(errno.ENOSPC, "No space left on device")
        die(signal.SIGKILL)
    return write(descriptor, data)


write = os.write
if WHAT in ("SAVE", "FULL"):
    os.write = doomed_write


@hookimpl
def callbacks(request, recipe):
    return [AtStep()] if WHAT in ("KILL", "TERM", "INT") else []
"""

SPEC = f"""
random_seed: 3
blobs_config {{ width: 4 }}
training_config {{
  batch_size_per_gpu: 4
  num_epochs: {EPOCHS}
  n_workers: 2
  learning_rate {{ soft_start_annealing_schedule {{
    min_learning_rate: 1e-4 max_learning_rate: 1e-2 soft_start: 0.1 annealing: 0.6 }} }}
}}
eval_config {{ average_precision_mode: INTEGRATE validation_period_during_training: 3 }}
augmentation_config {{ output_width: 32 output_height: 32 }}
dataset_config {{
  data_sources {{ tfrecords_path: "records/scenes*" }}
  validation_data_sources {{ tfrecords_path: "records/scenes*" }}
  target_class_mapping {{ key: "circle" value: "circle" }}
  target_class_mapping {{ key: "square" value: "square" }}
  target_class_mapping {{ key: "triangle" value: "triangle" }}
}}
"""


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains in a process, and may meet its doom."""
    work = tmp_path_factory.mktemp("killed")
    site = work / "site"
    add_distribution(
        site,
        "detforge-blobs",
        entry_points={"detforge.detectors": {"blobs": "detforge_blobs.plugin"}},
    )
    add_distribution(
        site,
        "doom",
        entry_points={"detforge.extensions": {"doom": "doom_extension"}},
        modules={"doom_extension": DOOM},
    )
    scenes = draw_scenes(work / "scenes", images=4 * STEPS, seed=7, size=(64, 64))
    convert = 'image_dir_names: ["{}"] annotation_files: ["{}"] num_partitions: 1'
    convert = convert.format(scenes.images, scenes.annotations)
    (work / "convert.txt").write_text(f"coco_config {{ {convert} }}")
    (work / "spec.txt").write_text(SPEC)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(PACKAGE)])}
    environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

    def run(results: str, *options: str, doom: str = "", task: str = "train"):
        command = [sys.executable, "-m", "detforge", "blobs", task]
        command += ["-e", "spec.txt", "-r", results, *options] if task == "train" else options
        return subprocess.run(
            command,
            cwd=work,
            env={**environment, "DOOM": doom},
            capture_output=True,
            text=True,
        )

    done = run("", "-d", "convert.txt", "-o", "records/scenes", task="dataset_convert")
    assert done.returncode == 0, done.stderr
    run.work, run.images = work, scenes.images
    return run


@pytest.fixture(scope="module")
def straight(train):
    done = train("straight")
    assert done.returncode == 0, done.stderr
    return train.work / "straight"


def epochs_in(folder):
    return [int(path.stem[-3:]) for path in sorted((folder / "weights").glob("*.detforge"))]


def assert_same_end(folder, expected):
    assert epochs_in(folder) == epochs_in(expected) == [1, 2, 3]
    name = f"weights/blobs_epoch_{EPOCHS:03d}.detforge"
    one, other = load_checkpoint(folder / name), load_checkpoint(expected / name)
    assert one.step == other.step == EPOCHS * STEPS
    for part in ("weights", "optimizer"):
        for key, value in getattr(other, part).items():
            np.testing.assert_allclose(
                getattr(one, part)[key], value, rtol=1e-4, atol=1e-6, err_msg=key
            )
    rows, others = (
        [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
        for path in (folder, expected)
    )
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    for row, other in zip(rows, others, strict=True):
        np.testing.assert_allclose(row["loss"], other["loss"], rtol=1e-4)
        assert (row["mAP"] is None) == (other["mAP"] is None)


def test_run_killed_inside_an_epoch_goes_on_and_ends_the_same(train, straight):
    # In processes before, in threads behind: neither changes a batch.
    killed = train("inside", "--use_multiprocessing", doom=f"KILL {2 * STEPS + 3}")
    assert killed.returncode == -9
    assert epochs_in(train.work / "inside") == [1, 2]
    done = train("inside")
    assert done.returncode == 0, done.stderr
    assert "resuming with epoch 3 of 3" in done.stderr
    assert_same_end(train.work / "inside", straight)


def test_run_killed_while_it_saves_keeps_what_was_there_and_goes_on(train, straight):
    killed = train("saving", doom="SAVE epoch_003.detforge")
    assert killed.returncode == -9
    weights = train.work / "saving" / "weights"
    assert epochs_in(train.work / "saving") == [1, 2]
    assert [p.name for p in weights.iterdir() if "epoch_003" in p.name]  # half of it is there
    done = train("saving")
    assert done.returncode == 0, done.stderr
    assert "resuming with epoch 3 of 3" in done.stderr
    assert_same_end(train.work / "saving", straight)


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("INT", 130)])
def test_run_that_is_asked_to_end_says_from_where_it_goes_on(train, signal, code):
    ended = train(signal, doom=f"{signal} {STEPS + 2}")
    assert ended.returncode == code, ended.stderr
    assert "stopped in epoch 2; the same command goes on from the checkpoint of epoch 1" in (
        ended.stderr
    )
    assert "Traceback" not in ended.stderr
    assert epochs_in(train.work / signal) == [1]


def test_full_disk_ends_the_run_with_nothing_lost(train):
    full = train("full", doom="FULL epoch_002.detforge")
    assert full.returncode == 2
    assert "No space left on device" in full.stderr
    assert "goes on from the checkpoint of epoch 1" in full.stderr
    names = [path.name for path in (train.work / "full" / "weights").iterdir()]
    assert names == ["blobs_epoch_001.detforge"]


def test_loss_that_is_no_number_ends_the_run_with_the_images_of_the_step(train):
    schedule = "training_config.learning_rate.soft_start_annealing_schedule"
    done = train("nan", "--set", f"{schedule}.max_learning_rate=1e30")
    assert done.returncode == 2
    assert re.search(r"the loss became (nan|inf) at step \d+ \(step \d+ of epoch 1\)", done.stderr)
    names = re.search(r"^Images of that step: (.*)$", done.stderr, re.MULTILINE)[1].split(", ")
    assert len(names) == 4
    assert set(names) <= {path.name for path in train.images.iterdir()}
    assert epochs_in(train.work / "nan") == []


def test_finished_run_is_told_and_not_trained_again(train, straight):
    before = (straight / "weights" / "blobs_epoch_003.detforge").read_bytes()
    report = json.loads((straight / "train.json").read_text())
    again = train("straight")
    assert again.returncode == 0
    assert "this run is finished" in again.stderr
    assert (straight / "weights" / "blobs_epoch_003.detforge").read_bytes() == before
    repeated = json.loads((straight / "train.json").read_text())
    assert repeated["epochs"] == report["epochs"] == 3
    assert repeated["metrics"]["mAP"] == report["metrics"]["mAP"]
