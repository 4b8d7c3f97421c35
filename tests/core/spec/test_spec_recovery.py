"""All errors of a spec in one go: each with its place, none that only follows from another."""

import pytest

from detforge.spec.parser import parse_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int32: -", "1:8: int32: takes a whole number, from -2147483648 to 2147483647; found -"),
        ("uint32: -1", "1:9: uint32: takes a whole number, from 0 to 4294967295; found -1"),
        ("int32: 2147483648", "1:8: int32: takes a whole number, from -2147483648 to 2147483647; "
                              "found 2147483648"),
        ("float: fast", "1:8: float: takes a number; found fast"),
        ("float: 1.0/3.0", "1:8: float: takes a number; found 1.0/3.0"),
        ("float: 50%", "1:8: float: takes a number; found 50%"),
        ("bool: yes", "1:7: bool: takes true or false; found yes"),
        ("bool: 2", "1:7: bool: takes true or false; found 2"),
        ("color: GREEN", "1:8: color: takes GREY, RED or BLUE; found GREEN; did you mean GREY?"),
        ("color: 3", "1:8: color: takes GREY, RED or BLUE; found 3"),
        ('color: "RED"', '1:8: color: takes GREY, RED or BLUE; found "RED"; '
                         "write it without quotes"),
        ('int32: "8"', "1:8: int32: takes a whole number, from -2147483648 to 2147483647; "
                       'found "8"; write it without quotes'),
        ("string: resnet", '1:9: string: text stands in quotes; found resnet, write "resnet"'),
        ("string: /a/b-*", '1:9: string: text stands in quotes; found /a/b-*, write "/a/b-*"'),
        (r"string: C:\dat", r'1:9: string: text stands in quotes; found C:\dat, write "C:\\dat"'),
        ("string: 5", '1:9: string: text stands in quotes; found 5, write "5"'),
        ('string: "resnet', '1:9: string: the quote that opens "resnet is not closed in this line'),
        ('string: "[[1, 2], [3]]', '1:9: string: the quote that opens "[[1, 2], [3]] is not closed '
                                   'in this line'),
        ('strings: ["a", "b]', '1:16: strings[1]: the quote that opens "b is not closed '
                               'in this line'),
        ("int32 5", '1:7: int32: a ":" is missing between int32 and its value'),
        ("int32 = 5", '1:7: int32: write ":" instead of "="'),
        ("int32:", "1:1: int32: has no value; it takes a whole number, "
                   "from -2147483648 to 2147483647"),
        ("int32: { number: 1 }", "1:8: int32: takes a whole number, "
                                 "from -2147483648 to 2147483647; found a block: { number: 1 }"),
        ("int32: [1, 2]", "1:8: int32: takes a whole number, from -2147483648 to 2147483647; "
                          "found a list: [1, 2]"),
        ("inner: 5", "1:8: inner: takes a block: inner { ... }; found 5"),
        ("inner:", "1:1: inner: has no value; it takes a block: inner { ... }"),
        ("by_name: 5", "1:10: by_name: takes a block: by_name { key: ... value: ... }; found 5"),
        ("inner\nnumber: 5 }", '2:1: inner: a "{" is missing before this'),
        ("inner = { }", '1:7: inner: write ":" instead of "="'),
        ("inner { number: 1 >", '1:19: inner: the block opened in line 1 ends with "}"; found ">"'),
        ("int32: 1 }", '1:10: this "}" closes no block; remove it'),
        ("int32s: [1 2]", '1:12: int32s: the list of line 1 goes on with "," or ends with "]"; '
                          "found 2"),
        ("int32s: [1, x, 3]", "1:13: int32s[1]: takes a whole number, "
                              "from -2147483648 to 2147483647; found x"),
        ("int32s: [, 1]", "1:1: int32s[0]: has no value; it takes a whole number, "
                          "from -2147483648 to 2147483647"),
        ("inners: [{}, 5]", "1:14: inners: takes a block: inners { ... }; found 5"),
        ('by_name { key: "a" value: "x" }', "1:27: by_name[0].value: takes a whole number, "
                                            'from -2147483648 to 2147483647; found "x"; '
                                            "write it without quotes"),
        ('string: resnet"', '1:9: string: text stands in quotes; found resnet", write "resnet"'),
        ('string: f"a"', '1:9: string: text stands in quotes; found f"a", write "a"'),
        ("string: `a b` int32: 1", '1:9: string: text stands in quotes; found `a b`, write "a b"'),
        ("string: /a b/c, int32: 1", '1:9: string: text stands in quotes; '
                                         'found /a b/c, write "/a b/c"'),
        ("string: ${DIR}/a*, uint32: 1", '1:9: string: text stands in quotes; found ${DIR}/a*, '
                                         'write "${DIR}/a*"'),
        ("inner ( number: 1 )", '1:7: inner: write "{" instead of "("'),
        ("inner: [ number: 1 }", '1:8: inner: write "{" instead of "["'),
        ("inner: [{ number: 1 }]", "1:8: inner: takes a block: inner { ... }; found ["),
        ("float: 0,15", "1:8: float: takes a number; found 0,15; "
                        "a comma ends a number; write a point, or nothing"),
        ("int32: 1,000", "1:8: int32: takes a whole number, from -2147483648 to 2147483647; "
                         "found 1,000; a comma ends a number; write a point, or nothing"),
        ("float: None", "1:8: float: takes a number; found None; leave the field out instead"),
        ('"int32": 5', '1:1: write the name "int32" without quotes'),
        ('"inner" { "number": 5 }', '1:1: write the name "inner" without quotes\n'
                                    '1:11: inner: write the name "number" without quotes'),
        ('by_name { "van": 5 }', '1:11: by_name[0]: an entry is written as: key: "van" value: ...'),
        ("int32: 5 // five", '1:10: a comment begins with "#"; found //'),
        ("int32: 5 /* five */", '1:10: a comment begins with "#"; found /*'),
        ("8: 1", "1:1: a field name should stand here; found 8"),
        ("@ % $ ^ &", "1:1: a field name should stand here; found @"),
        ("int32: 1 \x01uint32: 2", r"1:10: a field name should stand here; found \x01"),
    ],
)  # fmt: skip
def test_error_says_what_and_where_and_reading_goes_on(toy, text, expected):
    parsed = parse_text(f"{text}\ndouble: 0.5", toy.Kinds())
    assert "\n".join(str(problem) for problem in parsed.problems) == expected
    assert parsed.message.double == 0.5


