"""Small specs of Mask R-CNN, and what becomes of them."""

from __future__ import annotations

from tests.detector_specs import DetectorSpecs


def spec_text(top: str = "total_steps: 1000", model: str = "", data: str = "num_classes: 4") -> str:
    """Return a spec with what must be there, as far as the arguments leave it so."""
    return (
        f"num_steps_per_eval: 100\n{top}\n"
        f"maskrcnn_config {{\n{model}\n}}\n"
        f"data_config {{\n{data}\n}}\n"
    )


specs = DetectorSpecs("mask_rcnn")
read, recipe = specs.read, specs.recipe
problems, warnings = specs.problems, specs.warnings
