"""Fields that people write in another block than the one they belong in."""

import pytest

from detforge.errors import SpecError
from detforge.spec import parse_spec


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("host {\n instances: 50 }", 2),
        ("host {\n max_instances: 50.0 }\nhome { name: 'n' }", 2),
        ("home { name: 'n' }\nhost { share: 1\n instances: 50 }", 3),
        ("deep { host { instances: 50 } }", 1),
        ("home { instances: 50 }", 1),
    ],
    ids=["alone", "alias, home behind", "home before", "deeper", "at home"],
)
def test_field_is_read_where_it_belongs(toy, text, line):
    spec = parse_spec(text, toy.Guests)
    assert spec.message.home.instances == 50
    assert spec.positions["home.instances"].line == line
    assert spec.warnings == ()


def test_field_of_the_top_level_goes_into_its_block(toy):
    assert parse_spec("top: 5 host { share: 1 }", toy.Guests).message.host.top == 5


def test_lists_and_blocks_may_be_guests_too(toy):
    message = parse_spec("host { numbers: [1, 2] part { needed: 3 } }", toy.Guests).message
    assert list(message.home.numbers) == [1, 2]
    assert message.home.part.needed == 3
    assert message.home.part.share == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("host { instances: 50 }\nhome { instances: 60 }", "home and host (line 1)"),
        ("home { instances: 60 }\nhost { max_instances: 50 }", "host and home (line 1)"),
        (
            "home { instances: 60 } host { instances: 60 }\ndeep { host { instances: 50 } }",
            "deep.host and host (line 1)",
        ),
    ],
    ids=["home last", "by an alias", "three"],
)
def test_two_blocks_that_disagree_are_an_error_naming_both_lines(toy, problems_of, text, blocks):
    (problem,) = problems_of(text, toy.Guests)
    place, _, message = problem.partition(": ")
    assert place.startswith("2:")
    assert message == f"home.instances: {blocks} give different values; keep one of the two"


def test_two_blocks_that_agree_need_no_remark(toy):
    text = "host { instances: 50 }\nhome { instances: 50.0 } deep { host { max_instances: 0x32 } }"
    spec = parse_spec(text, toy.Guests)
    assert spec.message.home.instances == 50
    assert spec.warnings == ()


def test_same_block_giving_a_guest_twice_is_a_warning(toy):
    spec = parse_spec("host { instances: 50\ninstances: 60 }", toy.Guests)
    assert spec.message.home.instances == 60
    (warning,) = spec.warnings
    assert warning.message == "given twice, in lines 1 and 2; the last one counts"


def test_value_that_cannot_be_read_has_one_error(toy, problems_of):
    for text in (
        "host { instances: x }\nhome { instances: 5 }",
        "home { instances: 5 } host { instances: x }",
    ):
        (problem,) = problems_of(text, toy.Guests)
        assert "takes a whole number" in problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "host { instances: 0 }",
            "1:19: home.instances: 0 is out of range; allowed: from 1 to 100",
        ),
        ("host { instances: x }", "1:19: home.instances: takes a whole number, from 1 to 100; "),
        ("host { instanses: 5 }", '1:8: host.instanses: unknown field; did you mean "instances"?'),
        ("deep { numbers: 5 }", "1:8: deep.numbers: unknown here; it belongs in home"),
    ],
)
def test_errors_name_the_place_and_the_proper_path(toy, problems_of, text, problem):
    (found,) = problems_of(text, toy.Guests)
    assert found.startswith(problem)


def test_block_of_guests_only_is_absent(toy):
    message = parse_spec("host { instances: 50 }", toy.Guests).message
    assert not message.HasField("host")


def test_absent_home_with_a_default_takes_the_guest_into_it(toy):
    message = parse_spec("host { instances: 50 }", toy.Guests).message
    assert (message.home.instances, message.home.name) == (50, "somebody")
    message = parse_spec("home {} host { instances: 50 }", toy.Guests).message
    assert (message.home.instances, message.home.name) == (50, "nobody")


def test_required_blocks_are_not_there_because_of_a_guest(toy, problems_of):
    assert problems_of("host { instances: 50 }", toy.StrictGuests) == [
        "1:1: host: is required and absent: the host",
        "home: is required and absent: the home",
    ]
    assert problems_of("host { instances: 50 share: 1 } home {}", toy.StrictGuests) == []
    with pytest.raises(SpecError) as caught:
        parse_spec("host { instances: 50 }", toy.StrictGuests)
    assert caught.value.warnings == ()


def test_guest_of_a_block_that_is_not_there_has_no_effect(toy):
    spec = parse_spec("host { instances: 50 share: 1 }", toy.IdleGuests)
    assert not spec.message.HasField("home")
    (warning,) = spec.warnings
    assert str(warning) == "1:19: home.instances: has no effect: there is no home"
