"""The commented example of a spec: what stands in it, and that it says what it means."""

import re

import pytest
from google.protobuf import descriptor_pb2

from detforge.plugins import load_detector
from detforge.spec import parse_spec
from detforge.spec.defaults import parse_value
from detforge.spec.fields import is_map, rules_of
from detforge.spec.outline import entries
from detforge.spec.parser import parse_text
from detforge.spec.template import WIDTH, template

EXPECTED = """\
# Training data. Required. May be repeated.
sources {
  # Folder of images.
  #images: ""
  # Pattern of records.
  records: "a*"
  # Most images. In images.
  #limit: 9
}
sources {
  records: "b*"
  limit: 3
}

# Validation data. May be repeated. Fields as in sources.
#validation { ... }

# Label -> class. May be repeated.
mapping { key: "car" value: "car" }
mapping { key: "van" value: "car" }

# Mean. May be repeated. The value is an example.
#mean { key: "" value: 0 }

# Training. Required.
training {
  # Length of the run. Required. In epochs, at least 1. Also written num_epochs or n_epochs.
  epochs: 80
  # Learning rate. Required.
  rate: 5e-5
  # A name. In place of sgd.
  #named: ""

  # Adam. Comes with release 0.10 (quantisation). In place of sgd. Fields as in training.sgd.
  #adam { ... }

  # Gradient descent.
  sgd {
    # Momentum. At least 0 and below 1.
    #momentum: 0.9
  }

  # A further one, absent as a rule. Fields as in training.sgd.
  #second { ... }
}

# Scoring. Fields as in training.sgd.
scoring {
  momentum: 0.5
}

# The network.
first {
  # Backbone. Choices: "resnet". Comes with release 0.10 (quantisation): "vgg", "darknet". The value
  # is an example.
  #arch: "resnet"
  # Shapes. Above 0 and below 1. Has no effect beside scales. The value is an example.
  #shapes: "[0.5]"
  # One list for each of the maps, which are as many as the network has, counted from the largest.
  scales:
    "[[1.0, 2.0, 0.5], [1.0, 2.0, 0.5, 3.0, 1.0/3.0], [1.0, 2.0, 0.5, 3.0, 1.0/3.0], [1.0, 2.0], "
    "[0.5, 1.0/3.0]]"
  # Frozen. May be repeated. Has no effect without arch. The value is an example.
  #blocks: 0
  # Soon. Comes with release 0.10 (quantisation).
  #soon: false

  # Later. Comes with release 0.9. Fields as in training.sgd.
  #later { ... }
}

# Another network. In place of first. Fields as in first.
#second { ... }
"""

SCHEMAS = [
    pytest.param((name, task), id=f"{name} {task}")
    for name in ("ssd", "dssd", "faster_rcnn", "efficientdet", "efficientdet_tf1", "mask_rcnn")
    for task in ("spec_schema", "convert_schema")
]


@pytest.fixture(scope="session")
def printed(compiled):
    """The message classes of printed.proto, by name."""
    return compiled("printed.proto")


@pytest.fixture
def schema(request):
    name, task = request.param
    return getattr(load_detector(name), task)()


def test_each_kind_of_field_has_its_form(printed):
    assert template(printed.Spec.DESCRIPTOR) == EXPECTED


def test_preferred_alternative_is_the_active_one(printed):
    text = template(printed.Spec.DESCRIPTOR, prefer="second")
    assert parse_spec(text, printed.Spec).message.WhichOneof("network") == "second"
    assert "# The network. In place of second. Fields as in second.\n#first { ... }\n" in text
    assert "\nsecond {\n  # Backbone." in text


def test_example_of_an_outer_block_decides_what_is_active_inside(printed):
    message = parse_spec(template(printed.Spec.DESCRIPTOR), printed.Spec).message
    assert [(one.records, one.limit) for one in message.sources] == [("a*", 9), ("b*", 3)]
    assert dict(message.mapping) == {"car": "car", "van": "car"}
    assert message.scoring.momentum == 0.5


@pytest.mark.parametrize(
    "name", ["Kinds", "Ruled", "Friendly", "Guests", "Demanding", "Home", "Switched"]
)
def test_example_of_any_schema_can_be_read(toy, name):
    schema = getattr(toy, name)
    assert not parse_spec(template(schema.DESCRIPTOR), schema).warnings


def test_schema_that_contains_itself_comes_to_an_end():
    lines = template(descriptor_pb2.DescriptorProto.DESCRIPTOR).splitlines()
    assert "#nested_type {" in lines
    assert "  #nested_type { ... }" in lines


@pytest.mark.parametrize("schema", SCHEMAS, indirect=True)
def test_example_of_a_detector_fits_the_width(schema):
    assert max(map(len, template(schema.DESCRIPTOR).splitlines())) <= WIDTH


@pytest.mark.parametrize("schema", SCHEMAS, indirect=True)
def test_example_of_a_detector_holds_its_examples_and_defaults(schema):
    spec = parse_spec(template(schema.DESCRIPTOR), schema)
    assert not spec.warnings
    held = dict(_scalars(spec.message))
    wanted = {
        field: getattr(parse_value(field, rules.example or rules.default), field.name)
        for field in held
        if (rules := rules_of(field)).example or rules.default
    }
    assert wanted
    assert {field.full_name: held[field] for field in wanted} == {
        field.full_name: value for field, value in wanted.items()
    }


@pytest.mark.parametrize("schema", SCHEMAS, indirect=True)
def test_example_of_a_detector_shows_all_that_works_and_nothing_that_never_will(schema):
    names = set(re.findall(r"(?m)^ *#?(\w+)(?:: ?| \{)", template(schema.DESCRIPTOR)))
    for entry in entries(schema.DESCRIPTOR):
        around = [rules_of(outer.field) for outer in entry.around()]
        if any(rules.deprecated or rules.instead for rules in around[:1]):
            continue
        if not any(rules.deprecated or rules.instead or rules.arrives for rules in around[1:]):
            assert entry.field.name in names, entry.path


@pytest.mark.parametrize("schema", SCHEMAS, indirect=True)
def test_each_commented_field_of_a_detector_can_be_uncommented(schema):
    lines = template(schema.DESCRIPTOR).splitlines()
    commented = [
        at for at, line in enumerate(lines) if re.match(r" *#\w+(: ?| \{)(?!.*\.\.\.)", line)
    ]
    assert commented
    for at in commented:
        parsed = parse_text("\n".join(_uncommented(lines, at)), schema())
        faults = [
            problem for problem in parsed.problems if "cannot stand beside" not in problem.message
        ]
        assert not faults, lines[at]
        assert any(place.line == at + 1 for place in parsed.positions.values()), lines[at]


def _scalars(message):
    """Yield field and value of what a message and its blocks hold, lists of blocks left out."""
    for field, value in message.ListFields():
        if field.message_type is None or is_map(field):
            yield field, value
        elif not field.is_repeated:
            yield from _scalars(value)


def _uncommented(lines, at):
    """Return the lines with one field no longer commented out, nor the blocks around it."""
    opened, active = [], {at}
    for number, line in enumerate(lines):
        if re.match(r" *#\w+ \{$", line):
            opened.append(number)
        elif re.match(r" *#\}$", line):
            first = opened.pop()
            if first <= at <= number:
                active |= {first, number}
        elif re.match(r' *#  "', line) and number - 1 in active:
            active.add(number)
    return [
        line.replace("#", "", 1) if number in active else line for number, line in enumerate(lines)
    ]
