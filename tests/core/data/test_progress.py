from __future__ import annotations

import contextlib
import logging

import pytest

from detforge.data import progress as progress_module
from detforge.data.progress import Progress

log = logging.getLogger("detforge.test")


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    time = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: time[0])
    return time


def test_lines_come_now_and_then_and_at_the_end(clock, caplog):
    caplog.set_level(logging.INFO)
    with Progress("converting", 100, log) as progress:
        for images, seconds in ((10, 4), (10, 4), (20, 4), (60, 8)):
            clock[0] += seconds
            progress.advance(images)
    assert caplog.messages == [
        "converting: 40 of 100 images, 3/s, 18 s left",
        "converting: 100 images in 20.0 s, 5/s",
    ]


def test_nothing_is_said_of_what_failed_or_had_nothing_to_do(clock, caplog):
    caplog.set_level(logging.INFO)
    with Progress("converting", 0, log):
        pass
    with contextlib.suppress(ZeroDivisionError), Progress("converting", 5, log) as progress:
        progress.advance(2)
        progress.advance(1 // 0)
    assert caplog.messages == []


def test_terminal_gets_a_bar_that_goes_at_the_end(monkeypatch, capsys, caplog):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Progress("converting", 4, log) as progress:
        progress.advance(3)
        assert "75%" in capsys.readouterr().err
    assert "converting: 3 images" not in capsys.readouterr().err
