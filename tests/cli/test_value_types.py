"""Values of options beyond click's own kinds."""

import click
import pytest

from detforge.cli.value_types import ByteSize, Dimensions, Profile


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
