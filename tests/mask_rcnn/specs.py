"""Small specs of Mask R-CNN, and what becomes of them."""

from __future__ import annotations

from detforge.errors import SpecError
from detforge.plugins import load_detector
from detforge.spec import Spec, parse_spec


def spec_text(top: str = "total_steps: 1000", model: str = "", data: str = "num_classes: 4") -> str:
    """Return a spec with what must be there, as far as the arguments leave it so."""
    return (
        f"num_steps_per_eval: 100\n{top}\n"
        f"maskrcnn_config {{\n{model}\n}}\n"
        f"data_config {{\n{data}\n}}\n"
    )


def read(text: str) -> Spec:
    return parse_spec(text, load_detector("mask_rcnn").spec_schema())


def recipe(text: str):
    return load_detector("mask_rcnn").recipe(read(text))


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
    found = [*spec.warnings, *load_detector("mask_rcnn").recipe(spec).warnings]
    return [f"{warning.path}: {warning.message}" for warning in found]
