"""One literal of a spec to a Python value, as protobuf's text format defines it.

Every function raises ValueError for what it cannot read; the parser knows the field and writes
the message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.protobuf.descriptor import FieldDescriptor

from detforge.spec.choices import find_enum_name
from detforge.spec.fields import FLOATS, INTEGER_RANGES

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor

_OCTAL = re.compile(r"([+-]?)0(\d+)", re.ASCII)
_OCTAL_PREFIX = re.compile(r"-?0\d", re.ASCII)
_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9a-fA-F]{1,2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<other>.))",
    re.DOTALL,
)
_NAMED_ESCAPES = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))


def read_number(field: FieldDescriptor, text: str) -> int | float | bool:
    """Return the value of a numeric, Boolean or enum field.

    Raises:
        ValueError: `text` is no value of that type.
    """
    if field.enum_type is not None:
        return read_enum(field.enum_type, text)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return read_bool(text)
    if field.cpp_type in FLOATS:
        return read_float(text)
    return read_integer(text, *INTEGER_RANGES[field.cpp_type])


def read_integer(text: str, low: int, high: int) -> int:
    """Return a whole number: decimal, hexadecimal, octal, or written as ``8.0``."""
    octal = _OCTAL.fullmatch(text)
    try:
        value = int(f"{octal[1]}0o{octal[2]}" if octal else text, 0)
    except ValueError:
        number = read_float(text)
        if not number.is_integer():
            raise ValueError("not a whole number") from None
        value = int(number)
    if not low <= value <= high:
        raise ValueError("out of range")
    return value


def read_float(text: str) -> float:
    """Return a number; ``1.5f``, ``inf`` and ``nan`` are welcome."""
    if _OCTAL_PREFIX.match(text):
        raise ValueError("a number does not begin with 0 and a digit")
    try:
        return float(text)
    except ValueError:
        return float(text[:-1] if text.endswith(("f", "F")) else text)


def read_bool(text: str) -> bool:
    """Return a truth value; ``TRUE`` is one too."""
    if text.lower() in ("true", "t", "1"):
        return True
    if text.lower() in ("false", "f", "0"):
        return False
    raise ValueError("not a truth value")


def read_enum(enum: EnumDescriptor, text: str) -> int:
    """Return the number of an enum value, given by number or by name, as `loose` compares it."""
    name = find_enum_name(enum, text)
    value = enum.values_by_name[name] if name else enum.values_by_number.get(int(text, 0))
    if value is None:
        raise ValueError("no such value")
    return value.number


def unescape(body: str) -> tuple[bytes, list[str]]:
    r"""Return the bytes of a string literal, and escapes that mean nothing.

    An unknown escape (``\d``) stays as it is written.

    Args:
        body: the literal without its quotes.

    Raises:
        ValueError: an escape is cut short or out of range.
    """
    pieces: list[bytes] = []
    unknown: list[str] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        pieces.append(body[end : match.start()].encode())
        pieces.append(_escape(match, unknown))
        end = match.end()
    pieces.append(body[end:].encode())
    return b"".join(pieces), unknown


def _escape(match: re.Match[str], unknown: list[str]) -> bytes:
    if match["octal"] or match["hex"]:
        value = int(match["octal"], 8) if match["octal"] else int(match["hex"], 16)
        if value > 0xFF:
            raise ValueError(f"{match[0]} is more than one byte")
        return bytes([value])
    if code := match["short"] or match["long"]:
        try:
            return chr(int(code, 16)).encode()
        except (ValueError, OverflowError):
            raise ValueError(f"{match[0]} is not a character") from None
    if match["other"] in "xuU":
        raise ValueError(f"{match[0]} needs hexadecimal digits behind it")
    if match["other"] not in _NAMED_ESCAPES:
        unknown.append(match[0])
        return match[0].encode()
    return _NAMED_ESCAPES[match["other"]].encode()
