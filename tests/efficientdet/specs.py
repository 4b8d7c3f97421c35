"""Small specs of EfficientDet, and what becomes of them."""

from __future__ import annotations

from detforge.errors import SpecError
from detforge.plugins import load_detector
from detforge.recipe import Recipe
from detforge.spec import Spec, parse_spec


def spec_text(training: str = "", dataset: str = "", rest: str = "") -> str:
    """Return a spec with the two fields that must be there, in lines 1 and 2, and others."""
    return (
        f"training_config {{ learning_rate: 0.1 {training} }}\n"
        f"dataset_config {{ num_classes: 4 {dataset} }}\n{rest}\n"
    )


def read(text: str) -> Spec:
    return parse_spec(text, load_detector("efficientdet").spec_schema())


def recipe(text: str) -> Recipe:
    return load_detector("efficientdet").recipe(read(text))


def problems(text: str) -> list[str]:
    """Return what is wrong with a spec: path and message of each problem, without the place."""
    try:
        recipe(text)
    except SpecError as err:
        return [f"{problem.path}: {problem.message}" for problem in err.problems]
    return []


def warnings(text: str) -> list[str]:
    """Return the warnings of the spec and of its recipe, likewise."""
    spec = read(text)
    found = [*spec.warnings, *load_detector("efficientdet").recipe(spec).warnings]
    return [f"{warning.path}: {warning.message}" for warning in found]
