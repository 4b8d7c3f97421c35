"""Lists of numbers written in a string: ``"[[1.0, 2.0], [1.0/3.0]]"``.

Only numbers, brackets and ``+ - * /`` exist; nothing is ever evaluated as code.

    list     = [ element { "," element } [ "," ] ]
    element  = sum
    sum      = product { ("+" | "-") product }
    product  = factor { ("*" | "/") factor }
    factor   = { "+" | "-" } ( number | "[" list "]" | "(" list ")" )

As in Python, parentheses around one element without a comma only group.
"""

from __future__ import annotations

import math
import operator
import re

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<symbol>\S))", re.ASCII
)
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_MAX_DEPTH = 20

Nested = float | tuple["Nested", ...]


def parse_list(text: str) -> tuple[Nested, ...]:
    """Return the numbers in `text` as nested tuples of floats.

    The outermost brackets may be left out: ``"512, 512"`` equals ``"(512, 512)"``. An empty
    text is an empty list.

    Raises:
        ValueError: `text` is not such a list, divides by zero, leaves the range of a float or
            nests too deeply; says at which character.
    """
    reader = _Reader(text)
    elements, has_comma = reader.elements("")
    if len(elements) == 1 and not has_comma and isinstance(elements[0], tuple):
        return elements[0]
    return elements


def parse_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a list that holds no other lists.

    Raises:
        ValueError: `text` is not such a list.
    """
    elements = parse_list(text)
    numbers = tuple(element for element in elements if not isinstance(element, tuple))
    if len(numbers) < len(elements):
        raise ValueError("a list where a number should stand")
    return numbers


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._end = 0
        self._advance()

    def elements(self, closing: str) -> tuple[tuple[Nested, ...], bool]:
        """Read up to `closing`; return the elements and whether a comma was among them."""
        found: list[Nested] = []
        has_comma = False
        while self._symbol != closing:
            found.append(self._sum())
            if self._symbol == ",":
                has_comma = True
                self._advance()
            elif self._symbol != closing:
                raise self._unexpected(f"',' or {closing!r}" if closing else "','")
        if closing:
            self._advance()
        return tuple(found), has_comma

    def _sum(self) -> Nested:
        total = self._product()
        while self._symbol in ("+", "-"):
            sign, place = self._symbol, self._start
            self._advance()
            right = self._product()
            total = self._combine(sign, total, right, place)
        return total

    def _product(self) -> Nested:
        total = self._factor()
        while self._symbol in ("*", "/"):
            sign, place = self._symbol, self._start
            self._advance()
            right = self._factor()
            total = self._combine(sign, total, right, place)
        return total

    def _factor(self) -> Nested:
        sign, place = 1.0, self._start
        signed = False
        while self._symbol in ("+", "-"):
            sign, signed = (-sign if self._symbol == "-" else sign), True
            self._advance()
        value = self._operand()
        return self._combine("*", sign, value, place) if signed else value

    def _operand(self) -> Nested:
        if self._number is not None:
            value, place = self._number, self._start
            self._advance()
            return self._finite(value, place)
        opening = self._symbol
        if opening not in ("[", "("):
            raise self._unexpected("a number or a list")
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(f"more than {_MAX_DEPTH} brackets inside each other", self._start)
        self._advance()
        elements, has_comma = self.elements("]" if opening == "[" else ")")
        self._depth -= 1
        if opening == "(" and len(elements) == 1 and not has_comma:
            return elements[0]
        return elements

    def _combine(self, sign: str, left: Nested, right: Nested, place: int) -> float:
        if isinstance(left, tuple) or isinstance(right, tuple):
            raise self._error(f"{sign!r} works on numbers, not on lists", place)
        if sign == "/" and right == 0:
            raise self._error("division by zero", place)
        return self._finite(_OPERATORS[sign](left, right), place)

    def _finite(self, value: float, place: int) -> float:
        if not math.isfinite(value):
            raise self._error("the number is too large", place)
        return value

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._end)
        self._number: float | None = None
        self._symbol = ""
        self._start = self._end = len(self._text)
        if match:
            self._start = match.start("number" if match["number"] else "symbol")
            self._end = match.end()
            self._number = float(match["number"]) if match["number"] else None
            self._symbol = match["symbol"] or ("number" if match["number"] else "")

    def _unexpected(self, wanted: str) -> ValueError:
        found = repr(self._text[self._start : self._end]) if self._symbol else "the end"
        return self._error(f"{found} where {wanted} should stand", self._start)

    def _error(self, what: str, place: int) -> ValueError:
        shown = self._text if len(self._text) <= 60 else f"{self._text[:59]}…"
        return ValueError(f"{what}, at character {place + 1} of {shown!r}")
