"""The users' sample, the example that ships, and the printed one: they run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

import detforge_mask_rcnn
from detforge.plugins import load_detector
from detforge.roadmap import arrival
from detforge.spec import load_spec
from detforge.spec.template import template
from tests.mask_rcnn.specs import read, recipe, warnings

SHIPPED = sorted((Path(detforge_mask_rcnn.__file__).parent / "specs").glob("*.txt"))


@pytest.fixture
def sample(sample_specs: Path) -> str:
    return (sample_specs / "mask_rcnn.txt").read_text()


def test_users_sample_gives_a_recipe_without_a_warning(sample):
    assert warnings(sample) == []
    found = recipe(sample)
    assert found.classes.channels == 91
    assert (found.input.height, found.input.width) == (832, 1344)
    assert found.steps == 120000
    assert found.schedule.levels == (0.1, 0.02, 0.002)
    assert found.data.batch_size == 2
    assert found.evaluation.images == 500


def test_users_sample_survives_being_printed_and_read_again(sample):
    message = read(sample).message
    again = read(text_format.MessageToString(message)).message
    assert again == message


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_spec_gives_a_recipe_without_a_warning(path):
    detector = load_detector("mask_rcnn")
    spec = load_spec(path, detector.spec_schema())
    found = detector.recipe(spec)
    assert (spec.warnings, found.warnings) == ((), ())
    assert found.data.training
    assert found.data.validation


def test_shipped_spec_passes_over_coco_twelve_times():
    found = recipe((SHIPPED[0]).read_text())
    assert found.steps * found.data.batch_size == pytest.approx(12 * 118_287, rel=0.02)


def test_printed_spec_gives_a_recipe_without_a_warning():
    text = template(load_detector("mask_rcnn").spec_schema().DESCRIPTOR)
    assert warnings(text) == []


@pytest.mark.parametrize("task", ["train", "evaluate", "prune", "infer", "export"])
def test_tasks_come_with_the_detectors_release(task):
    assert arrival(load_detector("mask_rcnn").arrives(task)) == (
        "comes with release 0.9 (Mask R-CNN)"
    )
