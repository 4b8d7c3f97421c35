"""Heights and widths in strings."""

import pytest

from detforge.spec import parse_size, parse_spec


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512,768", (512, 768)),
        ("512, 768", (512, 768)),
        ("(512, 768)", (512, 768)),
        (" [512,768] ", (512, 768)),
        ("(832, 1344,)", (832, 1344)),
        ("512.0, 768.", (512, 768)),
        ("512", (512, 512)),
        ("(512)", (512, 512)),
        ("640x320", (320, 640)),
        ("640 X 320", (320, 640)),
        ("640×320", (320, 640)),
    ],
)
def test_size_is_height_and_width(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' where a whole number should stand"),
        ("512;512", "'512;512' where a whole number should stand"),
        ("512.5, 512", "'512.5' where a whole number should stand"),
        ("-512, 512", "'-512' where"),
        ("512,,512", "'' where"),
        ("3, 512, 512", "3 numbers where one or two should stand"),
        ("(512, 512", r'"\(" is not closed'),
        ("(512, 512]", r'"\(" is not closed'),
        ("512 512", "'512 512' where"),
        ("1x2x3", "'1x2x3' where"),
        ("9" * 5000, "where a whole number"),
    ],
)
def test_what_is_no_size_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_size(text)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ('"512,768"', (512, 768)),
        ("“(512, 768)”", (512, 768)),
        ("512, 768", (512, 768)),
        ("512,768", (512, 768)),
        ("(512,\n 768)", (512, 768)),
        ("512 # comment\n, 768", (512, 768)),
        ("768x512", (512, 768)),
        ("768 x 512", (512, 768)),
        ("768 x512", (512, 768)),
        ("768 × 512", (512, 768)),
        ("512", (512, 512)),
    ],
)
@pytest.mark.parametrize(
    "end", [" ", "\n", ", ", "; "], ids=["blank", "line", "comma", "semicolon"]
)
def test_size_needs_no_quotes_and_leaves_the_next_field(toy, written, size, end):
    spec = parse_spec(f"size: {written}{end}number: 7", toy.Friendly)
    assert parse_size(spec.message.size) == size
    assert spec.message.number == 7
    assert spec.positions["size"] == (1, 7)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("16, 512", "1:7: size: 16 is out of range; allowed: from 32 to 4096 px"),
        ("9999x512", "1:7: size: 9999 is out of range; allowed: from 32 to 4096 px"),
        (
            '"a"',
            '1:7: size: is no height and width such as "512, 512" or "640x480" (width x height): '
            "'a' where a whole number should stand",
        ),
        ("big", "1:7: size: takes a height and a width, such as 512, 512; found big"),
        ("(512, 512", '1:7: size: this "(" is never closed'),
    ],
)
def test_wrong_size_is_one_error(toy, problems_of, written, problem):
    assert problems_of(f"size: {written}\nnumber: 7", toy.Friendly) == [problem]
