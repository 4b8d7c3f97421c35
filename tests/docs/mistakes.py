"""Mistakes that people make in specs, made in the short specs of `base_specs`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tests.docs import base_specs
from tests.docs.console import Shown, fenced, run


@dataclass(frozen=True)
class Mistake:
    """A correct spec with one thing changed, and the command that is given it.

    Attributes:
        name: of its block in the page.
        spec: the correct one.
        old: text that it holds once; empty where the mistake is in the command.
        new: what stands there instead.
        line: the command line; the file is ``spec.txt``.
    """

    name: str
    spec: str
    old: str
    new: str
    line: str = "detforge ssd spec --check spec.txt"

    @property
    def text(self) -> str:
        """The mistaken spec."""
        if not self.old:
            return self.spec
        assert self.spec.count(self.old) == 1, self.old
        return self.spec.replace(self.old, self.new)

    def run(self) -> Shown:
        """Give the mistaken spec to the command."""
        return run(self.line, {"spec.txt": self.text})

    def block(self) -> str:
        """Return the mistaken lines and what the user sees."""
        shown = fenced(f"$ {self.line}\n{self.run().text}", "console")
        return f"{fenced(excerpt(self.spec, self.text))}\n{shown}" if self.old else shown


def excerpt(before: str, after: str) -> str:
    """Return the lines of a text that differ from another one, each with its number.

    Where lines are gone, the neighbours of the gap are shown.
    """
    old, new = before.splitlines(), after.splitlines()
    shown: set[int] = set()
    for tag, _, _, start, end in difflib.SequenceMatcher(a=old, b=new).get_opcodes():
        if tag != "equal":
            shown.update(range(start - 1, end + 1) if start == end else range(start, end))
    lines = [number for number in sorted(shown) if 0 <= number < len(new)]
    return "\n".join(f"{number + 1:3}  {new[number]}" for number in lines)


FASTER_RCNN = "detforge faster_rcnn spec --check spec.txt"
EFFICIENTDET = "detforge efficientdet spec --check spec.txt"
MASK_RCNN = "detforge mask_rcnn spec --check spec.txt"

MISTAKES = (
    Mistake("misspelt", base_specs.SSD, "num_epochs: 80", "num_epoch: 80"),
    Mistake("wrong-enum", base_specs.SSD, "type: L1", "type: L3"),
    Mistake(
        "wrong-word",
        base_specs.EFFICIENTDET,
        '"efficientdet-d0"',
        '"efficientdet-d9"',
        EFFICIENTDET,
    ),
    Mistake(
        "missing-brace",
        base_specs.FASTER_RCNN,
        "    ratio: [1.0, 0.5, 2.0]\n  }\n",
        "    ratio: [1.0, 0.5, 2.0]\n",
        FASTER_RCNN,
    ),
    Mistake("list-length", base_specs.SSD, ", 0.87, 1.05]", ", 0.87]"),
    Mistake(
        "list-lengths-differ", base_specs.MASK_RCNN, "[0.1, 0.02, 0.002]", "[0.1, 0.02]", MASK_RCNN
    ),
    Mistake("class-twice", base_specs.SSD, 'key: "van" value: "car"', 'key: "car" value: "van"'),
    Mistake("out-of-range", base_specs.SSD, "random_flip: 0.5", "random_flip: 50"),
    Mistake("other-detectors-field", base_specs.SSD, "random_flip: 0.5", "hflip_probability: 0.5"),
    Mistake(
        "wrong-block",
        base_specs.FASTER_RCNN,
        "  freeze_blocks: [0, 1]\n",
        "  freeze_blocks: [0, 1]\n  batch_size_per_gpu: 8\n",
        FASTER_RCNN,
    ),
    Mistake("other-detectors-spec", base_specs.SSD, "", "", EFFICIENTDET),
    Mistake(
        "conversion-spec", base_specs.KITTI, "", "", "detforge ssd train -e spec.txt -r results"
    ),
    Mistake(
        "no-quotes",
        base_specs.EFFICIENTDET,
        '"records/train-*"',
        "records/train-*",
        EFFICIENTDET,
    ),
    Mistake(
        "later-feature", base_specs.SSD, "num_epochs: 80", "num_epochs: 80\n  enable_qat: true"
    ),
    Mistake(
        "several",
        base_specs.MASK_RCNN,
        "total_steps: 120000\ntrain_batch_size: 2\nnum_steps_per_eval: 10000\n"
        'learning_rate_steps: "[60000, 80000, 100000]"\n',
        "total_steps: 120k\ntrain_batchsize: 2\nmomentum: 1.5\nnum_steps_per_eval: 10000\n"
        'learning_rate_steps: "[60000, 80000]"\n',
        MASK_RCNN,
    ),
)
