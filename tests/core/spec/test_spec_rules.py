"""Every rule of the field option."""

import pytest

from detforge.errors import PluginError, SpecError
from detforge.protos import experiment_pb2
from detforge.spec import parse_spec
from detforge.spec.interval import Interval
from detforge.spec.rules import apply_rules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[0, 1]", "from 0 to 1"),
        ("(0, 1)", "above 0 and below 1"),
        ("[0, 1)", "at least 0 and below 1"),
        ("(0, 0.5]", "above 0 and at most 0.5"),
        ("[1, inf)", "at least 1"),
        ("(-inf, 10]", "at most 10"),
        ("[2, 2]", "2"),
    ],
)
def test_interval_is_put_in_words(text, words):
    assert str(Interval.parse(text)) == words


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("(0, 1]", [0.001, 1], [0, -1, 1.001]),
        ("[0, 1)", [0, 0.999], [1, -0.001]),
        ("[1, inf)", [1, 1e300], [0.5, float("inf"), float("nan")]),
    ],
)
def test_interval_knows_its_bounds(interval, inside, outside):
    parsed = Interval.parse(interval)
    assert all(number in parsed for number in inside)
    assert not any(number in parsed for number in outside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open: 1", "1:7: open: 1 is out of range; allowed: above 0 and below 1"),
        ("open: nan", "1:7: open: nan is out of range; allowed: above 0 and below 1"),
        ("size: 31", "1:7: size: 31 is out of range; allowed: at least 32 px"),
        ("blocks: [0, 4]", "1:13: blocks[1]: 4 is out of range; allowed: from 0 to 3"),
        (
            'mean { key: "r" value: 256.5 }',
            '1:24: mean["r"]: 256.5 is out of range; allowed: from 0 to 255',
        ),
        ('scales: "[1, [2, 0]]"', "1:9: scales: 0 is out of range; allowed: above 0"),
        ("scales: [-1/3]", "1:9: scales: -0.333333333333333 is out of range; allowed: above 0"),
        (
            'scales: "[1, two]"',
            '1:9: scales: is no list of numbers such as "[0.5, 1.0/3]": '
            "'t' where a number or a list should stand, at character 5 of '[1, two]'",
        ),
        (
            "part { share: 2 needed: 1 }",
            "1:15: part.share: 2 is out of range; allowed: from 0 to 1",
        ),
        (
            "parts { needed: 1 } parts { share: -1 needed: 1 }",
            "1:36: parts[1].share: -1 is out of range; allowed: from 0 to 1",
        ),
    ],
)
def test_number_out_of_range_is_refused(toy, problems_of, text, expected):
    assert problems_of(text, toy.Ruled) == [expected]


def test_number_beyond_the_type_of_the_field_is_told_its_limit(toy, problems_of):
    assert problems_of("size: 9999999999", toy.Ruled) == [
        "1:7: size: takes a whole number, at least 32 px; found 9999999999; "
        "the largest is 2147483647"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "open: 0.5",
        "size: 32",
        "blocks: [0, 3]",
        'scales: "[[0.1], 1/3]"',
        'scales: ""',
        'scales: "[]"',
    ],
)
def test_number_in_range_is_accepted(toy, problems_of, text):
    assert problems_of(text, toy.Ruled) == []


def test_bound_is_met_by_the_nearest_float_of_the_field(toy, problems_of):
    # 0.1 as float32 is above 0.1, 0.7 below 0.7: the user wrote neither.
    assert Interval.parse("[0, 0.1]").high < toy.Part(share=0.1).share
    assert problems_of("part { share: 1.0 needed: 1 }", toy.Ruled) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('arch: "large"', '1:7: arch: "large" comes with release 0.6; until then use "small"'),
        (
            'arch: "smal"',
            '1:7: arch: "smal" is no choice here; use "small", "medium" or "large"; '
            'did you mean "small"?',
        ),
        (
            'kinds: ["one", "three"]',
            '1:16: kinds[1]: "three" is no choice here; use "one" or "two"',
        ),
    ],
)
def test_word_outside_the_choices_is_refused(toy, problems_of, text, expected):
    assert problems_of(text, toy.Ruled) == [expected]


def test_deprecated_field_is_a_warning_with_the_reason(toy):
    spec = parse_spec('size: 32\nold: ""', toy.Ruled)
    (warning,) = spec.warnings
    assert str(warning) == "2:6: old: has no effect: the new way is better"


