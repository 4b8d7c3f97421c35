"""Class names from a file."""

import pytest

from detforge.errors import DatasetError
from detforge.inference.class_names import read_class_names


@pytest.mark.parametrize(
    "content",
    [
        b"car\ntraffic light\n",
        b"car\ntraffic light",
        b"\xef\xbb\xbfcar\r\n  traffic light \r\n\r\n",
        b"BG\ncar\ntraffic light\n",
        b"background\ncar\ntraffic light\n",
    ],
    ids=["plain", "last line open", "windows", "deepstream", "background"],
)
def test_line_is_the_name_of_its_class(tmp_path, content):
    (tmp_path / "names.txt").write_bytes(content)
    assert read_class_names(tmp_path / "names.txt", 2) == ("car", "traffic light")


def test_class_may_be_called_background(tmp_path):
    (tmp_path / "names.txt").write_text("background\nforeground\n")
    assert read_class_names(tmp_path / "names.txt", 2) == ("background", "foreground")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"car\n", "names 1 classes, and the model has 2"),
        (b"car\nbus\nvan\n", "names 3 classes, and the model has 2"),
        (b"", "names 0 classes"),
        (b"car\n\nbus\n", "line 2 is empty"),
        (b"car\n\xff\n", "is not UTF-8 text"),
    ],
    ids=["few", "many", "none", "gap", "binary"],
)
def test_file_of_other_names_is_refused(tmp_path, content, message):
    (tmp_path / "names.txt").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_class_names(tmp_path / "names.txt", 2)
