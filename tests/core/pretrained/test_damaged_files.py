"""A damaged file of weights is read, or refused in one way; it never ends the program."""

import contextlib
import subprocess
import sys

import h5py
import numpy as np
import pytest
from tests.core.pretrained.damaged_files import copies
from tests.core.pretrained.keras2_files import small_layers, write_keras2

from detforge.errors import CheckpointError
from detforge.pretrained import apart
from detforge.pretrained.reading import read_weights


@pytest.fixture(params=["keras2", "keras3"])
def path(request, tmp_path):
    if request.param == "keras2":
        layers = {name: small_layers()[name] for name in ("conv1", "bn_conv1")}
        return write_keras2(tmp_path / "small.h5", layers, whole_model=False)
    path = tmp_path / "small.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/conv2d/vars")
        group.attrs["name"] = "conv1"
        group["0"], group["1"] = np.ones((3, 3, 3, 4), np.float32), np.ones(4, np.float32)
    return path


def fatal(path, first, step):
    """Return the numbers of copies that ended the process that read them, or kept it busy."""
    ended = []
    while True:
        arguments = [sys.executable, "-m", "tests.core.pretrained.damaged_files", str(path)]
        done = subprocess.run(
            [*arguments, str(first), str(step)],
            capture_output=True,
            text=True,
            preexec_fn=limit_cpu,
            check=False,
        )
        lines = done.stdout.split()
        if done.returncode == 0 and lines[-1:] == ["all"]:
            return ended
        assert done.returncode < 0, done.stdout[-500:] + done.stderr[-500:]
        ended.append(int(lines[-1]))
        first = ended[-1] + step


def limit_cpu():
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def test_file_with_a_changed_byte_or_a_missing_end_is_read_or_refused(path):
    # What ends the process or keeps it busy is for the tests below.
    assert len(fatal(path, first=0, step=11)) < 10


@pytest.mark.slow
def test_any_changed_byte_and_any_length_is_read_or_refused(path):
    copy, _ = copies(path.read_bytes())
    numbers = fatal(path, first=0, step=1)
    assert len(numbers) < 50
    for number in numbers[:4]:
        with contextlib.suppress(CheckpointError):
            apart.read_apart(copy(number), path.name, seconds=10)


@pytest.fixture
def executable(tmp_path, monkeypatch):
    """Return a function that puts a program in the place of Python's."""

    def install(*lines):
        path = tmp_path / "python"
        path.write_text("\n".join([f"#!{sys.executable}", "import os, time", *lines]))
        path.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(path))

    return install


def test_reader_that_crashes_is_a_message(path, executable):
    executable("os.kill(os.getpid(), 11)")
    with pytest.raises(CheckpointError, match="is damaged: the process that read it ended with"):
        read_weights(path)


def test_reader_that_does_not_end_is_a_message(path, executable):
    executable("time.sleep(600)")
    with pytest.raises(CheckpointError, match="is damaged: reading it does not end"):
        apart.read_apart(path.read_bytes(), path.name, seconds=0.1)


def test_reader_knows_no_modules_of_the_folder_it_is_started_in(path, tmp_path, monkeypatch):
    (tmp_path / "h5py.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert read_weights(path).layers["conv1"].keys() == {"kernel", "bias"}


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.98], ids=["start", "middle", "almost-all"])
def test_file_that_is_cut_short_is_told_so(path, kept):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(CheckpointError, match="is cut short"):
        read_weights(path)
