"""Files that are no spec, and specs of another detector or another task."""

import json

import pytest

from detforge.errors import SpecError
from detforge.protos import convert_pb2
from detforge.spec import parse_spec

COCO = json.dumps({"images": [{"id": 1}], "annotations": [], "categories": []}, indent=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (COCO, "s.txt: is a COCO annotation file (JSON), not a spec; a spec has fields such as"),
        ('\ufeff[{"a": 1}]', "s.txt: is JSON, not a spec; a spec has fields such as"),
        ("{}", "s.txt: is JSON, not a spec; a spec has fields such as"),
        ('<?xml version="1.0"?>\n<annotation/>', "s.txt: is XML, not a spec; a spec has fields"),
        ("<annotation>\n</annotation>", "s.txt: is XML, not a spec; a spec has fields"),
        (
            "number: 1\n<<<<<<< mine\nflag: true\n=======\n>>>>>>> theirs\n",
            "s.txt: holds a merge conflict (line 2); resolve it",
        ),
        ("train:\n  num_epochs: 10\n", "s.txt: looks like YAML, not a spec; a spec has"),
    ],
    ids=["coco", "list", "empty json", "xml", "annotation", "conflict", "yaml"],
)
def test_other_formats_are_one_error(toy, problems_of, text, message):
    (problem,) = problems_of(text, toy.Toy, "s.txt")
    assert problem.startswith(message)


@pytest.mark.parametrize(
    "text", ["<", "[", "{ number: 1 }", "number:\nflag:", "number:\n  5 flag:"]
)
def test_spec_with_a_fault_is_not_taken_for_another_format(toy, problems_of, text):
    found = problems_of(text, toy.Friendly)
    assert not any("not a spec" in problem for problem in found)


@pytest.mark.parametrize("text", ["", "\n \n", "# only a comment", "\ufeff\r\n"])
def test_empty_file_says_so_and_what_it_needs(toy, problems_of, text):
    first, *others = problems_of(text, toy.Demanding, "s.txt")
    assert first == "s.txt: is empty: it sets no field"
    assert len(others) == 4


@pytest.fixture
def others(toy):
    """A function that gives the schemas of other detectors, and counts how often it is asked."""

    def schemas():
        schemas.calls += 1
        return {"ruled": toy.Ruled, "toy": toy.Toy, "friendly": toy.Friendly}

    schemas.calls = 0
    return schemas


def refusal(text, schema, others):
    with pytest.raises(SpecError) as caught:
        parse_spec(text, schema, "s.txt", (), others)
    return str(caught.value)


def test_spec_of_another_detector_is_told_by_its_fields(toy, others):
    text = "open: 0.5 size: 64 blocks: 1 parts { needed: 1 } soon: true plain: 3"
    assert refusal(text, toy.Friendly, others) == (
        "s.txt: looks like a spec of ruled: open, blocks, parts and 2 more are unknown here; "
        "run 'detforge ruled ...' with it"
    )


def test_spec_of_another_detector_may_have_faults_of_its_own(toy, others):
    text = "opne: 0.5 size: 64 blocks: x parts { needed: 1 } soon: true plain: 3"
    assert "looks like a spec of ruled" in refusal(text, toy.Friendly, others)


def test_spec_that_the_other_detector_half_knows_is_not_its_own(toy, others):
    text = (
        "open: 0.5 size: 64 blocks: 1 parts { needed: 1 } soon: true plain: 3 qq1: 1 qq2: 2 qq3: 3"
    )
    assert "looks like" not in refusal(text, toy.Friendly, others)


@pytest.mark.parametrize(
    "text",
    ["nubmer: 1 flga: true arhc: 'd0' floats: 1 size: 64", "qq1: 1 qq2: 2"],
    ids=["misspelt", "nobody's"],
)
def test_own_spec_with_misspelt_names_keeps_its_own_errors(toy, others, text):
    assert "looks like" not in refusal(text, toy.Friendly, others)
    assert others.calls == 1


def test_one_field_is_a_slip_and_a_whole_block_is_somebodys(toy, others):
    """Alone, a field of another schema is not enough to say whose the file is."""
    assert "looks like" not in refusal("open: 0.5", toy.Friendly, others)
    block = "parts { needed: 1 share: 0.5 } parts { needed: 2 }"
    assert refusal(block, toy.Friendly, others) == (
        "s.txt: looks like a spec of ruled: parts is unknown here; run 'detforge ruled ...' with it"
    )


def test_field_of_another_detector_is_told_whose_it_is(toy, others):
    message = refusal("number: 1 open: 0.5", toy.Friendly, others)
    assert message.startswith("s.txt:1:11: open: a field of ruled (at the top level); known here: ")
    assert "unknown field; known here" in refusal("number: 1 qq: 0.5", toy.Friendly, others)
    assert others.calls == 2


def test_other_schemas_are_not_asked_without_need(toy, others):
    parse_spec("number: 1", toy.Friendly, others=others)
    for text in ("number: x", "nubmer: 1"):
        refusal(text, toy.Friendly, others)
    assert others.calls == 0


def test_experiment_spec_given_for_a_conversion_names_its_detector(others, spec_text):
    message = refusal(spec_text, convert_pb2.Convert, others)
    assert message == (
        "s.txt: looks like an experiment spec of toy, not a conversion spec: random_seed, "
        "toy_config, training_config and 2 more are unknown here; run 'detforge toy train' with it"
    )
