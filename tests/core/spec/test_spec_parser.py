"""What the parser accepts beyond protobuf's own text format, and where it says fields are."""

import pytest

from detforge.spec.parser import parse_text


def read(text, kind):
    parsed = parse_text(text, kind())
    assert parsed.problems == []
    return parsed


@pytest.mark.parametrize(
    ("written", "value"),
    [("8.0", 8), ("8.", 8), ("1e3", 1000), ("-2.0", -2), ("8.0f", 8), ("0x10", 16), ("010", 8)],
)
def test_whole_number_may_be_written_with_a_point(toy, written, value):
    assert read(f"int32: {written}", toy.Kinds).message.int32 == value


@pytest.mark.parametrize("written", ["8.5", "1e-3", "inf", "nan", "1e300", "0x1.8", "8px", "one"])
def test_other_numbers_are_refused_for_a_whole_number(toy, written):
    (problem,) = parse_text(f"int32: {written}", toy.Kinds()).problems
    assert problem.message.startswith("takes a whole number")
    assert f"found {written}" in problem.message


@pytest.mark.parametrize(
    "written", ["“a b”", "”a b“", "‘a b’", '“a b"', '"a b”', "'a b’", "‘a b'", "“a” ‘ b’"]
)
def test_curly_quotes_are_quotes(toy, written):
    assert read(f"string: {written} int32: 1", toy.Kinds).message.string == "a b"


def test_curly_quotes_inside_straight_ones_are_text(toy):
    text = "string: \"he said “yes”\" strings: 'it’s'"
    message = read(text, toy.Kinds).message
    assert (message.string, message.strings[0]) == ("he said “yes”", "it’s")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_byte_order_mark_and_line_ends_of_windows_are_accepted(toy, end):
    parsed = read(f"\ufeffint32: 1 # one{end}uint32: 2{end}", toy.Kinds)
    assert (parsed.message.int32, parsed.message.uint32) == (1, 2)
    assert parsed.positions["uint32"] == (2, 9)


def test_scalar_given_twice_takes_the_last_value_and_warns(toy):
    parsed = read("int32: 1\nuint32: 2\nint32: 3\n", toy.Kinds)
    assert parsed.message.int32 == 3
    (warning,) = parsed.warnings
    assert str(warning) == "3:1: int32: given twice, in lines 1 and 3; the last one counts"


def test_scalar_given_twice_in_one_line_names_the_line(toy):
    (warning,) = read("int32: 1 int32: 3", toy.Kinds).warnings
    assert warning.message == "given twice, in line 1; the last one counts"


def test_block_given_twice_is_merged_with_a_warning(toy):
    parsed = read("inner { number: 1 }\ninner { inners {} }\n", toy.Kinds)
    assert parsed.message.inner.number == 1
    assert len(parsed.message.inner.inners) == 1
    (warning,) = parsed.warnings
    assert str(warning) == "2:1: inner: given twice, in lines 1 and 2; the two are merged"


def test_map_key_given_twice_with_one_value_is_a_warning(toy):
    entries = 'by_name { key: "a" value: 1 }\nby_name { key: "b" value: 2 }\n'
    parsed = read(f'{entries}by_name {{ key: "a" value: 1.0 }}', toy.Kinds)
    assert dict(parsed.message.by_name) == {"a": 1, "b": 2}
    (warning,) = parsed.warnings
    assert str(warning) == '3:1: by_name["a"]: given twice, in lines 1 and 3, with the same value'


def test_map_key_with_two_values_is_an_error_naming_both_lines(toy):
    entries = 'by_name { key: "a" value: 1 }\nby_name { key: "a" value: 3 }'
    (problem,) = parse_text(entries, toy.Kinds()).problems
    assert str(problem) == (
        '2:1: by_name["a"]: given twice, in lines 1 and 2, with different values; '
        "keep one of the two"
    )


@pytest.mark.parametrize(
    ("entry", "lacking"), [('{ key: "a" }', "value"), ("{ value: 1 }", "key")], ids=["value", "key"]
)
def test_map_entry_without_a_part_is_warned_about(toy, entry, lacking):
    (warning,) = read(f"by_name {entry}", toy.Kinds).warnings
    assert warning.message == f'this entry has no "{lacking}"'


def test_repeated_field_may_be_given_many_times(toy):
    parsed = read("int32s: 1 int32s: [2, 3] int32s: 4", toy.Kinds)
    assert list(parsed.message.int32s) == [1, 2, 3, 4]
    assert parsed.warnings == []


