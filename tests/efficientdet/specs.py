"""Small specs of EfficientDet, and what becomes of them."""

from __future__ import annotations

from tests.detector_specs import DetectorSpecs


def spec_text(training: str = "", dataset: str = "", rest: str = "") -> str:
    """Return a spec with the two fields that must be there, in lines 1 and 2, and others."""
    return (
        f"training_config {{ learning_rate: 0.1 {training} }}\n"
        f"dataset_config {{ num_classes: 4 {dataset} }}\n{rest}\n"
    )


specs = DetectorSpecs("efficientdet")
read, recipe = specs.read, specs.recipe
problems, warnings = specs.problems, specs.warnings