def test_all_errors_are_found_in_one_go(toy):
    text = """\
int32: many
strings: ["a", b, "c"]
inner {
  number: 1.5
  numbr: 2
  inner { color: RED }
}
inners { number: "x }
color: PINK
word: 'x'
code: 3
"""
    parsed = parse_text(text, toy.Kinds(), "my.txt")
    assert [str(problem).split(": ")[:2] for problem in parsed.problems] == [
        ["my.txt:1:8", "int32"],
        ["my.txt:2:16", "strings[1]"],
        ["my.txt:4:11", "inner.number"],
        ["my.txt:5:3", "inner.numbr"],
        ["my.txt:6:11", "inner.inner.color"],
        ["my.txt:8:18", "inners[0].number"],
        ["my.txt:9:8", "color"],
        ["my.txt:11:1", "code"],
    ]
    assert list(parsed.message.strings) == ["a", "c"]
    assert parsed.balanced


def test_missing_brace_is_seen_by_the_indentation(toy):
    text = "inner {\n  inner {\n    number: 1\nint32: 5\nuint32: x\n"
    parsed = parse_text(text, toy.Kinds())
    assert [str(problem).partition(": takes")[0] for problem in parsed.problems] == [
        '4:1: inner.inner: the block opened in line 2 lacks a "}" before this line',
        "5:9: uint32",
    ]
    assert parsed.message.int32 == 5
    assert not parsed.balanced


def test_missing_brace_of_a_oneof_rival_does_not_end_the_reading(toy):
    text = "word: 'x'\nblock {\n  inner {\nint32: 5\n"
    parsed = parse_text(text, toy.Kinds())
    assert len(parsed.problems) == 2
    assert parsed.message.int32 == 5


def test_missing_brace_in_a_list_of_blocks_is_seen(toy):
    text = "inners: [{ number: 1 }, {\n  number: 2\n]\nint32: 5\n"
    parsed = parse_text(text, toy.Kinds())
    assert [problem.path for problem in parsed.problems] == ["inners[1]", "inners[1]"]
    assert parsed.message.int32 == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inner { number: 1", '1:1: inner: this block is never closed; add a "}"'),
        (
            "inner { number: 1 # or 2 } int32: 3",
            '1:1: inner: this block is never closed; add a "}" (the last comment hides one)',
        ),
        (
            "int32s: [1, 2",
            '1:14: int32s: the list of line 1 goes on with "," or ends with "]"; '
            "found the end of the file",
        ),
    ],
    ids=["block", "one line", "list"],
)
def test_end_of_the_file_in_the_middle_is_reported_once(toy, text, expected):
    assert [str(problem) for problem in parse_text(text, toy.Kinds()).problems] == [expected]


def test_missing_bracket_costs_only_its_list(toy):
    parsed = parse_text("int32s: [1, 2\nint32: 5\n", toy.Kinds())
    (problem,) = parsed.problems
    assert problem.path == "int32s"
    assert parsed.message.int32 == 5


def test_forgotten_value_does_not_eat_the_next_field(toy):
    parsed = parse_text("string:\nint32: 5\nbool:\ninner { number: 1 }\n", toy.Kinds())
    assert [(problem.path, problem.line) for problem in parsed.problems] == [
        ("string", 1),
        ("bool", 3),
    ]
    assert parsed.message.int32 == 5
    assert parsed.message.inner.number == 1


