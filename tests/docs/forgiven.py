"""What the parser forgives: a table of what is written and what it means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.docs import base_specs
from tests.docs.console import run


@dataclass(frozen=True)
class Forgiven:
    """A piece of spec that is not as the schema has it, and is read all the same.

    Attributes:
        what: in words.
        detector: whose spec it is.
        spec: the correct one.
        old: text that it holds once.
        new: what stands there instead, which the table shows.
        path: field whose value the table shows.
    """

    what: str
    detector: str
    spec: str
    old: str
    new: str
    path: str

    def row(self) -> str:
        """Return the line of the table."""
        assert self.spec.count(self.old) == 1, self.old
        text = self.spec.replace(self.old, self.new)
        shown = run(f"detforge {self.detector} spec --json --check spec.txt", {"spec.txt": text})
        content = json.loads(shown.text[shown.text.index("{") :])
        value = _value(content["spec"], self.path)
        said = "; ".join(warning["message"] for warning in content["warnings"])
        new = " ".join(self.new.split())
        return f"| {self.what} | `{new}` | `{self.path}` is `{json.dumps(value)}` | {said} |"


def _value(spec: Any, path: str) -> Any:
    for name in path.split("."):
        spec = spec[name]
    return spec


def table() -> str:
    """Return the table."""
    head = "| what | written | read as | remark |\n|---|---|---|---|"
    return "\n".join([head, *(case.row() for case in FORGIVEN)]) + "\n"


_SSD = ("ssd", base_specs.SSD)
_EPOCHS = "training_config.num_epochs"

FORGIVEN = (
    Forgiven("a whole number with a point", *_SSD, "num_epochs: 80", "num_epochs: 80.0", _EPOCHS),
    Forgiven(
        "words for yes and no",
        *_SSD,
        "two_boxes_for_ar1: true",
        "two_boxes_for_ar1: True",
        "ssd_config.two_boxes_for_ar1",
    ),
    Forgiven(
        "single or curly quotes",
        *_SSD,
        'arch: "resnet"',
        "arch: \u201cresnet\u201d",
        "ssd_config.arch",
    ),
    Forgiven(
        "case, and `-`, `_`, `:`, `.` and blanks, in a word of a choice",
        "faster_rcnn",
        base_specs.FASTER_RCNN,
        'arch: "resnet:18"',
        'arch: "ResNet-18"',
        "model_config.arch",
    ),
    Forgiven(
        "a short word for a choice",
        "efficientdet",
        base_specs.EFFICIENTDET,
        'model_name: "efficientdet-d0"',
        'model_name: "d0"',
        "model_config.model_name",
    ),
    Forgiven(
        "a list or a size without quotes",
        "mask_rcnn",
        base_specs.MASK_RCNN,
        'image_size: "(832, 1344)"',
        "image_size: (832, 1344)",
        "data_config.image_size",
    ),
    Forgiven(
        "a size as width x height",
        "mask_rcnn",
        base_specs.MASK_RCNN,
        'image_size: "(832, 1344)"',
        "image_size: 1344x832",
        "data_config.image_size",
    ),
    Forgiven(
        "arithmetic in a list",
        *_SSD,
        'aspect_ratios_global: "[1.0, 2.0, 0.5, 3.0, 1.0/3.0]"',
        'aspect_ratios_global: "[1.0, 2.0, 1/2, 3.0, 1/3]"',
        "ssd_config.aspect_ratios_global",
    ),
    Forgiven(
        "another name of a field",
        "efficientdet",
        base_specs.EFFICIENTDET,
        "dataset_config {",
        "data_config {",
        "dataset_config.num_classes",
    ),
    Forgiven(
        "a field in a block where other specs have it",
        "efficientdet",
        base_specs.EFFICIENTDET,
        "model_config {",
        "model_config { max_instances_per_image: 50",
        "dataset_config.max_instances_per_image",
    ),
    Forgiven(
        "a colon before a block",
        *_SSD,
        "regularizer {",
        "regularizer: {",
        "training_config.regularizer.type",
    ),
    Forgiven("commas and semicolons", *_SSD, "num_epochs: 80\n", "num_epochs: 80;\n", _EPOCHS),
    Forgiven(
        "a list as one element each",
        "faster_rcnn",
        base_specs.FASTER_RCNN,
        "scale: [64, 128, 256]",
        "scale: 64 scale: 128 scale: 256",
        "model_config.anchor_box_config.scale",
    ),
    Forgiven(
        "a field given twice",
        *_SSD,
        "num_epochs: 80",
        "num_epochs: 80\n  num_epochs: 40",
        _EPOCHS,
    ),
    Forgiven(
        "a field without effect",
        "efficientdet",
        base_specs.EFFICIENTDET,
        "num_epochs: 300",
        "num_epochs: 300\n  use_xla: true",
        "training_config.num_epochs",
    ),
)
