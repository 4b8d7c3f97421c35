"""On all that protobuf's own parser reads, ours reads the same."""

import math
import re

import pytest
from google.protobuf import (
    api_pb2,
    descriptor_pb2,
    duration_pb2,
    struct_pb2,
    text_format,
    wrappers_pb2,
)
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detforge.protos import convert_pb2
from detforge.spec.parser import parse_text
from detforge_efficientdet.spec_pb2 import Experiment as EfficientDet
from detforge_faster_rcnn.spec_pb2 import Experiment as FasterRcnn
from detforge_mask_rcnn.spec_pb2 import Experiment as MaskRcnn
from detforge_ssd.spec_pb2 import Experiment as Ssd

SLOW = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SPECS = [Ssd, FasterRcnn, EfficientDet, MaskRcnn, convert_pb2.Convert]
TYPES = [
    *SPECS,
    descriptor_pb2.FileDescriptorProto,
    descriptor_pb2.DescriptorProto,
    struct_pb2.Struct,
    api_pb2.Api,
    duration_pb2.Duration,
    wrappers_pb2.DoubleValue,
    wrappers_pb2.BytesValue,
]

_C = FieldDescriptor
SCALARS = {
    _C.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    _C.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    _C.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    _C.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    # Text has one NaN, bytes have many.
    _C.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False) | st.just(math.nan),
    _C.CPPTYPE_DOUBLE: st.floats(allow_nan=False) | st.just(math.nan),
    _C.CPPTYPE_BOOL: st.booleans(),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def scalars(field):
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type == _C.TYPE_BYTES:
        return st.binary(max_size=8)
    if field.type == _C.TYPE_STRING:
        return TEXT
    return SCALARS[field.cpp_type]


def fill(draw, message, depth):
    """Set a random choice of fields."""
    usable = [field for field in message.DESCRIPTOR.fields if depth or field.message_type is None]
    if not usable:
        return
    for field in draw(
        st.lists(st.sampled_from(usable), unique_by=lambda field: field.name, max_size=5)
    ):
        count = draw(st.integers(1, 3)) if field.is_repeated else 1
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        for _ in range(count):
            if is_map:
                key_field, value_field = field.message_type.fields
                key = draw(scalars(key_field))
                target = getattr(message, field.name)
                if value_field.message_type is None:
                    target[key] = draw(scalars(value_field))
                else:
                    fill(draw, target[key], depth - 1)
            elif field.message_type is not None:
                content = getattr(message, field.name)
                part = content.add() if field.is_repeated else content
                part.SetInParent()
                fill(draw, part, depth - 1)
            elif field.is_repeated:
                getattr(message, field.name).append(draw(scalars(field)))
            else:
                setattr(message, field.name, draw(scalars(field)))


@st.composite
def messages(draw, kind):
    message = kind()
    fill(draw, message, depth=3)
    return message


