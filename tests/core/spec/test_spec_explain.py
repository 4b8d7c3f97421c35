"""What is said about a field, and by which names it is found."""

import json

import pytest

from detforge.spec.as_json import problem_as_json, schema_as_json, spec_as_json
from detforge.spec.explain import describe, find_field, similar_paths
from detforge.spec.load import parse_spec


@pytest.fixture(scope="session")
def printed(compiled):
    """The message classes of printed.proto, by name."""
    return compiled("printed.proto")


def explained(name, schema):
    return describe(*find_field(name, schema.DESCRIPTOR))


def test_everything_about_a_field_is_said(printed):
    assert explained("epochs", printed.Spec) == "\n".join(
        [
            "training.epochs",
            "  Length of the run.",
            "  kind        whole number",
            "  required    yes",
            "  example     80",
            "  allowed     in epochs, at least 1",
            "  also named  num_epochs, n_epochs",
        ]
    )


def test_blocks_of_one_type_are_explained_together(printed):
    assert explained("arch", printed.Spec) == "\n".join(
        [
            "first.arch",
            "second.arch",
            "  Backbone.",
            "  kind        text",
            '  choices     "resnet"',
            '  later       comes with release 0.10 (quantisation): "vgg", "darknet"',
        ]
    )


def test_block_is_explained_with_its_fields_and_rivals(printed):
    assert explained("training.sgd", printed.Spec) == "\n".join(
        [
            "training.sgd",
            "  Gradient descent.",
            "  kind        block",
            "  excludes    named, adam",
            "  fields      momentum",
        ]
    )
    assert explained("training", printed.Spec).endswith(
        "fields      epochs, rate, named, adam, sgd, second"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("old", "training.old\n  Old.\n  Has no effect: nothing reads it.\n"),
        ("gone", "training.gone\n  Gone.\n  Has no effect: say -x.\n"),
        ("adam", "training.adam\n  Adam.\n  Comes with release 0.10 (quantisation).\n"),
        ("adam.momentum", "training.adam.momentum: comes with release 0.10 (quantisation)"),
        ("soon", "first.soon\nsecond.soon\n  Soon.\n  Comes with release 0.10 (quantisation).\n"),
        (
            "blocks",
            "  kind        whole number; may be repeated\n  note        has no effect without arch",
        ),
        ("shapes", "  allowed     above 0 and below 1\n  note        has no effect beside scales"),
        ("mapping", "  kind        text, as key and value; may be repeated\n  example     [{ key:"),
    ],
    ids=[
        "deprecated",
        "instead",
        "later",
        "in a later block",
        "later here",
        "needs",
        "yields",
        "map",
    ],
)
def test_what_limits_a_field_is_said(printed, name, said):
    assert said in explained(name, printed.Spec)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("epochs", ["training.epochs"]),
        ("n_epochs", ["training.epochs"]),
        ("training.n_epochs", ["training.epochs"]),
        ("sources[0].limit", ["sources.limit"]),
        ("limit", ["sources.limit", "validation.limit"]),
        ('mapping["car"]', ["mapping"]),
        ("sgd.momentum", ["training.sgd.momentum"]),
        ("gd.momentum", []),
        ("epoch", []),
        ("", []),
        ("...", []),
    ],
    ids=repr,
)
def test_fields_are_found_by_name_alias_and_path(printed, name, paths):
    found, retired = find_field(name, printed.Spec.DESCRIPTOR)
    assert [entry.path for entry in found] == paths
    assert not retired


def test_words_and_places_that_the_parser_forgives_are_said(toy):
    said = explained("arch", toy.Friendly)
    assert '  synonyms    "d0" for "tiny-d0", "tiny" for "tiny-d0"' in said
    assert "  also in     host, deep.host" in explained("instances", toy.Guests)
    assert "  also in     the top level" in explained("top", toy.Guests)
    assert "  secret      shown and stored nowhere" in explained("enc_key", toy.Friendly)


def test_retired_name_is_explained_by_what_replaced_it(toy):
    assert explained("old_block", toy.Friendly) == (
        "old_block\n  No field here; write share in host."
    )


def test_similar_names_are_found_among_aliases_too(printed):
    assert similar_paths("training.num_epoch", printed.Spec.DESCRIPTOR)[0] == "training.epochs"
    assert similar_paths("Momentun", printed.Spec.DESCRIPTOR) == ["training.adam.momentum"]
    assert similar_paths("xyz", printed.Spec.DESCRIPTOR) == []


def test_schema_as_json_holds_what_applies_to_each_field(printed):
    content = json.loads(json.dumps(schema_as_json(printed.Spec.DESCRIPTOR)))
    fields = {field["path"]: field for field in content["fields"]}
    assert fields["training.epochs"] == {
        "path": "training.epochs",
        "type": "integer",
        "required": True,
        "help": "Length of the run.",
        "example": "80",
        "unit": "epochs",
        "minimum": 1,
        "aliases": ["num_epochs", "n_epochs"],
    }
    assert fields["first.arch"] == {
        "path": "first.arch",
        "type": "text",
        "required": False,
        "help": "Backbone.",
        "choices": ["resnet"],
        "later_choices": {"vgg": "0.10", "darknet": "0.10"},
    }
    assert fields["scoring.momentum"] == {
        "path": "scoring.momentum",
        "type": "number",
        "required": False,
        "help": "Momentum",
        "default": "0.9",
        "minimum": 0,
        "exclusive_maximum": 1,
    }
    assert fields["training.adam.momentum"]["arrives"] == "0.10"
    assert fields["training.old"]["no_effect"] == "nothing reads it"
    assert fields["mapping"]["map"]
    assert fields["mapping"]["repeated"]


def test_retired_names_are_part_of_the_schema_as_json(toy):
    assert schema_as_json(toy.Friendly.DESCRIPTOR)["retired"] == [
        {"path": "old_block", "advice": "write share in host"},
        {"path": "gone", "advice": "remove it"},
    ]


def test_spec_as_json_has_defaults_and_no_keys(toy):
    text = 'enc_key: "open sesame" floats: [0.1, 2] color: RED size: "640x480"'
    message = parse_spec(text, toy.Friendly).message
    assert spec_as_json(message) == {
        "size": "640x480",
        "floats": [0.1, 2.0],
        "color": "RED",
    }
    assert spec_as_json(parse_spec("part { needed: 3 }", toy.Ruled).message)["part"] == {
        "share": 0.1,
        "needed": 3,
    }


def test_problem_as_json_leaves_unknown_places_empty():
    from detforge.errors import Problem

    assert problem_as_json(Problem("a.b", "is wrong", "s.txt", 3, 7)) == {
        "file": "s.txt",
        "path": "a.b",
        "line": 3,
        "column": 7,
        "message": "is wrong",
    }
    assert problem_as_json(Problem("", "no such file", "s.txt"))["line"] is None