def test_list_may_end_with_a_comma(toy):
    assert list(read("int32s: [1, 2,]", toy.Kinds).message.int32s) == [1, 2]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("[0.1, 0.2]", "[0.1, 0.2]"),
        ("(1.0, 2.0)", "(1.0, 2.0)"),
        ("[[1.0, 2.0],\n  # of the second map\n  [1/3.0]]", "[[1.0, 2.0], [1/3.0]]"),
        ("[1-0.5, - 2]", "[1-0.5, - 2]"),
        ("[]", "[]"),
    ],
    ids=["list", "tuple", "nested", "arithmetic", "empty"],
)
def test_list_of_numbers_needs_no_quotes(toy, written, value):
    parsed = read(f"scales: {written}\nsize: 64", toy.Ruled)
    assert (parsed.message.scales, parsed.message.size) == (value, 64)


def test_unquoted_list_without_its_end_is_reported_once(toy):
    parsed = parse_text("scales: [1.0, 2.0\nsize: 64", toy.Ruled())
    assert [str(problem) for problem in parsed.problems] == [
        '1:9: scales: this "[" is never closed'
    ]
    assert parsed.message.size == 64


def test_aliases_set_the_field_under_its_own_name(toy):
    parsed = read("older: 'x' num_shards: 1 n_shards: [2]", toy.Ruled)
    assert (parsed.message.old, list(parsed.message.shards)) == ("x", [1, 2])
    assert {"old", "shards"} <= parsed.positions.keys()


def test_alias_and_name_together_are_one_field_given_twice(toy):
    (warning,) = read("older: 'x'\nold: 'y'", toy.Ruled).warnings
    assert warning.path == "old"


def test_second_member_of_a_oneof_is_an_error_and_changes_nothing(toy):
    parsed = parse_text("word: 'x'\nblock { number: 1 }\nint32: 3", toy.Kinds())
    (problem,) = parsed.problems
    assert str(problem) == "2:1: block: cannot stand beside word (line 1); keep one of the two"
    assert parsed.message.WhichOneof("choice") == "word"
    assert parsed.message.int32 == 3


def test_errors_inside_the_second_member_are_found_too(toy):
    parsed = parse_text("block {}\nword: 5\ncode: x", toy.Kinds())
    assert [problem.path for problem in parsed.problems] == ["word", "word", "code", "code"]


def test_same_member_of_a_oneof_twice_is_merged(toy):
    parsed = read("block { number: 1 } block { inners {} }", toy.Kinds)
    assert parsed.message.block.number == 1


def test_positions_are_those_of_values_and_of_block_names(toy):
    text = "int32: 1\ninner {\n  number: 2\n}\ninners [{ number: 3 },\n  { }]\nint32s: [4,\n 5]\n"
    text += 'by_name {\n key: "k"\n value: 6 }'
    positions = read(text, toy.Kinds).positions
    assert positions["int32"] == (1, 8)
    assert positions["inner"] == (2, 1)
    assert positions["inner.number"] == (3, 11)
    assert positions["inners[0].number"] == (5, 19)
    assert positions["inners[1]"] == (5, 1)
    assert positions["int32s"] == (7, 1)
    assert positions["int32s[1]"] == (8, 2)
    assert positions['by_name["k"]'] == (11, 9)


def test_unknown_escape_is_kept_and_warned_about(toy):
    parsed = read(r'string: "\d+"', toy.Kinds)
    assert parsed.message.string == r"\d+"
    (warning,) = parsed.warnings
    assert warning.message == r"\d means nothing and is kept; write \\ for a backslash"


def test_backslashes_of_a_windows_path_are_warned_about(toy):
    parsed = read(r'string: "C:\temp" strings: "C:\\temp" strings: "C:/temp"', toy.Kinds)
    assert parsed.message.string == "C:\temp"
    assert list(parsed.message.strings) == [r"C:\temp", "C:/temp"]
    (warning,) = parsed.warnings
    assert str(warning) == (r"1:9: string: a backslash begins an escape; write \\ or / in a path")


@pytest.mark.parametrize(
    ("literal", "message"),
    [
        (r'"\x"', r"\x needs hexadecimal digits behind it; write \\ for a backslash"),
        (r'"\u12"', r"\u needs hexadecimal digits behind it; write \\ for a backslash"),
        (r'"\777"', r"\777 is more than one byte; write \\ for a backslash"),
        (r'"\ud800"', r"\ud800 is not a character; write \\ for a backslash"),
        (r'"\UFFFFFFFF"', r"\UFFFFFFFF is not a character; write \\ for a backslash"),
        (r'"\377"', "its escapes do not give UTF-8 text"),
    ],
)
def test_wrong_escapes_are_errors(toy, literal, message):
    (problem,) = parse_text(f"string: {literal}", toy.Kinds()).problems
    assert problem.message == message
