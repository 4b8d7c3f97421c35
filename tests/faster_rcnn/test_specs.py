"""The users' sample, the examples that ship, and the printed one: they are right as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

import detforge_faster_rcnn
from detforge.plugins import load_detector
from detforge.recipe import HorizontalFlip, Sgd, SoftStartSteps
from detforge.roadmap import arrival
from detforge.spec import load_spec
from detforge.spec.template import template
from tests.faster_rcnn.specs import read, recipe, warnings

SPECS = Path(detforge_faster_rcnn.__file__).parent / "specs"


@pytest.fixture
def sample(sample_specs: Path) -> str:
    return (sample_specs / "faster_rcnn.txt").read_text()


def test_users_sample_gives_a_recipe(sample):
    found = recipe(sample)
    assert found.classes.names == ("car", "cyclist", "person")
    assert (found.input.height, found.input.width) == (384, 1248)
    assert found.checkpoints.name == "frcnn_resnet_18"
    assert found.schedule == SoftStartSteps(
        start_learning_rate=0.002,
        learning_rate=0.02,
        soft_start=0.1,
        points=(0.8, 0.9),
        divider=10.0,
    )
    assert found.optimizer == Sgd(momentum=0.9)
    assert found.augmentation == (HorizontalFlip(probability=0.5),)
    assert found.start.pruned.endswith("model_1_pruned.tlt")
    assert found.data.validation_fold == 0


def test_users_sample_says_only_that_the_optimizers_rate_is_not_used(sample):
    assert warnings(sample) == [
        "training_config.optimizer.sgd.lr: has no effect: the rate is that of learning_rate; "
        "remove it"
    ]


def test_users_sample_survives_being_printed_and_read_again(sample):
    message = read(sample).message
    again = read(text_format.MessageToString(message)).message
    assert again == message


def test_key_of_the_users_sample_is_known_and_shown_nowhere(sample):
    spec = read(sample)
    assert spec.key == "nvidia_tlt"
    assert "nvidia_tlt" not in spec.text
    assert "nvidia_tlt" not in text_format.MessageToString(spec.message)


def test_shipped_spec_gives_a_recipe_without_a_warning():
    detector = load_detector("faster_rcnn")
    spec = load_spec(SPECS / "kitti_resnet18.txt", detector.spec_schema())
    found = detector.recipe(spec)
    assert (spec.warnings, found.warnings) == ((), ())
    assert found.data.training
    assert found.data.validation_fold == 0


def test_shipped_conversion_maps_the_classes_of_the_shipped_spec():
    detector = load_detector("faster_rcnn")
    conversion = load_spec(SPECS / "kitti_convert.txt", detector.convert_schema())
    assert conversion.warnings == ()
    experiment = load_spec(SPECS / "kitti_resnet18.txt", detector.spec_schema())
    mapping = dict(conversion.message.target_class_mapping)
    assert mapping == detector.recipe(experiment).classes.mapping


def test_printed_spec_gives_a_recipe_without_a_warning():
    assert warnings(template(load_detector("faster_rcnn").spec_schema().DESCRIPTOR)) == []


@pytest.mark.parametrize("task", ["train", "evaluate", "prune", "infer", "export"])
def test_tasks_come_with_the_detectors_release(task):
    assert arrival(load_detector("faster_rcnn").arrives(task)) == (
        "comes with release 0.7 (Faster R-CNN)"
    )


def test_conversion_works_already():
    assert load_detector("faster_rcnn").arrives("convert") == ""