def test_unclosed_quote_leaves_the_brace_of_its_line(toy):
    parsed = parse_text('inner { number: "5 }\nint32: 5', toy.Kinds())
    assert [problem.path for problem in parsed.problems] == ["inner.number"]
    assert parsed.message.int32 == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("int_32", 'unknown field; did you mean "int32"?'),
        ("Int32", 'unknown field; did you mean "int32"?'),
        ("by-name", 'unknown field; did you mean "by_name"?'),
    ],
)
def test_misspelt_field_gets_the_nearest_name(toy, name, message):
    (problem,) = parse_text(f"{name}: 1", toy.Kinds()).problems
    assert (problem.path, problem.message) == (name, message)


def test_field_of_another_block_is_sent_there(toy):
    (problem,) = parse_text("needed: 1", toy.Ruled()).problems
    assert problem.message == "unknown here; it belongs in filled"


@pytest.mark.parametrize("colon", ["", ":"], ids=["plain", "colon"])
def test_block_of_a_misspelt_name_is_read_as_the_one_meant(toy, colon):
    parsed = parse_text(f"iner{colon} {{ number: x inner {{ number: 3 }} }} int32: 5", toy.Kinds())
    assert [str(problem).partition(";")[0] for problem in parsed.problems] == [
        "1:1: iner: unknown field",
        f"1:{16 + len(colon)}: inner.number: takes a whole number, from -2147483648 to 2147483647",
    ]
    assert parsed.message.inner.inner.number == 3
    assert parsed.message.int32 == 5
    assert (parsed.unknown, parsed.unknown_blocks, parsed.misspelt) == (["iner"], [], [])


@pytest.mark.parametrize(
    "text",
    [
        "iner { a: 1 number: 2 b: 3 }",
        "iner { }",
        "iner: 5",
        "iner",
        "iner { inner { number: 2 } qq: 1 }",
    ],
    ids=["strange", "empty", "a number", "nothing", "half"],
)
def test_block_that_does_not_fit_the_name_meant_is_left_out(toy, text):
    parsed = parse_text(text, toy.Kinds())
    (problem,) = parsed.problems
    assert problem.message == 'unknown field; did you mean "inner"?'
    assert parsed.message == toy.Kinds()
    assert parsed.misspelt == ["inner"]


def test_field_of_a_block_inside_is_sent_there(toy):
    (problem,) = parse_text("dataset_config { tfrecords_path: 'a' }", toy.Toy()).problems
    assert problem.path == "dataset_config.tfrecords_path"
    assert problem.message == "unknown here; it belongs in dataset_config.data_sources"


def test_misspelt_field_that_another_block_knows_gets_both_hints(toy):
    (problem,) = parse_text("training_config { weigth: 1 batch_size: 3 }", toy.Toy()).problems[1:]
    assert problem.message == (
        'unknown field; did you mean "batch_size_per_gpu"? Or it belongs in eval_config'
    )


def test_unknown_field_near_an_alias_gets_the_proper_name(toy):
    (problem,) = parse_text("num_shard: 1", toy.Ruled()).problems
    assert problem.message == 'unknown field; did you mean "shards"?'


def test_names_that_do_nothing_are_not_offered(toy):
    (problem,) = parse_text("qqq: 1", toy.Ruled()).problems
    known = problem.message.removeprefix("unknown field; known here: ").split(", ")
    assert {"open", "soon", "third"} < set(known)
    assert not {"old", "elsewhere"} & set(known)


def test_unknown_field_without_a_near_name_gets_all_names_that_work(toy):
    (problem,) = parse_text("part { qqq: 1 }", toy.Ruled()).problems
    assert problem.message == "unknown field; known here: share, needed"


def test_unknown_field_may_hold_anything(toy):
    text = "\n".join(
        [
            "qq1: 1",
            "qq2: \"a\" 'b'",
            "qq3 { a: [1, {b: <>}] }",
            "qq4: [1, 2]",
            "qq5: /a/b",
            "qq6 <>",
        ]
    )
    parsed = parse_text(f"{text}\nint32: 5", toy.Kinds())
    assert [problem.line for problem in parsed.problems] == [1, 2, 3, 4, 5, 6]
    assert parsed.message.int32 == 5


def test_a_text_full_of_errors_is_cut_off(toy):
    parsed = parse_text("int32: x\n" * 5_000, toy.Kinds())
    assert len(parsed.problems) == 101
    assert parsed.problems[-1].message == "there is more from here on; mend the above first"
    assert not parsed.balanced


def test_nesting_is_bounded(toy):
    parsed = parse_text("inner {" * 5_000, toy.Kinds())
    assert parsed.problems[0].message == "more than 60 blocks inside each other"


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        "'x",
        "“",
        "{",
        "[",
        "(",
        "inner{",
        "inners:[",
        "abc ",
        '"\\',
        "}",
        "#\n",
        "/a",
        "int32:",
        "-",
    ],
)
def test_endless_repetition_of_anything_is_read_to_the_end(toy, unit):
    assert parse_text(unit * 20_000, toy.Kinds()) is not None