def test_field_of_a_later_release_is_refused(toy, problems_of):
    assert problems_of("soon: false", toy.Ruled) == ["1:7: soon: comes with release 0.9; remove it"]
    assert problems_of("later {}", toy.Ruled) == ["1:1: later: comes with release 0.9; remove it"]


def test_field_of_a_later_release_may_hold_its_default(toy, problems_of):
    assert problems_of("soon: true", toy.Ruled) == []


@pytest.mark.parametrize(
    "text",
    [
        "idle {}",
        "idle { enabled: false }",
        "idle { enabled: false images: 3 }",
        "idle { images: 5 }",
        'elsewhere: ""',
    ],
)
def test_refused_field_that_changes_nothing_is_accepted(toy, problems_of, text):
    assert problems_of(text, toy.Ruled) == []
    assert parse_spec(text, toy.Ruled).warnings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("idle { enabled: true }", "1:1: idle: comes with release 0.9; remove it"),
        ("idle { own: 'x' }", "1:1: idle: comes with release 0.9; remove it"),
        ("third {}", "1:1: third: comes with release 0.9; remove it"),
        ("elsewhere: 'x'", "1:12: elsewhere: is not read; say it aloud"),
    ],
)
def test_refused_field_that_would_change_something_is_refused(toy, problems_of, text, expected):
    assert problems_of(text, toy.Ruled) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("images: 5", ["switched.images: has no effect: switched.enabled is false"]),
        (
            "enabled: false images: 5",
            ["switched.images: has no effect: switched.enabled is false"],
        ),
        ("paint: 5", ["switched.paint: has no effect: switched.color is absent"]),
        ("color: GREY paint: 5", ["switched.paint: has no effect: switched.color is GREY"]),
        (
            "own: 'x' shared: [1, 2]",
            ["switched.shared: has no effect: switched.own is given too, and wins"],
        ),
        ("enabled: true images: 5 color: RED paint: 5", []),
        ("enabled: false images: 3", []),
        ("own: '' shared: 1", []),
        ("shared: 1", []),
        ("own: 'x'", []),
    ],
)
def test_field_that_another_one_makes_idle_is_a_warning_naming_both(toy, text, expected):
    spec = parse_spec(f"switched {{ {text} }}", toy.Ruled)
    assert [f"{warning.path}: {warning.message}" for warning in spec.warnings] == expected
    assert all(warning.line == 1 and warning.column > 10 for warning in spec.warnings)


def test_absent_fields_take_their_defaults(toy):
    message = parse_spec("", toy.Ruled).message
    assert message.scales == "[1.0]"
    assert message.soon is True
    assert list(message.shards) == [10, 20]
    assert message.plain == 7
    assert (message.filled.needed, message.filled.share) == (5, pytest.approx(0.1))


def test_default_is_filled_in_inside_present_blocks_only(toy):
    message = parse_spec("part { needed: 1 } parts { needed: 2 }", toy.Ruled).message
    assert message.part.share == pytest.approx(0.1)
    assert message.parts[0].share == pytest.approx(0.1)
    assert not message.HasField("later")


def test_field_without_a_default_stays_absent(toy):
    message = parse_spec("", toy.Ruled).message
    assert not message.HasField("nothing")
    assert not message.HasField("part")


def test_explicit_zero_and_empty_list_are_no_absence(toy):
    message = parse_spec(
        "plain: 0 shards: [] part { needed: 1 share: 0 } scales: ''", toy.Ruled
    ).message
    assert (message.plain, list(message.shards), message.part.share) == (0, [], 0)
    assert message.scales == ""


def test_oneof_with_nothing_set_is_left_alone(toy):
    assert parse_spec("", toy.Ruled).message.WhichOneof("network") is None


def test_wrong_value_in_a_block_that_comes_later_is_no_reason_to_accept_it(toy, problems_of):
    """Put right, the block would mean the same as an absent one."""
    text = "whole { needed: 1 } soon { needed: 8 share: 7 }"
    assert problems_of(text, toy.Doubtful) == ["1:21: soon: comes with release 0.9; remove it"]


