"""Image sizes written in a string: ``"512, 512"``, ``"(832, 1344)"``, ``"640x320"``."""

from __future__ import annotations

import re

_BRACKETS = {"[": "]", "(": ")"}
_NUMBER = re.compile(r"(\d{1,9})(?:\.0*)?", re.ASCII)
_BY = re.compile(r"[xX×]")


def parse_size(text: str) -> tuple[int, int]:
    """Return height and width in pixels.

    With a comma the height comes first, with an ``x`` the width, as everywhere else; one number
    is a square. Brackets around are welcome.

    Raises:
        ValueError: `text` is no such size; says why.
    """
    body = text.strip()
    if body[:1] in _BRACKETS:
        if len(body) < 2 or body[-1] != _BRACKETS[body[0]]:
            raise ValueError(f'"{body[0]}" is not closed')
        body = body[1:-1]
    if len(by := _BY.split(body)) == 2:
        return _side(by[1]), _side(by[0])
    sides = [_side(part) for part in body.removesuffix(",").split(",")]
    if len(sides) > 2:
        raise ValueError(f"{len(sides)} numbers where one or two should stand")
    return sides[0], sides[-1]


def _side(text: str) -> int:
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        raise ValueError(f"{text.strip()[:60]!r} where a whole number should stand")
    return int(number[1])
