"""Conversions that do not finish: what they leave, and how they go on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.core.data.data_builders import coco_spec, convert_request, kitti_spec

from detforge.data import processes as processes_module
from detforge.data import shards as shards_module
from detforge.data.convert import convert_dataset
from detforge.data.records import RecordSource
from detforge.errors import DatasetError, UsageError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def images(drawn, tmp_path):
    """The drawn images and labels, in folders that may be changed."""
    shutil.copytree(drawn.images, tmp_path / "in" / "images")
    shutil.copytree(drawn.labels, tmp_path / "in" / "labels")
    return tmp_path / "in" / "images"


@pytest.fixture
def spec(images):
    return kitti_spec(images, images.parent / "labels", shards=3)


@pytest.fixture
def whole(spec, tmp_path):
    """What an undisturbed conversion writes: file name -> content."""
    convert_dataset(convert_request(spec, tmp_path / "whole" / "out"))
    return _files(tmp_path / "whole")


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _finished_shards(folder):
    return {path.name.removesuffix(".entry.json") for path in folder.rglob("*.entry.json")}


def _assert_nothing_to_train_on(output):
    for pattern in (output, f"{output}*", f"{output}-fold-001*", output.parent):
        with pytest.raises(DatasetError, match=r"did not finish|no records match"):
            RecordSource(str(pattern))


@pytest.fixture
def bad_image(images):
    """An image that is cut off; returns a call that mends it."""
    path = images / "000010.jpg"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return lambda: path.write_bytes(content)


@pytest.mark.parametrize("processes", [1, 2])
def test_conversion_goes_on_once_an_image_is_mended(whole, spec, bad_image, tmp_path, processes):
    output = tmp_path / "records" / "out"
    request = convert_request(spec, output, resume=True, processes=processes)
    with pytest.raises(DatasetError, match=r"000010\.jpg is truncated.*--resume goes on") as caught:
        convert_dataset(request)
    assert "\n" not in str(caught.value)
    _assert_nothing_to_train_on(output)
    begun = {
        path.name: path.stat().st_mtime_ns
        for path in (output.parent / ".out.converting").iterdir()
        if path.name in _finished_shards(output.parent)
    }
    assert begun
    bad_image()
    report = convert_dataset(request)
    assert report.images == {"validation": 3, "training": 9}
    assert _files(output.parent) == whole
    for name, time_written in begun.items():
        assert (output.parent / name).stat().st_mtime_ns == time_written


def test_without_a_finished_record_file_an_error_leaves_nothing(spec, images, tmp_path):
    for path in images.iterdir():
        path.write_bytes(b"this is a text")
    with pytest.raises(DatasetError, match="is not an image") as caught:
        convert_dataset(convert_request(spec, tmp_path / "records" / "out"))
    assert "--resume" not in str(caught.value)
    assert not list((tmp_path / "records").iterdir())


def test_without_resume_a_conversion_starts_again(whole, spec, bad_image, tmp_path, caplog):
    request = convert_request(spec, tmp_path / "records" / "out", processes=1)
    with pytest.raises(DatasetError):
        convert_dataset(request)
    bad_image()
    with caplog.at_level("INFO"):
        convert_dataset(request)
    assert "which an interrupted run left" in caplog.text
    assert "going on" not in caplog.text
    assert _files(tmp_path / "records") == whole


def test_resume_with_nothing_to_go_on_with_starts(whole, spec, tmp_path):
    convert_dataset(convert_request(spec, tmp_path / "records" / "out", resume=True))
    assert _files(tmp_path / "records") == whole


def test_resume_of_what_is_complete_needs_force_like_anything_else(spec, tmp_path):
    request = convert_request(spec, tmp_path / "out", resume=True)
    convert_dataset(request)
    with pytest.raises(DatasetError, match=r"out\.manifest\.json exists already"):
        convert_dataset(request)


def _one_label_less(images, _spec):
    labels = sorted((images.parent / "labels").iterdir())
    labels[0].write_text("".join(labels[0].read_text().splitlines(keepends=True)[1:]))


def _one_image_less(images, _spec):
    (images / "000003.jpg").unlink()
    (images.parent / "labels" / "000003.txt").unlink()


@pytest.mark.parametrize(
    ("change", "options", "what"),
    [
        (lambda _images, spec: spec.replace("val_split: 25", "val_split: 50"), {}, "the spec"),
        (
            lambda _images, spec: spec.replace("num_shards: 3", "num_shards: 2"),
            {},
            "the images",
        ),
        (
            lambda _images, spec: spec + 'target_class_mapping { key: "circle" value: "a" }',
            {"drop_unmapped": True},
            "the classes",
        ),
        (_one_label_less, {}, "the labels"),
        (_one_image_less, {}, "the images, the labels"),
        (lambda _images, _spec: None, {"no_decode": True}, "the spec or the options"),
    ],
    ids=["share", "shards", "mapping", "label", "image", "no decoding"],
)
def test_resume_of_another_conversion_is_an_error(
    spec, images, bad_image, tmp_path, change, options, what
):
    output = tmp_path / "records" / "out"
    with pytest.raises(DatasetError):
        convert_dataset(convert_request(spec, output, processes=1))
    before = _finished_shards(output.parent)
    bad_image()
    other = change(images, spec) or spec
    with pytest.raises(UsageError, match=f"there was a change of .*{what}.*start again"):
        convert_dataset(convert_request(other, output, resume=True, **options))
    assert _finished_shards(output.parent) == before
    convert_dataset(convert_request(other, output, **options))
    assert not list(output.parent.glob(".*"))


def test_record_file_that_was_damaged_in_between_is_written_again(whole, spec, bad_image, tmp_path):
    request = convert_request(spec, tmp_path / "records" / "out", resume=True, processes=1)
    with pytest.raises(DatasetError):
        convert_dataset(request)
    working = tmp_path / "records" / ".out.converting"
    damaged = working / sorted(_finished_shards(working))[0]
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    bad_image()
    convert_dataset(request)
    assert _files(tmp_path / "records") == whole


@pytest.mark.parametrize("processes", [1, 3])
def test_full_disk_is_an_error_and_the_conversion_goes_on(
    whole, spec, tmp_path, monkeypatch, processes
):
    output, frame = tmp_path / "records" / "out", shards_module.frame_parts

    def frame_until_full(*parts):
        if len(_finished_shards(output.parent)) >= 2:
            raise OSError(28, "No space left on device")
        return frame(*parts)

    monkeypatch.setattr(shards_module, "frame_parts", frame_until_full)
    request = convert_request(spec, output, resume=True, processes=processes)
    with pytest.raises(DatasetError, match=r"cannot be written to .*: No space left.*--resume"):
        convert_dataset(request)
    _assert_nothing_to_train_on(output)
    assert not list(output.parent.rglob("*.part"))
    monkeypatch.undo()
    convert_dataset(request)
    assert _files(output.parent) == whole


def test_file_that_the_system_refuses_to_write_is_an_error(whole, spec, tmp_path):
    output = tmp_path / "records" / "out"
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
    words = [limit + COMMAND, spec, str(output), "", "2"]
    run = subprocess.run(
        [sys.executable, "-c", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    error = run.stderr.splitlines()[-1]
    assert "DatasetError: records cannot be written to" in error
    assert "File too large" in error
    _assert_nothing_to_train_on(output)
    convert_dataset(convert_request(spec, output, resume=True))
    assert _files(output.parent) == whole


def test_interrupt_is_passed_on_and_the_conversion_goes_on(
    whole, spec, tmp_path, monkeypatch, caplog
):
    output, frame, seen = tmp_path / "records" / "out", shards_module.frame_parts, []

    def frame_until_interrupted(*parts):
        seen.append(parts)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return frame(*parts)

    monkeypatch.setattr(shards_module, "frame_parts", frame_until_interrupted)
    request = convert_request(spec, output, resume=True, processes=1)
    with pytest.raises(KeyboardInterrupt):
        convert_dataset(request)
    assert "--resume goes on from here" in caplog.text
    _assert_nothing_to_train_on(output)
    monkeypatch.undo()
    convert_dataset(request)
    assert _files(output.parent) == whole


class Killed(BaseException):
    """Stands for the end of the process: no handler of ours may run after it."""


def _stop_moving(monkeypatch, folder, moves, reason):
    """Let only so many files be moved into a folder."""
    move, done = Path.replace, []

    def replace_until_stopped(self, target):
        if Path(target).parent == folder:
            if len(done) == moves:
                raise reason
            done.append(self.name)
        return move(self, target)

    monkeypatch.setattr(Path, "replace", replace_until_stopped)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("moves", [0, 1, 3, 6], ids=["before", "first", "third", "manifest"])
@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        (OSError(5, "Input/output error"), DatasetError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (Killed(), Killed),
    ],
    ids=["error", "interrupt", "kill"],
)
def test_what_stops_while_files_are_moved_leaves_nothing_to_train_on(
    whole, spec, tmp_path, monkeypatch, reason, raised, moves, resume
):
    output = tmp_path / "records" / "out"
    _stop_moving(monkeypatch, output.parent, moves, reason)
    with pytest.raises(raised):
        convert_dataset(convert_request(spec, output))
    monkeypatch.undo()
    _assert_nothing_to_train_on(output)
    convert_dataset(convert_request(spec, output, resume=resume, force=not resume))
    assert _files(output.parent) == whole


@pytest.mark.parametrize("moves", [0, 2, 6])
def test_replacing_records_never_pairs_old_manifest_with_new_shards(
    whole, spec, tmp_path, monkeypatch, moves
):
    output = tmp_path / "records" / "out"
    convert_dataset(convert_request(spec.replace("num_shards: 3", "num_shards: 5"), output))
    _stop_moving(monkeypatch, output.parent, moves, Killed())
    with pytest.raises(Killed):
        convert_dataset(convert_request(spec, output, force=True))
    monkeypatch.undo()
    assert not (output.parent / "out.manifest.json").exists()
    _assert_nothing_to_train_on(output)
    convert_dataset(convert_request(spec, output, force=True, resume=True))
    assert _files(output.parent) == whole


def test_error_before_anything_is_moved_leaves_the_old_records(spec, tmp_path, bad_image):
    output = tmp_path / "records" / "out"
    with pytest.raises(DatasetError):
        convert_dataset(convert_request(spec, output))
    bad_image()
    convert_dataset(convert_request(spec, output))
    before = _files(output.parent)
    (tmp_path / "in" / "images" / "000004.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match="the file is empty"):
        convert_dataset(convert_request(spec, output, force=True))
    shutil.rmtree(output.parent / ".out.converting", ignore_errors=True)
    assert _files(output.parent) == before


# What a shell starts in the background ignores Ctrl-C; this stands for a run in the foreground.
COMMAND = (
    "import signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from tests.core.data.data_builders import convert_request\n"
    "from detforge.data.convert import convert_dataset\n"
    "from pathlib import Path\n"
    "spec, output, resume, processes = sys.argv[1:]\n"
    "convert_dataset(convert_request(spec, Path(output), force=True, resume=resume == 'resume',\n"
    "                                processes=int(processes)))\n"
)


def _run(spec, output, *, resume=False, processes=2, hash_seed="0"):
    words = [COMMAND, spec, str(output), "resume" if resume else "", str(processes)]
    return subprocess.Popen(
        [sys.executable, "-c", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_bytes_do_not_depend_on_processes_or_hash_seed(whole, spec, tmp_path, processes):
    output = tmp_path / "records" / "out"
    run = _run(spec, output, processes=processes, hash_seed=str(processes * 77))
    assert (run.communicate()[1], run.returncode) == (b"", 0)
    assert _files(output.parent) == whole


@pytest.mark.parametrize("kind", ["kitti", "coco"])
def test_processes_that_cannot_be_forked_write_the_same(spec, fruits, tmp_path, monkeypatch, kind):
    if kind == "coco":
        spec = coco_spec([fruits / "val.json"], [fruits / "val"], shards=(2,))
    convert_dataset(convert_request(spec, tmp_path / "whole" / "out", processes=1))
    monkeypatch.setattr(processes_module, "_START", "spawn")
    convert_dataset(convert_request(spec, tmp_path / "records" / "out", processes=2))
    assert _files(tmp_path / "records") == _files(tmp_path / "whole")


@pytest.fixture
def long_spec(fruits):
    """Masks take a moment each, so that there is time to kill a conversion."""
    return coco_spec([fruits / "train.json"], [fruits / "train"], shards=(7,))


@pytest.mark.parametrize("count", [0, 1, 3, 6], ids=lambda n: f"{n} finished")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_real_kill_leaves_nothing_to_train_on_and_resume_finishes(long_spec, tmp_path, count, how):
    convert_dataset(convert_request(long_spec, tmp_path / "whole" / "out"))
    output = tmp_path / "records" / "out"
    run = _run(long_spec, output)
    working = output.parent / ".out.converting"
    while run.poll() is None and len(list(working.glob("*.entry.json"))) < count:
        time.sleep(0.002)
    run.send_signal(how)
    run.communicate()
    if run.returncode:  # else it was faster
        _assert_nothing_to_train_on(output)
    again = _run(long_spec, output, resume=True)
    assert (again.communicate()[1], again.returncode) == (b"", 0)
    assert _files(output.parent) == _files(tmp_path / "whole")
