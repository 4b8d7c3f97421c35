from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from functools import partial

import cv2
import numpy as np
import pytest

from detforge.data.processes import process_count, share_out
from detforge.errors import DatasetError


def _square(number):
    return number * number, os.getpid()


def _fail(error, number):
    if number == 4:
        raise error
    return number


def _die(number):
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _shrink(number):
    image = np.full((800, 800, 3), number, np.uint8)
    return cv2.resize(cv2.GaussianBlur(image, (9, 9), 0), (400, 400)).sum()


@pytest.mark.parametrize("processes", [1, 2, 3, 30])
def test_each_job_comes_back_with_its_result(processes):
    results = dict(share_out(_square, range(20), processes=processes))
    assert {job: square for job, (square, _) in results.items()} == {i: i * i for i in range(20)}


def test_one_process_is_this_one():
    assert {pid for _, (_, pid) in share_out(_square, range(3), processes=1)} == {os.getpid()}


def test_several_processes_are_others():
    pids = {pid for _, (_, pid) in share_out(_square, range(50), processes=2)}
    assert os.getpid() not in pids


def test_no_jobs_give_nothing():
    assert list(share_out(_square, [], processes=2)) == []


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "error", [DatasetError("the image is bad"), OSError(28, "No space left on device")]
)
def test_error_of_the_user_arrives_as_it_is(processes, error):
    with pytest.raises(type(error)) as caught:
        list(share_out(partial(_fail, error), range(9), processes=processes))
    assert str(caught.value) == str(error)
    assert not multiprocessing.active_children()


def test_error_of_ours_brings_its_traceback():
    with pytest.raises(RuntimeError, match=r"in _fail\n.*\nZeroDivisionError: oh"):
        list(share_out(partial(_fail, ZeroDivisionError("oh")), range(9), processes=2))
    assert not multiprocessing.active_children()


def test_process_ended_from_outside_is_an_error():
    with pytest.raises(DatasetError, match=r"ended with code -9.*fewer --processes"):
        list(share_out(_die, range(9), processes=2))
    assert not multiprocessing.active_children()


def test_leaving_early_leaves_no_process():
    results = share_out(_square, range(100), processes=2)
    next(results)
    results.close()
    assert not multiprocessing.active_children()


def test_threads_of_opencv_in_the_parent_do_not_hold_up_the_processes():
    threads = cv2.getNumThreads()
    expected = {number: _shrink(number) for number in range(6)}
    for _ in range(3):
        assert dict(share_out(_shrink, range(6), processes=3)) == expected
    assert cv2.getNumThreads() == threads


def test_processes_end_with_a_parent_that_is_killed():
    code = (
        "import os, time\n"
        "from detforge.data.processes import share_out\n"
        "def work(number):\n"
        # One write call: print writes the text and the line end apart, between those of others.
        "    os.write(1, b'at work\\n')\n"
        "    time.sleep(600)\n"
        "list(share_out(work, range(3), processes=3))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert [parent.stdout.readline() for _ in range(3)] == ["at work\n"] * 3
    parent.kill()
    # All of them hold the pipe: it ends when the last one has.
    assert parent.communicate(timeout=60) == ("", None)


def test_count_of_processes_is_what_is_asked_for_or_the_cores():
    assert process_count(3) == 3
    assert 1 <= process_count(0) <= os.cpu_count()
