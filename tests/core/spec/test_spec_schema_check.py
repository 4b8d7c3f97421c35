"""Rules that a schema gets wrong."""

import pytest

from detforge.errors import PluginError
from detforge.protos import convert_pb2
from detforge.spec import check_schema


@pytest.fixture(scope="session")
def wrong(compiled):
    """The message classes of wrong.proto, by name."""
    return compiled("wrong.proto")


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("NoHelp", "NoHelp.number has no help text (rules.help)"),
        ("Alias", "Alias.second has the alias 'first', which is first's name"),
        ("AliasTwice", "AliasTwice.second has the alias 'other', which is first's name"),
        ("Range", "Range.number has a wrong rule: the schema's range of wrong.Range.number is wr"),
        ("RangeOfText", "RangeOfText.text has a range, but holds no numbers"),
        ("Default", "Default.number has the default many, which is wrong: takes a whole number"),
        (
            "DefaultOutOfRange",
            "DefaultOutOfRange.number has the default 0, which is wrong: number: 0 is out of range",
        ),
        ("DefaultOutOfChoices", 'which is wrong: words[1]: "c" is no choice here'),
        ("DefaultSpeltOtherwise", 'has the default "A", which is wrong: a choice is spelt other'),
        ("DefaultBlock", "has the default {}, which is wrong: block.number: is required and abs"),
        ("ExampleOutOfRange", 'has the example "[1, 2]", which is wrong: scales: 2 is out of ra'),
        ("ExampleSize", 'has the example "512;512", which is wrong: size: is no height and width'),
        ("RequiredWithDefault", "RequiredWithDefault.number is required and has a default"),
        ("Feature", "Feature.number has a wrong rule: 'someday' is neither a feature of the road"),
        ("LaterFeature", "LaterFeature.word has a wrong rule: 'someday' is neither a feature"),
        ("LaterWord", "LaterWord.word has the later choice 'b', which is no choice"),
        ("ChoiceTwice", "ChoiceTwice.word has a choice twice"),
        ("ChoiceAliasOfNothing", "has the word 'x' for 'b', which is no choice"),
        ("ChoiceAliasTaken", "has the word 'A1' for 'b', which means 'a-1'"),
        ("ChoicesOfNumber", "ChoicesOfNumber.number has choices, which are for strings"),
        ("Sibling", "rules of wrong.Sibling.number name 'nubmer', no field beside it"),
        ("Itself", "Itself.number refers to itself"),
        ("ListOfNumber", "ListOfNumber.number has list, size or secret, which are for single str"),
        ("SizeOfMany", "SizeOfMany.sizes has list, size or secret, which are for single strings"),
        ("ListAndSize", "ListAndSize.text has both list and size"),
        ("TwoReasons", "TwoReasons.text has more than one of deprecated, arrives and instead"),
        ("SecretWithDefault", "SecretWithDefault.text is secret and has a value in the schema"),
        ("SecretInList", "Key.key has secret, but its block is in a list, map or oneof"),
        ("AlsoNowhere", "also_in of wrong.AlsoNowhere.number names 'hose'; that block and"),
        ("AlsoInList", "Guest.count has also_in, but its block is in a list, map or oneof"),
        ("AlsoFromTwoPlaces", "also_in of wrong.Guest.count names ''; that block and the field's"),
        ("AlsoTaken", "Guest.count is also in '', which has a 'count' itself"),
        ("RetiredWithoutAdvice", "RetiredWithoutAdvice retires 'old' without saying what to do"),
        ("RetiredName", "RetiredName retires 'number', which is still a name here"),
    ],
)
def test_wrong_rule_is_found(wrong, name, finding):
    with pytest.raises(PluginError) as caught:
        check_schema(getattr(wrong, name))
    (line,) = str(caught.value).splitlines()
    assert finding in line


def test_schema_whose_rules_make_sense_passes(wrong):
    check_schema(wrong.Right)


def test_everything_wrong_is_listed_at_once(toy):
    with pytest.raises(PluginError) as caught:
        check_schema(toy.BadRange)
    assert len(str(caught.value).splitlines()) == 2


def test_conversion_schema_passes():
    check_schema(convert_pb2.Convert)
