"""Lists of numbers in strings."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.spec import parse_list, parse_numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1.0, 2.0, 0.5]", (1.0, 2.0, 0.5)),
        ("[[1.0, 2.0], [3]]", ((1.0, 2.0), (3.0,))),
        ("[(8, 16), 32]", ((8.0, 16.0), 32.0)),
        ("(10., 10., 5., 5.)", (10.0, 10.0, 5.0, 5.0)),
        ("512, 512", (512.0, 512.0)),
        ("0.5", (0.5,)),
        ("(0.5)", (0.5,)),
        ("(0.5,)", (0.5,)),
        ("[1, 2,]", (1.0, 2.0)),
        ("[1, 2],", ((1.0, 2.0),)),
        ("[1], [2]", ((1.0,), (2.0,))),
        ("[]", ()),
        ("()", ()),
        ("  ", ()),
        ("[1/4, 3 - 1, 2*3 + 1, (1 + 3) / 8]", (0.25, 2.0, 7.0, 0.5)),
        ("[8 - 4 - 2, 16 / 4 / 2]", (2.0, 2.0)),
        ("[-1, +2, --3, 2 * -4]", (-1.0, 2.0, 3.0, -8.0)),
        ("[1e-3, .5, 2E+2]", (0.001, 0.5, 200.0)),
        ("[\n 1,\n 2]\n", (1.0, 2.0)),
    ],
)
def test_list_is_read(text, expected):
    assert parse_list(text) == expected


def test_every_number_is_a_float():
    assert all(type(number) is float for number in parse_list("[1, 2 * 3, 4]"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 0.5/0]", r"division by zero, at character 8"),
        ("[1/(2 - 2)]", r"division by zero, at character 3"),
        ("[1, 2", r"the end where ',' or '\]' should stand, at character 6"),
        ("[1, 2)", r"'\)' where ',' or '\]' should stand, at character 6"),
        ("1, 2]", r"'\]' where ',' should stand, at character 5"),
        ("[1 2]", r"'2' where ',' or '\]' should stand, at character 4"),
        ("[1,, 2]", r"',' where a number or a list should stand, at character 4"),
        ("[1.0.5]", r"'.5' where"),
        ("[2 ** 3]", r"'\*' where a number or a list should stand, at character 5"),
        ("[1, two]", r"'t' where a number"),
        ("[__import__('os')]", r"'_' where a number"),
        ("[1] * 3", r"'\*' works on numbers, not on lists, at character 5"),
        ("-[1]", r"works on numbers, not on lists"),
        ("[1e999]", r"the number is too large, at character 2"),
        ("[1e300 * 1e300]", r"the number is too large"),
        ("[inf]", r"'i' where"),
        ("[nan]", r"'n' where"),
        ("[" * 21 + "]" * 21, r"more than 20 brackets inside each other, at character 21"),
        ("[" * 100_000, r"more than 20 brackets"),
        ("(" * 100_000, r"more than 20 brackets"),
    ],
)
def test_what_is_no_list_names_the_character(text, message):
    with pytest.raises(ValueError, match=message):
        parse_list(text)


def test_long_chains_of_signs_and_sums_do_not_recurse():
    assert parse_list("-" * 20_000 + "1") == (1.0,)
    assert parse_list("+".join(["1"] * 20_000)) == (20_000.0,)


def test_a_long_list_is_shown_shortened():
    with pytest.raises(ValueError, match="…") as caught:
        parse_list("1, " * 5_000 + "x")
    assert len(str(caught.value)) < 200


def test_numbers_are_a_list_without_lists():
    assert parse_numbers("[1, 1/2]") == (1.0, 0.5)
    assert parse_numbers("") == ()
    with pytest.raises(ValueError, match="a list where a number should stand"):
        parse_numbers("[1, [2]]")


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NESTED = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=12)


@given(st.lists(NESTED, max_size=5).map(tuple))
def test_python_literals_mean_the_same(value):
    assert parse_list(repr(value)) == value
    assert parse_list(repr(list(value))) == value


@given(st.text(alphabet="0123456789.,[]()+-*/ e", max_size=30))
def test_any_text_gives_a_tuple_or_a_value_error(text):
    outcome = None
    with contextlib.suppress(ValueError):
        outcome = parse_list(text)
    assert outcome is None or isinstance(outcome, tuple)
