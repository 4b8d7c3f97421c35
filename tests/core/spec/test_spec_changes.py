"""Fields that the command line changes: ``--set path=value``."""

import pytest
from google.protobuf.json_format import MessageToDict

from detforge.errors import Problem, SpecError
from detforge.spec import load_spec, parse_spec

TEXT = """\
number: 1
arch: "tiny-d0"
floats: [1, 2]
strings: "a"
strings: "b"
by_name { key: "x" value: "One" }
"""


def changed(toy, *changes, text=TEXT):
    message = parse_spec(text, toy.Friendly, "s.txt", changes).message
    return MessageToDict(message, preserving_proto_field_name=True)


def refusal(schema, *changes, text=""):
    with pytest.raises(SpecError) as caught:
        parse_spec(text, schema, "s.txt", changes)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("number=3", "number", 3),
        (" number = 3.0 ", "number", 3),
        ("arch=tiny-d1", "arch", "tiny-d1"),
        ("arch=Tiny D1", "arch", "tiny-d1"),
        ('arch="d0"', "arch", "tiny-d0"),
        ("arch=“d0”", "arch", "tiny-d0"),
        ("flag=True", "flag", True),
        ("color=red", "color", "RED"),
        ("size=640x480", "size", "640x480"),
        ("scales=[1, 1/3]", "scales", "[1, 1/3]"),
        ("scales=", "scales", ""),
        ("floats=[3, 4]", "floats", [3, 4]),
        ("floats=3,4", "floats", [3, 4]),
        ("floats=3", "floats", [3]),
        ("floats=[]", "floats", None),
        ("floats[1]=5", "floats", [1, 5]),
        ("floats.0=5", "floats", [5, 2]),
        ("strings=c", "strings", ["c"]),
        ("strings=[c, 'd, e', \"f\"]", "strings", ["c", "d, e", "f"]),
        ("strings=c d, /e#", "strings", ["c d", "/e#"]),
        ("strings=[]", "strings", None),
        (r"strings[0]=C:\data\new", "strings", [r"C:\data\new", "b"]),
        ('strings[0]=say "x"', "strings", ['say "x"', "b"]),
        ('by_name["x"]=Two', "by_name", {"x": "Two"}),
        ("by_name[x]=two", "by_name", {"x": "Two"}),
        ("by_name.x='Two'", "by_name", {"x": "Two"}),
        ('by_name["a.b=c"]=Two', "by_name", {"x": "One", "a.b=c": "Two"}),
        ('by_name={key: "y" value: "Two"}', "by_name", {"y": "Two"}),
    ],
)
def test_change_replaces_what_the_text_gives(toy, change, field, value):
    found = changed(toy, change)
    assert found.get(field) == value
    assert {**found, field: None} == {**changed(toy), field: None}


@pytest.mark.parametrize(
    ("change", "part", "wanted"),
    [
        ("part.needed=7", "needed: 3", "needed: 7"),
        ("part={needed: 7}", "share: 1 needed: 3", "needed: 7"),
        ("parts[1].needed=7", "needed: 2", "needed: 7"),
        ("parts[0]={needed: 7}", "needed: 1", "needed: 7"),
        ("parts=[{needed: 7}]", "parts { needed: 1 } parts { needed: 2 }", "parts { needed: 7 }"),
        ("parts={needed: 7}", "parts { needed: 1 } parts { needed: 2 }", "parts { needed: 7 }"),
        ("n_shards=7", "shards: 5", "shards: 7"),
        ("shards=[]", "shards: 5", "shards: []"),
        ("plain=0", "plain: 5", "plain: 0"),
        ("first.needed=7", "needed: 4", "needed: 7"),
        ("second.needed=7", "first { needed: 4 }", "second { needed: 7 }"),
        ("second={needed: 7}", "first { needed: 4 }", "second { needed: 7 }"),
    ],
)
def test_change_is_as_if_the_text_said_so(toy, change, part, wanted):
    text = (
        "parts { needed: 1 } parts { needed: 2 } part { share: 1 needed: 3 } "
        "first { needed: 4 } shards: 5 plain: 5"
    )
    assert part in text
    spec = parse_spec(text, toy.Ruled, changes=[change])
    assert spec.message == parse_spec(text.replace(part, wanted), toy.Ruled).message
    assert spec.warnings == ()