class Printer:
    """Prints a message in all the ways that text format allows, as `draw` decides."""

    def __init__(self, draw):
        self.draw = draw

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def blank(self):
        return self.pick(" ", " ", "\n", "\r\n", "\t", " # {comment: \"'\n", "\n\n  ")

    def gap(self):
        return self.pick("", "", self.blank())

    def message(self, message):
        return "".join(self.field(field, value) for field, value in message.ListFields())

    def field(self, field, value):
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            entry = value.GetEntryClass()
            values = []
            for key in value:
                item = entry(key=key)
                if field.message_type.fields_by_name["value"].message_type is None:
                    item.value = value[key]
                else:
                    item.value.CopyFrom(value[key])
                values.append(item)
        else:
            values = list(value) if field.is_repeated else [value]
        if field.is_repeated and self.pick(True, False):
            items = f"{self.gap()},{self.gap()}".join(self.value(field, item) for item in values)
            colon = ":" if field.message_type is None else self.pick(":", " ")
            return self.end(f"{field.name}{self.gap()}{colon}{self.gap()}[{items}]")
        return "".join(self.single(field, item) for item in values)

    def single(self, field, value):
        colon = ":" if field.message_type is None else self.pick(":", "")
        return self.end(f"{field.name}{self.gap()}{colon}{self.gap()}{self.value(field, value)}")

    def end(self, text):
        return text + self.pick(" ", "\n", ",", ";", " ; ", self.blank())

    def value(self, field, value):
        if field.message_type is not None:
            opener, closer = self.pick("{}", "<>")
            return f"{opener}{self.gap()}{self.message(value)}{self.gap()}{closer}"
        if field.enum_type is not None:
            return self.pick(field.enum_type.values_by_number[value].name, str(value), hex(value))
        if field.cpp_type == _C.CPPTYPE_BOOL:
            return self.pick(
                *(("true", "t", "True", "1") if value else ("false", "f", "False", "0"))
            )
        if field.cpp_type == _C.CPPTYPE_STRING:
            return self.string(value)
        if field.cpp_type in (_C.CPPTYPE_FLOAT, _C.CPPTYPE_DOUBLE):
            return self.real(value)
        octal = f"{'-' if value < 0 else ''}0{abs(value):o}"
        return self.pick(str(value), hex(value), hex(value).upper().replace("X", "x"), octal)

    def real(self, value):
        if not math.isfinite(value):
            return self.pick(
                repr(value), repr(value).upper(), f"{value!r}".replace("inf", "infinity")
            )
        return self.pick(repr(value), f"{value:.17e}", f"{value!r}f", f"{value:.20g}")

    def string(self, value):
        data = value.encode() if isinstance(value, str) else value
        cut = self.draw(st.integers(0, len(data))) if self.pick(True, False) else len(data)
        pieces = [data[:cut], data[cut:]] if cut < len(data) else [data]
        return self.blank().join(self.literal(piece) for piece in pieces)

    def literal(self, data):
        quote = self.pick('"', "'")
        style = self.pick("octal", "hex", "named")
        named = {
            10: r"\n",
            9: r"\t",
            13: r"\r",
            34: r"\"",
            39: r"\'",
            92: r"\\",
            7: r"\a",
            0: r"\0",
        }
        octets = []
        for position, byte in enumerate(data):
            following = data[position + 1 : position + 2]
            if style == "octal":
                octets.append(f"\\{byte:03o}")
            elif style == "hex" and byte < 16 and following not in tuple(b"0123456789abcdefABCDEF"):
                octets.append(f"\\x{byte:02x}")
            elif style == "named" and byte in named and not following.isdigit():
                octets.append(named[byte])
            elif 32 <= byte < 127 and byte not in (34, 39, 92) and style == "named":
                octets.append(chr(byte))
            else:
                octets.append(f"\\{byte:03o}")
        return f"{quote}{''.join(octets)}{quote}"


def assert_reads_the_same(text, kind, original=None):
    parsed = parse_text(text, kind())
    assert parsed.problems == []
    wanted = text_format.Parse(text, kind()).SerializePartialToString(deterministic=True)
    assert parsed.message.SerializePartialToString(deterministic=True) == wanted
    if original is not None:
        assert original.SerializePartialToString(deterministic=True) == wanted


def printed(draw, message):
    return text_format.MessageToString(
        message,
        as_one_line=draw(st.booleans()),
        as_utf8=draw(st.booleans()),
        pointy_brackets=draw(st.booleans()),
        use_short_repeated_primitives=draw(st.booleans()),
        use_index_order=draw(st.booleans()),
    )


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.DESCRIPTOR.full_name)
@SLOW
@given(st.data())
def test_text_printed_by_protobuf_is_read_the_same(kind, data):
    message = data.draw(messages(kind))
    assert_reads_the_same(printed(data.draw, message), kind, message)


@SLOW
@given(st.data())
def test_every_kind_of_field_is_read_the_same(toy, data):
    message = data.draw(messages(toy.Kinds))
    assert_reads_the_same(printed(data.draw, message), toy.Kinds, message)


