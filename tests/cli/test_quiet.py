"""Start-up notes of a library are held back, everything else is shown."""

import os
import sys

import pytest

from detforge.cli.quiet import quiet_import, without_notes

NOISY = """
import os
os.write(2, b"I0000 00:00:1 port.cc:153] custom operations are on\\n")
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\\n")
os.write(2, b"E0000 00:00:1 cuda.cc:1] broken driver\\n")
"""


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    """Put a module on the path that writes notes to stderr when it is imported."""
    (tmp_path / "noisy_module.py").write_text(NOISY)
    monkeypatch.syspath_prepend(tmp_path)
    finders = list(sys.meta_path)
    yield
    sys.meta_path[:] = finders
    sys.modules.pop("noisy_module", None)


def test_notes_of_the_import_are_dropped_and_errors_kept(noisy, capfd):
    quiet_import("noisy_module")
    import noisy_module

    assert noisy_module.__spec__.name == "noisy_module"
    assert capfd.readouterr().err == "E0000 00:00:1 cuda.cc:1] broken driver\n"


@without_notes()
def fail_to_load():
    os.write(2, b"libfoo.so is missing\nI0000 x] note\n")
    raise ImportError


def test_what_is_written_before_a_failure_is_shown(capfd):
    with pytest.raises(ImportError):
        fail_to_load()
    assert capfd.readouterr().err == "libfoo.so is missing\n"


def test_asking_twice_waits_once(noisy):
    quiet_import("noisy_module")
    before = list(sys.meta_path)
    quiet_import("noisy_module")
    assert sys.meta_path == before


def test_finder_is_gone_after_the_import_and_absent_for_a_loaded_module(noisy):
    before = list(sys.meta_path)
    quiet_import("noisy_module")
    import noisy_module  # noqa: F401

    quiet_import("noisy_module")
    assert sys.meta_path == before