def test_change_makes_the_blocks_it_needs(toy):
    message = parse_spec(
        "", toy.Kinds, changes=["inner.inner.number=5", "by_truth[true]={}"]
    ).message
    assert message.inner.inner.number == 5
    assert list(message.by_truth) == [True]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("number=x", "number: takes a whole number, from 0 to 4294967295; found x"),
        ("number=", "number: has no value; it takes a whole number, from 0 to 4294967295"),
        ("number=3 flag: true", "number: takes one value; found more behind it: flag: true"),
        ("number=3}", "number: takes one value; found more behind it: }"),
        ("nubmer=3", 'nubmer: unknown field; did you mean "number"?'),
        ("number.x=3", "number: is a single value; it has no x"),
        ("size=16,512", "size: 16 is out of range; allowed: from 32 to 4096 px"),
        ("arch=vgg", 'arch: "vgg" is no choice here; use '),
        ("floats[0]=1", "floats: is empty; there is no 0"),
        ("floats.x=1", "floats: is a list; name an element, such as floats[0]"),
        ("strings=", "strings[0]: has no value; it takes text in quotes"),
        ("floats=1,x", "floats[1]: takes a number; found x"),
        ('by_name["x"]=Three', 'by_name["x"]: "Three" is no choice here; use "One" or "Two"'),
        ("old_block.share=1", "old_block: is no field here; write share in host"),
        ("number", "takes path=value, as in training_config.num_epochs=3"),
        ("=3", "takes path=value, as in training_config.num_epochs=3"),
        ("", "takes path=value, as in training_config.num_epochs=3"),
        ("num ber=3", "takes path=value, as in training_config.num_epochs=3"),
        ("floats[0=3", "takes path=value, as in training_config.num_epochs=3"),
        ("by_name=1", "by_name: takes a block: by_name { key: ... value: ... }; found 1"),
    ],
)
def test_wrong_change_is_an_error_that_shows_the_change(toy, change, problem):
    (found,) = refusal(toy.Friendly, change)
    assert found.startswith(f"--set {change}: ".replace("  ", " ") + problem)


def test_change_with_a_block_that_is_not_closed_is_an_error(toy):
    assert refusal(toy.Ruled, "part={needed: 1") == [
        '--set part={needed: 1: part: this block is never closed; add a "}"'
    ]


def test_element_of_a_map_of_numbers_is_named_in_errors(toy):
    assert refusal(toy.Ruled, 'mean["b"]=x') == [
        '--set mean["b"]=x: mean["b"]: takes a number; found x'
    ]
    assert refusal(toy.Ruled, "mean.b=999") == [
        '--set mean.b=999: mean["b"]: 999 is out of range; allowed: from 0 to 255'
    ]


def test_errors_of_text_and_changes_come_together(toy):
    assert [problem.split(": ")[0] for problem in refusal(
        toy.Friendly, "number=x", "flag=5", text="floats: a\nsize: 1"
    )] == ["s.txt:1:9", "s.txt:2:7", "--set number=x", "--set flag=5"]  # fmt: skip


def test_what_lacks_inside_a_changed_block_is_located_at_the_change(toy):
    assert refusal(toy.Ruled, "part.share=0.5") == [
        "--set part.share=0.5: part.needed: is required and absent: side of the part (px)"
    ]


def test_problems_of_the_recipe_are_located_at_the_change(toy, spec_text):
    changes = ["training_config.num_epochs=3", "nms_config.top_k=5"]
    spec = parse_spec(spec_text, toy.Toy, "s.txt", changes)
    for path, file in (
        ("training_config.num_epochs", "--set training_config.num_epochs=3"),
        ("nms_config.confidence_threshold", "--set nms_config.top_k=5"),
        ("training_config.optimizer", "s.txt"),
    ):
        assert spec.locate(Problem(path, "message")).file == file


def test_required_field_may_come_from_a_change(toy):
    text = "names: 'a' mapping { key: 'a' value: 'b' } part { needed: 1 }"
    assert parse_spec(text, toy.Demanding, changes=["number=3"]).message.number == 3


