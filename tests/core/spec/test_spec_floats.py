"""Numbers as people write them, out of fields that hold 32 bits."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.spec.floats import shortest


def stored(number):
    """Return a number as a float field holds it."""
    return struct.unpack("f", struct.pack("f", number))[0]


@pytest.mark.parametrize(
    "number", [0.6, 1e-5, 103.939, 0.1234567, 16777213.0, 1.0000001, 0.0, -2.5, 3.4e38]
)
def test_number_comes_back_as_it_was_written(number):
    assert repr(shortest(stored(number))) == repr(number)


@given(st.integers(-999_999, 999_999), st.integers(-30, 30))
def test_six_digits_always_come_back(digits, exponent):
    number = float(f"{digits}e{exponent}")
    assert shortest(stored(number)) == number


@given(st.floats(width=32, allow_nan=False))
def test_field_would_hold_the_same(number):
    assert stored(shortest(number)) == number