@SLOW
@given(st.data())
def test_every_way_of_writing_is_read_the_same(toy, data):
    message = data.draw(messages(toy.Kinds))
    assert_reads_the_same(Printer(data.draw).message(message), toy.Kinds, message)


@pytest.mark.parametrize("kind", SPECS, ids=lambda kind: kind.DESCRIPTOR.full_name)
@SLOW
@given(st.data())
def test_every_way_of_writing_a_spec_is_read_the_same(kind, data):
    message = data.draw(messages(kind))
    assert_reads_the_same(Printer(data.draw).message(message), kind, message)


SCRAPS = st.sampled_from(
    [
        *"{}<>[]:,;#\"'\\ \n\t\r01-+.efxt_",
        *["# x\n", "\\x41", "\\101", "\\u00e9", "1.", "1e3", "007", "0x", "0b1", "1_0", "inf"],
        *["nan", "é", "true", "RED", '""', "''", "[]", "{}", "\x0b", "\xa0", "inner {", "a: 1"],
    ]
)  # fmt: skip
EDITS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 4), SCRAPS), max_size=3)
# What the parser documents as exceptions.
EXCEPTION = re.compile(r"\\x?[^\x00-\x7f]")
REFUSALS = ("takes GREY, RED or BLUE", "with different values")


def edited(text, edits):
    for place, length, scrap in edits:
        start = place % (len(text) + 1)
        text = text[:start] + scrap + text[start + length :]
    return text


@settings(SLOW, max_examples=150)
@given(st.data())
def test_damaged_text_is_read_the_same_where_protobuf_reads_it(toy, data):
    text = Printer(data.draw).message(data.draw(messages(toy.Kinds)))
    text = edited(text, data.draw(EDITS))
    try:
        wanted = text_format.Parse(text, toy.Kinds())
    except (text_format.ParseError, UnicodeError):
        return
    parsed = parse_text(text, toy.Kinds())
    if EXCEPTION.search(text) or any(
        refusal in problem.message for problem in parsed.problems for refusal in REFUSALS
    ):
        return
    assert parsed.problems == []
    assert parsed.message.SerializePartialToString(
        deterministic=True
    ) == wanted.SerializePartialToString(deterministic=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "#{\nint32: 1 # }",
        "int32:1,uint32:2;float:3",
        "int32: -0x1F sint64: -017 uint32: 0",
        "int32: +5",
        "fixed64: 18446744073709551615",
        "float: 1. double: .5",
        "float: 1.5f double: 2F",
        "float: -1e-3 double: 1E+3",
        "float: inf double: -infinity",
        "float: nan",
        "float: 1e400",
        "bool: t bools: [f, True, False, 1, 0]",
        "color: BLUE colors: [RED, 0, 7]",
        r"string: 'it\'s' bytes: '\377\x00\xff\x1'",
        r'string: "tab\t quote\" octal\101 hex\x41 \u00e9\U0001F600"',
        r'string: "unknown \d escape"',
        "string: 'a' \"b\"\n'c' # comment\n'd'",
        "string: 'caf\u00e9 \u201ccurly\u201d' ",
        "inner: {} inners: <> inners {number: 1}",
        "inner { inner < inner: { number: 3 } > }",
        "inners: [{number: 1}, <number: 2>] int32s: [] int32s: [1, 2] int32s: 3",
        "inners [{}]",
        'by_name { key: "a" value: 1 } by_name { key: "a" value: 1 } by_name: {key: "b"}',
        'by_name: [{key: "x" value: 3}, {value: 4}]',
        "by_truth { key: true value { number: 1 } } by_number { key: -3 value: '' }",
        "word: 'x'",
        "block { number: 1 }",
        "int32: 5\u00a0uint32: 6\r\nplain: 7",
        "int32:\n5\nuint32\n:\n6",
    ],
)
def test_hand_written_text_is_read_the_same(toy, text):
    assert_reads_the_same(text, toy.Kinds)
