"""Checks that several recipes share: each says nothing, or what to write instead."""

import pytest

from detforge.protos.experiment_pb2 import AugmentationConfig
from detforge.spec import parse_list
from detforge.spec.checks import (
    check_blocks,
    check_keys,
    check_length,
    check_numbers,
    check_order,
    check_pairs,
    check_pattern,
    check_size,
)

PAIRS = "[(1.0, 1.0), (1.4, 0.7)]"


def words(problems):
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((128, 1312), []),
        ((544, 960), []),
        ((96, 512), ["size: the height, 96, is too small; use at least 128 px"]),
        ((512, 500), ["size: the width, 500, is no multiple of 32; use 480 or 512"]),
        (
            (1, 129),
            [
                "size: the height, 1, is too small; use at least 128 px",
                "size: the width, 129, is no multiple of 32; use 128 or 160",
            ],
        ),
    ],
    ids=["least", "two sides", "small", "uneven", "both"],
)
def test_sides_are_long_enough_and_divide_evenly(size, expected):
    assert words(check_size("size", size, least=128, divisor=32)) == expected


def test_side_that_is_too_small_is_not_offered():
    (problem,) = check_size("size", (130, 128), least=128, divisor=64)
    assert problem.message.endswith("use 128 or 192")
    (problem,) = check_size("size", (130, 256), least=100, divisor=256)
    assert problem.message.endswith("use 256")


def test_keys_of_a_map_are_all_there_and_no_others():
    assert not words(check_keys("std", ["h", "w"], {"w", "h"}, "a box"))
    assert words(check_keys("std", ["x", "h"], {"w", "h"}, "a box")) == [
        "std: has the keys h, x; a box takes h and w"
    ]


def test_keys_of_a_damaged_map_do_not_fill_the_screen():
    keys = [f"{number:03}" + "x" * 5_000 for number in range(100)]
    (problem,) = check_keys("std", keys, {"w"}, "a box")
    assert problem.message.endswith(", ...; a box takes w")
    assert "000xxx" in problem.message
    assert len(problem.message) < 1_000


def test_lower_limit_above_the_upper_one_is_shown_as_written():
    block = AugmentationConfig(random_crop_min_scale=0.6, random_crop_max_scale=0.3)
    limits = ("random_crop_min_scale", "random_crop_max_scale")
    assert words(check_order(block, "augmentation_config", *limits)) == [
        "augmentation_config.random_crop_min_scale: 0.6 is more than random_crop_max_scale, "
        "which is 0.3; swap or change them"
    ]
    block.random_crop_max_scale = block.random_crop_min_scale
    assert not words(check_order(block, "augmentation_config", *limits))
    assert words(check_order(block, "augmentation_config", *limits, apart=True)) == [
        "augmentation_config.random_crop_min_scale: 0.6 is as much as random_crop_max_scale; "
        "it has to be less"
    ]


@pytest.mark.parametrize(
    ("text", "rules", "expected"),
    [
        ("[]", {"whole": True, "ascending": True}, []),
        ("[0.5, 0.25]", {}, []),
        ("[60000, 80000, 100000]", {"whole": True, "ascending": True}, []),
        ("[1, [2]]", {}, ["steps[1]: is a list; a number should stand here"]),
        ("[1, 2.5, 3.5]", {"whole": True}, ["steps[1]: 2.5 is not a whole number"]),
        (
            "[80000, 60000]",
            {"ascending": True},
            ["steps[1]: 60000 is not above 80000, the number before it"],
        ),
        ("[5, 5]", {"ascending": True}, ["steps[1]: 5 is not above 5, the number before it"]),
    ],
)
def test_numbers_of_a_list(text, rules, expected):
    assert words(check_numbers("steps", parse_list(text), **rules)) == expected


def test_length_of_a_list_says_how_many_and_why():
    reason = "one for each of steps"
    assert not words(check_length("levels", (1.0, 2.0), 2, reason))
    assert words(check_length("levels", (1.0,), 2, reason)) == [
        "levels: holds 1 instead of 2, one for each of steps"
    ]
    assert words(check_length("levels", (1.0, 2.0, 3.0), 2, reason)) == [
        "levels: holds 3 instead of 2, one for each of steps"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[(1.0, 1.0), (1.4, 0.7), (0.7, 1.4)]", []),
        ("((1, 1),)", []),
        ("[1, 1], [2, 1/2]", []),
        ("[]", [f"ratios: is empty; write a list of pairs such as {PAIRS}"]),
        ("[1.0, 2.0]", [f"ratios[0]: 1 is not a pair; write a list such as {PAIRS}"]),
        (
            "[(1, 1), (1, 2, 3), 4]",
            [f"ratios[1]: holds 3 instead of 2 numbers; write a list such as {PAIRS}"],
        ),
        (
            "[(1, (1, 2))]",
            [f"ratios[0]: holds a list instead of 2 numbers; write a list such as {PAIRS}"],
        ),
    ],
)
def test_list_of_pairs(text, expected):
    assert words(check_pairs("ratios", parse_list(text), PAIRS)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("[0, 8]", []),
        (
            "[0, 9, -1]",
            [
                "freeze[1]: EfficientNet has no block 9; its blocks are 0 to 8",
                "freeze[2]: EfficientNet has no block -1; its blocks are 0 to 8",
            ],
        ),
        ("[0.5]", ["freeze[0]: EfficientNet has no block 0.5; its blocks are 0 to 8"]),
        ("[1, [2]]", ["freeze[1]: EfficientNet has no list; its blocks are 0 to 8"]),
    ],
)
def test_blocks_are_those_of_the_backbone(text, expected):
    assert words(check_blocks("freeze", parse_list(text), range(9), "EfficientNet")) == expected


@pytest.mark.parametrize("pattern", ["", "-predict*", r"^head/.*kernel$", "class-predict|box-"])
def test_pattern_that_compiles_is_welcome(pattern):
    assert not words(check_pattern("skip", pattern))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*predict*", 'nothing to repeat at position 0; ".*" stands for any text'),
        ("(head", "missing ), unterminated subpattern at position 0"),
        ("[a", "unterminated character set at position 0"),
        ("(" * 5000 + ")" * 5000, "maximum recursion depth exceeded"),
        ("a{99999999999}", "the repetition number is too large"),
    ],
    ids=["glob", "bracket", "set", "deep", "many"],
)
def test_pattern_that_does_not_compile_says_why(pattern, expected):
    (problem,) = check_pattern("skip", pattern)
    assert "is no regular expression" in problem.message
    assert expected in problem.message
    assert len(problem.message) < 200
