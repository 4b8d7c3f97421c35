"""Spellings that documents, editors and people use beside the schema's own."""

import pytest

from detforge.spec import parse_list, parse_spec


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        ("resnet_18", "resnet_18"),
        ("ResNet-18", "resnet_18"),
        ("resnet18", "resnet_18"),
        ("RESNET 18", "resnet_18"),
        ("tiny_d1", "tiny-d1"),
        ("d0", "tiny-d0"),
        ("D-0", "tiny-d0"),
        ("Tiny", "tiny-d0"),
    ],
)
def test_choice_is_told_by_its_letters_and_digits(toy, written, choice):
    spec = parse_spec(f'arch: "{written}"', toy.Friendly)
    assert spec.message.arch == choice
    assert spec.warnings == ()


def test_choices_of_elements_get_their_proper_spelling(toy):
    text = 'words: ["b", "a:1", "a1"] by_name { key: "x" value: "one" }'
    message = parse_spec(text + ' by_name { key: "y" value: "TWO" }', toy.Friendly).message
    assert list(message.words) == ["B", "a:1", "a1"]
    assert dict(message.by_name) == {"x": "One", "y": "Two"}


def test_word_that_means_two_choices_is_refused(toy, problems_of):
    (problem,) = problems_of('words: "A-1"', toy.Friendly)
    assert problem.startswith('1:8: words[0]: "A-1" is no choice here; use "a:1", "a1" or "B"')


def test_choice_of_a_later_release_is_known_by_every_spelling(toy, problems_of):
    assert problems_of('arch: "VGG16"', toy.Friendly) == [
        '1:7: arch: "vgg:16" comes with release 0.9; until then use "resnet_18", "tiny-d0" or '
        '"tiny-d1"'
    ]


def test_word_near_another_word_for_a_choice_gets_the_choice(toy, problems_of):
    (problem,) = problems_of('arch: "tinny"', toy.Friendly)
    assert problem.endswith('did you mean "tiny-d0"?')


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("[1.0, 2.0]", (1, 2)),
        ("(1.0, 2.0)", (1, 2)),
        ("1.0, 2.0", (1, 2)),
        ("1.0,2.0", (1, 2)),
        ("1.0/4.0, 1 / 2, 1 - 2", (0.25, 0.5, -1)),
        ("(1, 2), (3, 4)", ((1, 2), (3, 4))),
        ("[1], 2", ((1,), 2)),
        ("10.", (10,)),
        (".5, 1e-3", (0.5, 0.001)),
    ],
)
@pytest.mark.parametrize("end", [" ", "\n", "; "], ids=["blank", "line", "semicolon"])
def test_list_of_numbers_needs_no_quotes_and_leaves_the_next_field(toy, written, numbers, end):
    message = parse_spec(f"scales: {written}{end}number: 7", toy.Friendly).message
    assert parse_list(message.scales) == numbers
    assert message.number == 7


@pytest.mark.parametrize(
    ("written", "elements"),
    [("[0, 1]", [0, 1]), ("(0, 1)", [0, 1]), ("0, 1", [0, 1]), ("0, 1,", [0, 1]), ("()", [])],
)
def test_repeated_number_takes_any_brackets_or_none(toy, written, elements):
    spec = parse_spec(f"floats: {written} number: 7", toy.Friendly)
    assert (list(spec.message.floats), spec.message.number) == (elements, 7)
    assert [spec.positions[f"floats[{index}]"].line for index in range(len(elements))] == [
        1 for _ in elements
    ]


def test_repeated_text_may_stand_between_commas(toy):
    message = parse_spec("strings: 'a', \"b\" strings: 'c' number: 7", toy.Friendly).message
    assert (list(message.strings), message.number) == (["a", "b", "c"], 7)


@pytest.mark.parametrize("written", ["True", "TRUE", "true", "T", "1"])
def test_truth_may_be_written_in_any_case(toy, written):
    assert parse_spec(f"flag: {written}", toy.Friendly).message.flag is True


@pytest.mark.parametrize("written", ["RED", "red", "Red", "1"])
def test_enum_may_be_written_in_any_case(toy, written):
    assert parse_spec(f"color: {written}", toy.Friendly).message.color == 1


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\u00a0", "\u3000", "\t", "\x0c", "\r\n"])
def test_blanks_of_every_kind_are_blanks(toy, blank):
    text = f"number:{blank}7{blank}strings{blank}:{blank}'a'{blank}"
    assert parse_spec(text, toy.Friendly).message.number == 7


@pytest.mark.parametrize("written", ["„a b“", "‚a b‘", "‟a b”", "‛a b’"])
def test_low_and_reversed_quotes_are_quotes(toy, written):
    assert parse_spec(f"strings: {written}", toy.Friendly).message.strings[0] == "a b"


@pytest.mark.parametrize("sign", ["=", "："])
def test_other_signs_for_a_colon_are_refused_by_name(toy, problems_of, sign):
    assert problems_of(f"number {sign} 7", toy.Friendly) == [
        f'1:8: number: write ":" instead of "{sign}"'
    ]


@pytest.mark.parametrize("text", ["old_block { share: 1 inner { x: [1, {}] } }", "old_block: 5"])
def test_retired_field_gets_its_advice_and_nothing_else(toy, problems_of, text):
    assert problems_of(f"{text}\nnumber: 7\ngone: 1", toy.Friendly) == [
        "1:1: old_block: is no field here; write share in host",
        "3:1: gone: is no field here; remove it",
    ]
