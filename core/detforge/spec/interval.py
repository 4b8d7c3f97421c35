"""Intervals of allowed numbers, as the field option ``range`` writes them: ``"(0, 1]"``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_INTERVAL = re.compile(r"\s*([\[(])\s*([^,\s]+)\s*,\s*([^,\s]+)\s*([\])])\s*")


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `low` to `high`.

    Attributes:
        low: lower bound, may be ``-inf``.
        high: upper bound, may be ``inf``.
        low_open: the lower bound itself is not allowed.
        high_open: the upper bound itself is not allowed.
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Return the interval that `text` describes.

        Raises:
            ValueError: `text` is not an interval.
        """
        match = _INTERVAL.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not an interval such as '(0, 1]' or '[0, inf)'")
        opening, low, high, closing = match.groups()
        return cls(float(low), float(high), opening == "(", closing == ")")

    def __contains__(self, number: float) -> bool:
        """Return whether a number is allowed; NaN never is."""
        above = self.low < number if self.low_open else self.low <= number
        below = number < self.high if self.high_open else number <= self.high
        return above and below

    def __str__(self) -> str:
        """Return the interval in words: ``"at least 0 and below 1"``."""
        if self.low == self.high:
            return _number(self.low)
        if not (self.low_open or self.high_open or math.isinf(self.low) or math.isinf(self.high)):
            return f"from {_number(self.low)} to {_number(self.high)}"
        bounds = []
        if not math.isinf(self.low):
            bounds.append(f"{'above' if self.low_open else 'at least'} {_number(self.low)}")
        if not math.isinf(self.high):
            bounds.append(f"{'below' if self.high_open else 'at most'} {_number(self.high)}")
        return " and ".join(bounds)


def _number(bound: float) -> str:
    return str(int(bound)) if bound.is_integer() else f"{bound:g}"
