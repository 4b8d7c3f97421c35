"""The example specs that ship with the plugin run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

import detforge_ssd
from detforge.plugins import load_detector
from detforge.spec import load_spec

FOLDER = Path(detforge_ssd.__file__).parent / "specs"
CONVERT = sorted(FOLDER.glob("*_convert.txt"))
EXPERIMENT = sorted(set(FOLDER.glob("*.txt")) - set(CONVERT))


@pytest.mark.parametrize("path", EXPERIMENT, ids=lambda path: path.stem)
def test_shipped_experiment_gives_a_recipe_without_a_warning(path):
    detector = load_detector("ssd")
    spec = load_spec(path, detector.spec_schema())
    assert spec.warnings == ()
    recipe = detector.recipe(spec)
    assert recipe.checkpoints.name.startswith("ssd_resnet")
    assert recipe.data.training
    assert recipe.data.validation


@pytest.mark.parametrize("path", CONVERT, ids=lambda path: path.stem)
def test_shipped_conversion_maps_the_classes_of_its_experiment(path):
    detector = load_detector("ssd")
    mapping = load_spec(path, detector.convert_schema()).message.target_class_mapping
    experiments = [p for p in EXPERIMENT if p.stem.startswith(path.stem.removesuffix("_convert"))]
    assert experiments
    for experiment in experiments:
        names = detector.recipe(load_spec(experiment, detector.spec_schema())).classes.names
        assert set(mapping.values()) == set(names)
