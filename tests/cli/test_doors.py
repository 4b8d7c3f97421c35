"""What is checked before a task starts."""

import pytest

from detforge.cli import doors
from detforge.errors import UsageError


@pytest.mark.parametrize(
    ("key", "in_file", "environment", "expected"),
    [
        (None, None, {}, None),
        ("a", None, {}, "a"),
        ("a", None, {"DETFORGE_KEY": "b"}, "a"),
        (None, None, {"DETFORGE_KEY": "b"}, "b"),
        (None, None, {"DETFORGE_KEY": ""}, None),
        (None, "c\n", {"DETFORGE_KEY": "b"}, "c"),
        (None, " c d \r\nsecond line\n", {}, "c d"),
        (None, "\ufeffc\r\n", {}, "c"),
    ],
)
def test_key_comes_from_the_option_the_file_or_the_environment(
    tmp_path, key, in_file, environment, expected
):
    path = None
    if in_file is not None:
        path = tmp_path / "key"
        path.write_bytes(in_file.encode())
    assert doors.read_key({"key": key, "key_file": path}, environment) == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"\nkey", b"\xff\xfe\x00"])
def test_key_file_without_a_key_is_refused(tmp_path, content):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match="--key_file"):
        doors.read_key({"key_file": tmp_path / "key"}, {})


def test_key_and_key_file_together_are_refused(tmp_path):
    with pytest.raises(UsageError, match="both given"):
        doors.read_key({"key": "a", "key_file": tmp_path}, {})


@pytest.mark.parametrize(
    ("values", "gpus"),
    [((), ()), ((0,), (0,)), ((2, 0), (2, 0))],
)
def test_gpu_numbers_are_read_in_their_order(values, gpus):
    assert doors.chosen_gpus(values) == gpus


@pytest.mark.parametrize("values", [(-1,), (0, -1), (0, 0)])
def test_wrong_gpu_numbers_are_refused(values):
    with pytest.raises(UsageError, match="--gpu_index"):
        doors.chosen_gpus(values)


@pytest.mark.parametrize(
    ("gpus", "visible", "expected"),
    [
        ([0], None, "0"),
        ([0], "4,6", "4"),
        ([1, 0], "4,6", "6,4"),
        ([1], "GPU-aa,GPU-bb", "GPU-bb"),
    ],
)
def test_gpu_numbers_count_among_the_visible_ones(gpus, visible, expected):
    assert doors.visible_devices(gpus, visible) == expected


def test_gpu_beyond_the_visible_ones_is_refused():
    with pytest.raises(UsageError, match="is 2, but CUDA_VISIBLE_DEVICES=4,6 leaves 2"):
        doors.visible_devices([2], "4,6")


def test_only_gpu_that_is_left_is_named():
    with pytest.raises(UsageError, match=r"is 2, but CUDA_VISIBLE_DEVICES=4 leaves 1; use 0$"):
        doors.visible_devices([2], "4")


@pytest.mark.parametrize("visible", ["", " ", "-1", "NoDevFiles"])
def test_hidden_gpus_stay_hidden(visible):
    with pytest.raises(UsageError, match=r"--gpu_index is 3, but CUDA_VISIBLE_DEVICES=.*hides all"):
        doors.visible_devices([3], visible)


@pytest.mark.parametrize(
    ("names", "platform", "lacks"),
    [
        ([], "linux", True),
        (["nvidiactl", "nvme0", "null"], "linux", True),
        (["nvidia0"], "linux", False),
        (["nvidia12"], "linux", False),
        (["nvhost-gpu"], "linux", False),
        (["dxg"], "linux", False),
        ([], "win32", False),
    ],
    ids=["none", "others", "first", "twelfth", "jetson", "wsl", "windows"],
)
def test_absence_of_a_gpu_is_claimed_only_where_it_shows(
    tmp_path, monkeypatch, names, platform, lacks
):
    for name in names:
        (tmp_path / name).write_text("")
    monkeypatch.setattr("sys.platform", platform)
    assert doors.lacks_nvidia_gpu(tmp_path) is lacks


def test_folder_that_can_be_made_is_not_made(tmp_path):
    doors.check_folder(tmp_path / "a" / "b", "-r")
    doors.check_file(tmp_path / "a" / "b.onnx", "-o")
    assert list(tmp_path.iterdir()) == []


def test_relative_folder_is_checked_from_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    doors.check_folder(tmp_path.relative_to(tmp_path) / "new", "-r")
    with pytest.raises(UsageError, match="-r taken cannot be a folder: it is a file"):
        doors.check_folder((tmp_path / "taken").relative_to(tmp_path), "-r")


def test_folder_without_permission_is_refused(tmp_path, monkeypatch):
    # Root may write everywhere: the answer of the system is replaced.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"new cannot be written: no permission in"):
        doors.check_folder(tmp_path / "new", "-r")


def test_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is a folder; name a file"):
        doors.check_file(tmp_path, "-o")
