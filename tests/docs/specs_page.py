"""The blocks of docs/specs.md: each is what the program says, or a spec that it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tests.docs import base_specs
from tests.docs.console import fenced, run
from tests.docs.forgiven import table
from tests.docs.mistakes import MISTAKES


def console(line: str, **files: str) -> str:
    """Return a command line and what it shows.

    Args:
        line: begins with ``detforge``.
        files: name without ``.txt`` -> text.
    """
    shown = run(line, {f"{name}.txt": text for name, text in files.items()})
    return fenced(f"$ {line}\n{shown.text}", "console")


def part_of_printed(line: str, first: str, last: str) -> str:
    """Return the head of a printed spec, and the part from one line to another."""
    lines = run(line, {}).text.splitlines()
    start = lines.index(first)
    end = lines.index(last, start)
    shown = [*lines[:6], "...", *lines[start : end + 1], "..."]
    return fenced("\n".join([f"$ {line}", *shown]), "console")


def part_of_json(line: str, path: str) -> str:
    """Return the entry of one field in a schema as JSON."""
    lines = run(line, {}).text.splitlines()
    at = lines.index(f'      "path": "{path}",') - 1
    end = next(number for number in range(at, len(lines)) if lines[number].startswith("    }"))
    shown = ["{", "  ...", '  "fields": [', "    ...", *lines[at : end + 1], "    ..."]
    return fenced("\n".join([f"$ {line}", *shown]), "console")


_LATER = base_specs.SSD.replace("nlayers: 18", 'nlayers: 18\n  mean_color: "[0, 0, 0]"')
_WRONG = base_specs.SSD.replace("num_epochs", "num_epoch")

BLOCKS: Mapping[str, Callable[[], str]] = {
    "ssd-spec": lambda: fenced(base_specs.SSD),
    "printed": partial(part_of_printed, "detforge ssd spec", "# Non-maximum suppression.", "}"),
    "checked": partial(
        console, "detforge ssd spec --check good.txt remark.txt", good=base_specs.SSD, remark=_LATER
    ),
    "checked-conversion": partial(
        console, "detforge ssd spec --convert --check convert.txt", convert=base_specs.KITTI
    ),
    "checked-json": partial(console, "detforge ssd spec --json --check wrong.txt", wrong=_WRONG),
    "changed": partial(
        console,
        "detforge ssd spec --check spec.txt --set training_config.num_epochs=0 --set top_k=50",
        spec=base_specs.SSD,
    ),
    "explained": partial(console, "detforge ssd spec --explain clustering_iou_threshold optimizer"),
    "explained-later": partial(console, "detforge ssd spec --explain mean_color enable_qat"),
    "explained-nothing": partial(console, "detforge ssd spec --explain num_epoch"),
    "schema-json": partial(part_of_json, "detforge ssd spec --json", "training_config.num_epochs"),
    "forgiven": table,
    **{mistake.name: mistake.block for mistake in MISTAKES},
}
"""Name -> what makes the block."""