def test_required_fields_are_demanded_with_their_help(toy, problems_of):
    assert problems_of("# nothing", toy.Demanding, "s.txt") == [
        "s.txt: is empty: it sets no field",
        "s.txt: number: is required and absent: a number",
        "s.txt: names: is required and absent: a names",
        "s.txt: mapping: is required and absent: a mapping",
        "s.txt: part: is required and absent: what it is made of",
    ]


def test_required_field_is_demanded_with_its_example_and_a_unit_that_the_help_lacks(problems_of):
    found = problems_of("num_epochs: 8", experiment_pb2.TrainingConfig)
    assert found[0] == (
        "batch_size_per_gpu: is required and absent: images per step on each GPU, such as 16"
    )
    found = problems_of("output_width: 300", experiment_pb2.AugmentationConfig)
    assert found == [
        "output_height: is required and absent: height of the network input (px), such as 300"
    ]


def test_required_field_of_an_absent_block_is_not_demanded(toy, problems_of):
    assert problems_of("", toy.Ruled) == []


def test_required_field_of_a_present_block_is_demanded_at_the_block(toy, problems_of):
    text = "size: 32\nparts { needed: 1 }\nparts { }"
    assert problems_of(text, toy.Ruled) == [
        "3:1: parts[1].needed: is required and absent: side of the part (px)"
    ]


def test_explicit_zero_satisfies_required(toy, problems_of):
    assert problems_of("part { needed: 0 }", toy.Ruled) == []


def test_empty_list_does_not_satisfy_required(toy, problems_of):
    text = "number: 1 names: [] mapping { key: 'a' value: 'b' } part { needed: 1 }"
    assert problems_of(text, toy.Demanding) == ["1:11: names: is required and absent: a names"]


@pytest.mark.parametrize(
    "number",
    ["number: x", "number:", "nuber: 1", "number: -1"],
    ids=["wrong", "none", "typo", "low"],
)
def test_field_with_an_error_is_not_called_absent_too(toy, problems_of, number):
    text = f"{number}\nnames: 'a' mapping {{ key: 'a' value: 'b' }} part {{ needed: 1 }}"
    assert len(problems_of(text, toy.Demanding)) == 1


def test_list_whose_only_element_is_wrong_is_not_called_absent_too(toy, problems_of):
    text = "number: 1 names: [a] mapping { key: 'a' value: 'b' } part { needed: 1 }"
    assert len(problems_of(text, toy.Demanding)) == 1


def test_nothing_is_called_absent_where_a_brace_is_missing(toy, problems_of):
    (problem,) = problems_of("part { needed: 1", toy.Demanding)
    assert "never closed" in problem


def test_rules_and_syntax_are_reported_together_in_order(toy, problems_of):
    text = "open: 2\nsize: x\nparts { share: 3 }\nqq: 1"
    assert [problem.split(": ")[:2] for problem in problems_of(text, toy.Ruled)] == [
        ["1:7", "open"],
        ["2:7", "size"],
        ["3:1", "parts[0].needed"],
        ["3:16", "parts[0].share"],
        ["4:1", "qq"],
    ]


def test_message_built_in_code_is_checked_too(toy):
    message = toy.Ruled(size=3)
    checked = apply_rules(message)
    assert [problem.path for problem in checked.problems] == ["size"]
    assert checked.warnings == []
    assert message.plain == 7


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("BadDefault", "", "the schema's rules of toy.BadDefault.number hold many: takes a whole"),
        (
            "BadSibling",
            "number: 1",
            "rules of toy.BadSibling.number name 'nubmer', no field beside",
        ),
        ("BadRange", "number: 1", "the schema's range of toy.BadRange.number is wrong: '1 to 2'"),
    ],
)
def test_wrong_rule_is_the_fault_of_the_plugin(toy, kind, text, message):
    with pytest.raises(PluginError, match=message):
        parse_spec(text, getattr(toy, kind))


def test_errors_without_end_are_cut_off(toy, problems_of):
    problems = problems_of(f"blocks: [{', '.join(['9'] * 1_000)}]", toy.Ruled)
    assert len(problems) == 101
    assert problems[-1] == "900 more; mend the above first"


def test_spec_error_carries_every_problem(toy):
    with pytest.raises(SpecError) as caught:
        parse_spec("open: 2 size: 1", toy.Ruled)
    assert [problem.path for problem in caught.value.problems] == ["open", "size"]