def test_field_changed_twice_takes_the_last_value_and_warns(toy):
    spec = parse_spec("", toy.Friendly, changes=["number=3", "number=4"])
    assert spec.message.number == 4
    (warning,) = spec.warnings
    assert str(warning) == "--set number=4: number: is set twice; the last one counts"
    assert parse_spec("", toy.Friendly, changes=["number=3", "number=3"]).warnings == ()


@pytest.mark.parametrize(
    ("text", "change", "chosen"),
    [
        ("word: 'a'", "code=3", "code"),
        ("block { number: 1 }", "word=a", "word"),
        ("code: 3", "block.number=1", "block"),
        ("block { number: 1 }", "block.number=2", "block"),
    ],
)
def test_change_to_another_member_of_a_oneof_replaces_the_first(toy, text, change, chosen):
    spec = parse_spec(text, toy.Kinds, "s.txt", [change])
    assert spec.message.WhichOneof("choice") == chosen
    given = {path.partition(".")[0] for path in (*spec.positions, *spec.changes)}
    assert given == {chosen}


def test_guest_may_be_changed_under_either_path(toy):
    for path in ("host.instances", "home.instances", "deep.host.max_instances"):
        spec = parse_spec("home { instances: 5 }", toy.Guests, changes=[f"{path}=50"])
        assert spec.message.home.instances == 50
        assert not spec.message.HasField("host")
        assert spec.warnings == ()
    message = parse_spec("", toy.Guests, changes=["host.instances=50"]).message
    assert (message.home.instances, message.home.name) == (50, "somebody")
    message = parse_spec("host { instances: 50 }", toy.Guests, changes=["home.name=x"]).message
    assert (message.home.instances, message.home.name) == (50, "x")


def test_key_in_a_change_is_read_and_not_shown(toy):
    spec = parse_spec("enc_key: 'old'", toy.Friendly, changes=["enc_key=geheim", "number=1"])
    assert spec.key == "geheim"
    assert "geheim" not in repr(spec) + spec.text
    for change in ("enc_kye=geheim", "enc_key={geheim}", "model_key.x=geheim"):
        assert "geheim" not in "".join(refusal(toy.Friendly, change, "number=x"))


@pytest.mark.parametrize(
    ("kind", "text", "changes"),
    [
        ("Friendly", TEXT, ["number=3"]),
        ("Friendly", TEXT, ["floats=[]", 'strings[0]=a "b"\\c\n\t\u201cd\u201d']),
        ("Friendly", "", ["enc_key=x", "arch=D0"]),
        ("Ruled", "part { share: 0 needed: 1 } size: 40", ["shards=[]", "plain=0"]),
        ("Ruled", "parts { needed: 1 } mean { key: 'a\"' value: 0.1 }", ["parts[0].share=0"]),
        ("Guests", "host { instances: 50 }", ["top=3"]),
        ("Guests", "host { instances: 50 }", ["deep.host.share=3"]),
        ("Guests", "", ["host.instances=50"]),
        (
            "Kinds",
            "float: 0.1 double: 0.1 bytes: '\\377\\000' color: BLUE by_truth { key: true value "
            "{ number: 1 } } double: 0.12345678901234567 by_number { } inners {}",
            ["float=-inf", "string=\x01ä"],
        ),
    ],
)
def test_stored_text_of_a_changed_spec_gives_the_same_message(toy, kind, text, changes):
    schema = getattr(toy, kind)
    spec = parse_spec(text, schema, "s.txt", changes)
    assert parse_spec(spec.text, schema).message == spec.message


def test_stored_text_says_what_was_changed(toy):
    text = parse_spec("number: 1 # one", toy.Friendly, "s.txt", ["flag=true"]).text
    assert text == (
        "# Written anew, with these changes:\n# --set flag=true\nnumber: 1\nflag: true\n"
    )


def test_text_without_changes_is_stored_as_it_is(toy):
    assert parse_spec(TEXT, toy.Friendly).text == TEXT


def test_file_may_be_changed_too(toy, tmp_path):
    path = tmp_path / "s.txt"
    path.write_text(TEXT, encoding="utf-8")
    assert load_spec(path, toy.Friendly, ["number=3"]).message.number == 3
