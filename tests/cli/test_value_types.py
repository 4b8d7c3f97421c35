"""Values of options beyond click's own kinds."""

import click
import pytest

from detforge.cli import value_types
from detforge.cli.options import Option
from detforge.cli.parameters import click_parameter
from detforge.cli.value_types import FILE, FILE_OR_FOLDER, FOLDER, ByteSize, Dimensions, Profile


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1073741824", 1073741824),
        ("1G", 1073741824),
        ("1g", 1073741824),
        ("1GB", 1073741824),
        ("1 GiB", 1073741824),
        ("512MiB", 536870912),
        ("0.5G", 536870912),
        ("2048k", 2097152),
        ("1048576", 1048576),
        ("64K", 65536),
    ],
)
def test_size_is_in_bytes_or_has_a_unit(text, size):
    assert ByteSize().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["2", "1048575", "0"])
def test_small_number_without_a_unit_is_refused_with_the_reason(text):
    with pytest.raises(click.BadParameter, match=f"tools differ.*write the unit: {text}G or"):
        ByteSize().convert(text, None, None)


@pytest.mark.parametrize("text", ["", "G", "1T", "-1G", "1,5G", "1e9", "1 G B"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(click.BadParameter, match="is no size; write bytes, or 512M, or 1G"):
        ByteSize().convert(text, None, None)


def test_dimensions_are_channels_height_width():
    assert Dimensions().convert("3,576,960", None, None) == (3, 576, 960)


@pytest.mark.parametrize("text", ["3", "3,576", "3,0,960", "3x576x960", "1,3,576,960", "3, 5, 9"])
def test_what_are_no_dimensions_is_refused(text):
    with pytest.raises(click.BadParameter, match="write C,H,W"):
        Dimensions().convert(text, None, None)


def test_profile_is_a_name_and_three_shapes():
    text = "images,1x3x300x300,8x3x300x300,16x3x300x300"
    assert Profile().convert(text, None, None) == text


@pytest.mark.parametrize(
    "text", ["images", "images,1x3,2x3", "images,1x3,2x3,3", "images,1x3,2x3,ax3", "1x3,1x3,1x3"]
)
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(click.BadParameter, match="write NAME,MIN,OPT,MAX"):
        Profile().convert(text, None, None)


# --- paths --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder; a file and a folder are in it."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "spec.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_path_that_exists_is_taken(folder):
    assert FILE.convert("spec.txt", None, None).is_file()
    assert FOLDER.convert("labels", None, None).is_dir()
    assert FILE_OR_FOLDER.convert("labels", None, None).is_dir()
    assert FILE_OR_FOLDER.convert("spec.txt", None, None).is_file()


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (FILE, "spce.txt", "spce.txt does not exist. Did you mean 'spec.txt'?"),
        (FOLDER, "label", "label does not exist. Did you mean 'labels'?"),
        (FILE_OR_FOLDER, "nothing", "nothing does not exist"),
        (FILE, "a/b/spec.txt", "a/b/spec.txt does not exist: there is no folder a/b"),
        (FILE, "spec.txt/a", "spec.txt/a does not exist: there is no folder spec.txt"),
        (FILE, "labels", "labels is a folder; name a file"),
        (FOLDER, "spec.txt", "spec.txt is a file; name a folder"),
    ],
)
def test_path_that_cannot_be_meant_is_explained(folder, kind, text, problem):
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    assert caught.value.message == problem


def test_file_without_permission_is_refused(folder, monkeypatch):
    # Root may read everything: the answer of the system is replaced.
    monkeypatch.setattr("os.access", lambda path, mode: mode != value_types.os.R_OK)
    with pytest.raises(click.BadParameter, match=r"^spec.txt cannot be read: no permission$"):
        FILE.convert("spec.txt", None, None)


def test_folder_of_many_files_is_not_searched_for_a_near_name(folder, monkeypatch):
    monkeypatch.setattr(value_types, "_MANY_FILES", 2)
    with pytest.raises(click.BadParameter, match=r"^spce.txt does not exist$"):
        FILE.convert("spce.txt", None, None)


# --- messages about values ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (int, "1.5", "takes a whole number; found 1.5"),
        (float, "half", "takes a number; found half"),
        (click.IntRange(max=9), "10", "takes a whole number, at most 9; found 10"),
        (click.FloatRange(0, 1), "2", "takes a number, at least 0 and at most 1; found 2"),
        (
            click.FloatRange(0, 1, min_open=True, max_open=True),
            "0",
            "takes a number, above 0 and below 1; found 0",
        ),
        (click.Choice(["a"]), "b", "takes a; found b"),
        (click.Choice(["a", "b", "c"]), "d", "takes a, b or c; found d"),
        (click.UUID, "x", "'x' is not a valid UUID."),
        (FILE, "absent", "absent does not exist"),
    ],
)
def test_message_names_the_option_and_what_it_takes(folder, kind, text, problem):
    parameter = click_parameter(Option(name="side", spellings=("-s", "--side"), type=kind))
    with pytest.raises(click.UsageError) as caught:
        parameter.type.convert(text, parameter, None)
    assert caught.value.format_message() == f"--side {problem}"
