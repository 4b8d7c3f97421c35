"""Writing files: whatever happens, the old file or the new one is there, complete."""

import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.core.checkpoint_builders import KEY, make_checkpoint
from tests.core.failing_files import OPERATIONS, Faults

from detforge.errors import CheckpointError
from detforge.export.run import write_model
from detforge.files import (
    encryption,
    load_checkpoint,
    read_unlocked,
    remove_leftovers,
    save_checkpoint,
    write_atomically,
)

ROOT = Path(__file__).parents[2]
NAMES = {
    "checkpoint": "a.detforge",
    "encrypted checkpoint": "a.tlt",
    "exported model": "a.onnx",
    "encrypted exported model": "a.etlt",
    "metrics": "metrics.csv",
}


def write(path, version):
    """Write version 1 or 2 of whatever the name says."""
    key = KEY if path.suffix in (".tlt", ".etlt") else None
    content = b"version %d " % version * 1000
    if path.suffix in (".detforge", ".tlt"):
        save_checkpoint(path, make_checkpoint(epoch=version), key)
    elif path.suffix in (".onnx", ".etlt"):
        write_model(path, content, key)
    else:
        write_atomically(path, content)


def read(path):
    """Return the version of a file that is complete."""
    if path.suffix in (".detforge", ".tlt"):
        return load_checkpoint(path, KEY).epoch
    content = read_unlocked(path, KEY)
    version = int(content[8:9])
    assert content == b"version %d " % version * 1000
    return version


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch):
    monkeypatch.setattr(encryption, "_LOG2_N", 4)  # the cost of a key is not the subject


FAULTS = {
    "disk full": OSError(errno.ENOSPC, "No space left on device"),
    "disk broken": OSError(errno.EIO, "Input/output error"),
    "interrupted": KeyboardInterrupt(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_whatever_operation_fails_the_old_file_or_the_new_one_is_there(tmp_path, name, fault):
    def fail():
        raise fault

    failing, finished = 0, False
    while not finished:
        failing += 1
        path = tmp_path / str(failing) / name
        write(path, 1)
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(failing, fail, patch.setattr)
            with contextlib.suppress(CheckpointError, KeyboardInterrupt):
                write(path, 2)
            finished = faults.calls < failing
        assert read(path) == 2 if finished else read(path) in (1, 2)
        assert [entry.name for entry in path.parent.iterdir()] == [name]
    assert failing > len(OPERATIONS)  # every operation has failed once, and then none


# Forks, which a process of many threads had better not.
KILLED = """
import sys
from pathlib import Path
from detforge.files import encryption
from tests.core.failing_files import killed_at_each_operation
from tests.core.test_writing_files import write

encryption._LOG2_N = 4
folder, names = Path(sys.argv[1]), sys.argv[2:]
for name in names:
    def path(number):
        return folder / name / str(number) / name
    print(killed_at_each_operation(lambda k: write(path(k), 2), lambda k: write(path(k), 1)))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders in which every kind of file was being replaced; the number that none died in."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED, str(folder), *NAMES.values()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, dict(zip(NAMES.values(), map(int, done.stdout.split()), strict=True))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_wherever_a_process_is_killed_the_old_file_or_the_new_one_is_there(killed, name):
    folder, finished = killed
    assert finished[name] > len(OPERATIONS)
    found = []
    for number in range(1, finished[name] + 1):
        path = folder / name / str(number) / name
        found.append(read(path))
        assert list(path.parent.glob(f"*{path.suffix}")) == [path]  # no reader takes leftovers
        write(path, 1)
        assert read(path) == 1
    assert found == sorted(found)
    assert set(found) == {1, 2}


@pytest.mark.parametrize("name", ["a.detforge", "a.etlt"])
def test_leftovers_of_killed_processes_go_when_they_are_old(tmp_path, name):
    old, young = (tmp_path / f".{name}.{digits}.tmp" for digits in ("0123abcd", "4567cdef"))
    others = [tmp_path / other for other in (".a.tmp", "a.0123abcd.tmp", ".a.0123abcd.part")]
    for path in (old, young, *others):
        path.write_bytes(b"half")
        long_ago = time.time() - 2 * 3600
        os.utime(path, (long_ago, long_ago))
    os.utime(young)
    write(tmp_path / name, 1)
    assert set(tmp_path.iterdir()) == {tmp_path / name, young, *others}


def test_folder_that_is_not_there_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "absent")
    assert not list(tmp_path.iterdir())


def test_failed_write_says_what_and_where_and_leaves_no_file(tmp_path, monkeypatch):
    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    Faults(OPERATIONS.index("write") + 1, fail, monkeypatch.setattr)
    with pytest.raises(CheckpointError, match=r"a\.bin cannot be written: No space left"):
        write_atomically(tmp_path / "a.bin", b"data")
    assert not list(tmp_path.iterdir())


def test_short_writes_are_continued(tmp_path, monkeypatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole(descriptor, data[:7]))
    write_atomically(tmp_path / "a.bin", bytes(range(100)))
    assert (tmp_path / "a.bin").read_bytes() == bytes(range(100))


def test_missing_folders_are_made(tmp_path):
    write_atomically(tmp_path / "deep" / "er" / "a.bin", b"data")
    assert (tmp_path / "deep" / "er" / "a.bin").read_bytes() == b"data"


def test_folder_that_is_a_file_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "a.bin", b"data")


def test_new_file_has_the_permissions_of_any_new_file(tmp_path):
    write_atomically(tmp_path / "a.bin", b"data")
    (tmp_path / "b.bin").write_bytes(b"data")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "b.bin").stat().st_mode
