"""EfficientDet for detforge: a weighted feature pyramid on EfficientNet (arXiv:1911.09070).

This release reads, checks and prints its specs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge import hookimpl

if TYPE_CHECKING:
    from detforge.recipe import Recipe
    from detforge_efficientdet import spec_pb2


@hookimpl
def spec_schema() -> type[spec_pb2.Experiment]:
    from detforge_efficientdet import spec_pb2

    return spec_pb2.Experiment


@hookimpl
def recipe(spec: spec_pb2.Experiment) -> Recipe:
    from detforge_efficientdet.recipe import to_recipe

    return to_recipe(spec)


@hookimpl
def arrives(task: str) -> str | None:
    return "coco_conversion" if task == "convert" else "efficientdet"
