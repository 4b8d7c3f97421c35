"""The users' sample and the example that ships: they run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

import detforge_efficientdet
from detforge.plugins import load_detector
from detforge.spec import load_spec
from detforge.spec.template import template
from tests.efficientdet.specs import read, recipe, warnings

SHIPPED = sorted((Path(detforge_efficientdet.__file__).parent / "specs").glob("*.txt"))


@pytest.fixture
def sample(sample_specs: Path) -> str:
    return (sample_specs / "efficientdet.txt").read_text()


def test_users_sample_gives_a_recipe(sample):
    found = recipe(sample)
    assert found.checkpoints.name == "efficientdet_d0"
    assert found.classes.names[-1] == "90"
    assert (found.input.height, found.input.width) == (512, 512)
    assert (found.epochs, found.data.images_per_epoch, found.data.batch_size) == (300, 14700, 16)
    assert found.schedule.learning_rate == 0.1
    assert found.regularizer.weight == 0.00002
    assert found.evaluation.images == 5000
    assert found.inference.score_threshold == 0.4


def test_users_sample_has_three_fields_without_an_effect_and_no_other_warning(sample):
    assert [warning.partition(": has no effect: ")[0] for warning in warnings(sample)] == [
        "training_config.iterations_per_loop",
        "training_config.profile_skip_steps",
        "eval_config.eval_after_training",
    ]


def test_users_sample_survives_being_printed_and_read_again(sample):
    message = read(sample).message
    assert read(text_format.MessageToString(message)).message == message


@pytest.mark.parametrize("name", ["efficientdet", "efficientdet_tf1"])
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_spec_gives_a_recipe_without_a_warning(path, name):
    detector = load_detector(name)
    spec = load_spec(path, detector.spec_schema())
    found = detector.recipe(spec)
    assert (spec.warnings, found.warnings) == ((), ())
    assert found.data.training
    assert found.data.validation
    assert found.classes.channels == 90


def test_printed_spec_gives_a_recipe_without_a_warning():
    text = template(load_detector("efficientdet").spec_schema().DESCRIPTOR)
    assert warnings(text) == []
    assert recipe(text).freeze.blocks == ()


def test_plugin_says_when_its_tasks_come():
    detector = load_detector("efficientdet")
    assert detector.arrives("train") == "efficientdet"
    assert detector.arrives("convert") == ""
