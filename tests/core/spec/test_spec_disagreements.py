"""Fields that disagree are told with other mistakes, if these have no part in it."""

import re

import pytest
from tests.docs import base_specs

from detforge.errors import PluginError, Problem, SpecError
from detforge.plugins import load_detector
from detforge.spec import parse_spec

SPECS = {
    "ssd": base_specs.SSD,
    "faster_rcnn": base_specs.FASTER_RCNN,
    "efficientdet": base_specs.EFFICIENTDET,
    "mask_rcnn": base_specs.MASK_RCNN,
}


def refusals(text, schema, check=None):
    """Return the lines of the error, none for a right spec."""
    try:
        parse_spec(text, schema, "s.txt", check=check)
    except SpecError as err:
        return [str(problem) for problem in err.problems]
    return []


def saying(path, message):
    """Return a check that always finds this, and remembers what it was given."""

    def check(spec):
        check.specs.append(spec.message)
        raise SpecError(Problem(path, message))

    check.specs = []
    return check


def test_disagreement_comes_in_order_with_other_mistakes(toy):
    text = "open: 2\nblocks: 1\nsize: 10\nnow: 1"
    found = refusals(text, toy.Ruled, saying("blocks", "there are 2 of them"))
    assert [line.split(": ")[:2] for line in found] == [
        ["s.txt:1:7", "open"],
        ["s.txt:2:1", "blocks"],
        ["s.txt:3:7", "size"],
        ["s.txt:4:1", "now"],
    ]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("size", "is odd"),
        ("blocks", "1 is more than size"),
        ("blocks", "1 does not go with large"),
        ("parts[0].share", "is odd"),
        ("parts", "do not add up"),
    ],
    ids=["its own", "named", "its new word", "inside", "around"],
)
def test_disagreement_that_may_come_of_another_mistake_is_left_out(toy, path, message):
    text = "size: 10 blocks: 1 parts { share: 2 needed: 1 } kind: 'big' number: x"
    check = saying(path, message)
    assert not any(message in line for line in refusals(text, toy.Doubtful, check))
    assert len(check.specs) == 1


def test_check_sees_right_values_in_the_place_of_wrong_ones(toy):
    check = saying("", "")
    text = "size: 10 kind: 'big' number: x parts { share: 2 }"
    refusals(text, toy.Doubtful, check)
    (message,) = check.specs
    assert (message.size, message.kind, message.number) == (64, "large", 0)
    assert (message.parts[0].share, message.parts[0].needed) == (pytest.approx(0.1), 8)
    assert message.whole.needed == 8


@pytest.mark.parametrize(
    "text",
    ["open: 0.5 part { needed: 1", "open: 2 } size: 64", "open: 2 part { share: 0.5 }"],
    ids=["never closed", "closed twice", "nothing to put there"],
)
def test_spec_that_cannot_be_mended_is_not_asked_about_further(toy, text):
    check = saying("open", "is odd")
    assert not any("is odd" in line for line in refusals(text, toy.Ruled, check))
    assert check.specs == []


def test_fault_of_the_detector_does_not_hide_that_of_the_spec(toy):
    def check(_):
        raise PluginError("no recipe")

    assert len(refusals("open: 2", toy.Ruled, check)) == 1


def test_right_spec_is_left_to_its_reader(toy):
    check = saying("open", "is odd")
    assert parse_spec("open: 0.5", toy.Ruled, check=check).warnings == ()
    assert check.specs == []


def wrong_values(text):
    """Yield a right text with one value in it wrong, for each value and several wrong ones."""
    for match in re.finditer(r"(?<=: )(\"[^\"]*\"|[\w.+-]+)(?=[ \n}])", text):
        for wrong in ("-1", "?", '"?"', "1e9", '"[0, [1]]"'):
            yield text[: match.start()] + wrong + text[match.end() :]


@pytest.mark.parametrize("name", SPECS)
def test_one_wrong_value_leads_to_no_disagreement_elsewhere(name):
    """The rest is right, so whatever is said beyond the value itself would be wrong."""
    detector, count = load_detector(name), 0
    schema = detector.spec_schema()
    for text in wrong_values(SPECS[name]):
        if found := refusals(text, schema):
            count += 1
            assert refusals(text, schema, detector.check) == found, text
    assert count > 40


WINDOW = "augmentation_config { preprocessing { crop_right: 1248 crop_bottom: 544 } }"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ssd", {'"resnet"': '"efficientnet_b1"', "  nlayers: 18\n": ""}),
        ("ssd", {"height: 300": "height: 30", "arch:": 'steps: "[700, 8, 8, 8, 8, 8]" arch:'}),
        (
            "faster_rcnn",
            {"height: 384": "height: 10", "\ndataset_config": f"\n{WINDOW} dataset_config"},
        ),
        ("mask_rcnn", {"nlayers: 50": "nlayers: 50 max_level: 5.5", "(832,": "(800,"}),
    ],
    ids=["depth of which backbone", "steps", "window", "size"],
)
def test_what_hangs_on_a_wrong_value_is_not_called_wrong_too(name, changes):
    """It would be judged by the value that the schema has in the place of the wrong one."""
    detector, text = load_detector(name), SPECS[name]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    assert len(refusals(text, detector.spec_schema(), detector.check)) == 1


@pytest.mark.parametrize(
    ("name", "old", "new", "further"),
    [
        ("ssd", ", 0.87, 1.05]", ", 0.87]", "ssd_config.scales: has 6 items; it needs 7"),
        ("ssd", "nlayers: 18", "nlayers: 19", "ssd_config.nlayers: resnet has no depth 19"),
        (
            "ssd",
            'key: "van" value: "car"',
            'key: "CAR" value: "van"',
            'target_class_mapping["car"]: labels are compared without case',
        ),
        (
            "faster_rcnn",
            "freeze_blocks: [0, 1]",
            "freeze_blocks: [0, 7]",
            "freeze_blocks[1]: resnet:18 has no block 7",
        ),
        ("efficientdet", "512,512", "500,512", "the height, 500, is no multiple of 32"),
        ("mask_rcnn", "0.02, 0.002]", "0.02]", "learning_rate_decay_levels: holds 2 instead of 3"),
        ("mask_rcnn", "(832, 1344)", "(832, 1340)", "the width, 1340, is no multiple of 64 (2^"),
    ],
)
def test_disagreements_of_a_detector_are_told_with_a_misspelt_name(name, old, new, further):
    detector = load_detector(name)
    text = SPECS[name].replace(old, new) + "qq: 1\n"
    found = refusals(text, detector.spec_schema(), detector.check)
    assert len(found) == 2
    assert any(further in line for line in found)
