"""Numbers as people write them."""

from __future__ import annotations

import struct


def shortest(value: float) -> float:
    """Return the shortest decimal number that a float32 field stores as `value`.

    A ``float`` field holds 0.6 as 0.60000002384185791; messages, comparisons with a range and
    arithmetic in double precision should see 0.6 again.
    """
    for digits in range(6, 9):
        candidate = float(f"{value:.{digits}g}")
        try:
            if struct.pack("f", candidate) == struct.pack("f", value):
                return candidate
        except OverflowError:
            break
    return value
