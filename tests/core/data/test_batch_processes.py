"""Batches prepared by processes are those that threads prepare; nothing is left of them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from tests.core.data.data_builders import (
    SSD_CHAIN,
    ListSource,
    convert_request,
    kitti_spec,
    make_recipe,
    make_sample,
)

from detforge.data.batch_processes import BatchProcesses
from detforge.data.batches import TrainingBatches
from detforge.data.coco import CocoFile
from detforge.data.concatenation import Concatenation
from detforge.data.convert import convert_dataset
from detforge.data.kitti import KittiFolder
from detforge.data.records import RecordSource
from detforge.errors import DatasetError


def grey_images(count=5, objects=1):
    """Images whose grey level is their row."""
    return ListSource(
        make_sample(
            [[1, 2, 31, 42]] * objects,
            ["circle"] * objects,
            image=np.full((48, 64, 3), row, np.uint8),
        )
        for row in range(count)
    )


class Spoilt(ListSource):
    """One of its images cannot be used."""

    def __init__(self, samples, error):
        super().__init__(samples)
        self.error = error

    def __getitem__(self, row):
        if row == 3:
            raise self.error
        return super().__getitem__(row)


def taken(source, count, *, first=0, multiprocessing=True, workers=1, **data):
    recipe = make_recipe(augmentation=SSD_CHAIN, batch_size=2, **data)
    recipe = replace(
        recipe, data=replace(recipe.data, workers=workers, multiprocessing=multiprocessing)
    )
    batches = TrainingBatches(source, recipe, seed=5)
    stream = batches.stream(first)
    try:
        return list(islice(stream, count)), batches
    finally:
        stream.close()


def test_processes_prepare_what_threads_do():
    expected, _ = taken(grey_images(), 7, first=4, multiprocessing=False)
    found, batches = taken(grey_images(), 7, first=4, workers=2)
    assert batches.failure is None
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert one[name].dtype == other[name].dtype
            np.testing.assert_array_equal(one[name], other[name])
    assert not multiprocessing.active_children()


def test_bad_image_is_the_error_that_threads_give():
    source = Spoilt(grey_images().samples, DatasetError("the image is bad"))
    found, batches = taken(source, 100)
    assert len(found) < 3
    assert str(batches.failure) == "the image is bad"
    assert not multiprocessing.active_children()


def test_error_of_ours_comes_with_its_traceback():
    source = Spoilt(grey_images().samples, ZeroDivisionError("oh"))
    with pytest.raises(RuntimeError, match=r"in __getitem__\n.*\nZeroDivisionError: oh"):
        taken(source, 100)
    assert not multiprocessing.active_children()


def test_process_ended_from_outside_is_an_error_that_says_what_to_do():
    recipe = make_recipe(batch_size=2)
    processes = BatchProcesses(grey_images(), recipe, seed=1, count=1, batch_bytes=1 << 20)
    processes.batch(0)
    (child,) = multiprocessing.active_children()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(DatasetError, match=r"ended with code -9.*lower .*n_workers"):
        processes.batch(1)
    processes.close()


def test_source_that_cannot_be_handed_over_is_an_error():
    source = grey_images()
    source.opened = open(__file__)  # noqa: PTH123, SIM115 - any thing that is no data
    with source.opened:
        found, batches = taken(source, 1)
    assert found == []
    assert "leave use_multiprocessing out" in str(batches.failure)
    assert not multiprocessing.active_children()


def test_images_with_too_many_objects_are_counted_all_the_same(caplog):
    taken(grey_images(count=4, objects=3), 4, max_objects=2)
    assert "4 images have more than 2 objects, 12 in all" in caplog.text


def test_every_kind_of_source_can_be_handed_over(drawn, tmp_path):
    spec = kitti_spec(drawn.images, drawn.labels)
    convert_dataset(convert_request(spec, tmp_path / "records"))
    kitti = KittiFolder(drawn.images, drawn.labels)
    coco = CocoFile(drawn.annotations, drawn.images)
    records = RecordSource(str(tmp_path / "records*"))
    for source in (kitti, coco, records, Concatenation([kitti, coco, records], [1, 2, 3])):
        other = pickle.loads(pickle.dumps(source))
        assert len(other) == len(source)
        assert other[0].name == source[0].name
        np.testing.assert_array_equal(other[0].image(), source[0].image())


def test_processes_end_with_a_parent_that_is_killed(drawn):
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from tests.core.data.data_builders import make_recipe\n"
        "from detforge.data.batch_processes import BatchProcesses\n"
        "from detforge.data.kitti import KittiFolder\n"
        "if __name__ == '__main__':\n"
        "    source = KittiFolder(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "    more = {'seed': 1, 'count': 2, 'batch_bytes': 1 << 20}\n"
        "    processes = BatchProcesses(source, make_recipe(batch_size=2), **more)\n"
        "    for step in range(4):\n"
        "        processes.batch(step)\n"
        "    os.write(1, b'at work\\n')\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, drawn.images, drawn.labels]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "at work\n"
    parent.kill()
    # All of them hold the pipe: it ends when the last one has.
    assert parent.communicate(timeout=120) == ("", None)
