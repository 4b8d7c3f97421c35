"""The blocks of docs/command-line.md: what the program says, and the options that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from detforge.cli.options import Option
from detforge.cli.task_command import changed_options
from detforge.cli.words import TASK_WORDS
from detforge.plugins import load_detector
from detforge.roadmap import arrival
from tests.docs import base_specs
from tests.docs.console import fenced, run

DETECTORS = ("ssd", "dssd", "faster_rcnn", "efficientdet", "mask_rcnn")
FILES = {"spec.txt": base_specs.SSD, "rcnn.txt": base_specs.FASTER_RCNN, "model.tlt": ""}


def console(*lines: str) -> str:
    """Return command lines and what each shows."""
    shown = [f"$ {line}\n{run(line, FILES).text}" for line in lines]
    return fenced("\n".join(shown), "console")


def summary() -> str:
    """Return what the summary of a network begins with, and how it ends."""
    line = "detforge ssd summary -e spec.txt"
    head, layers, levels, totals = run(line, FILES).text.split("\n\n")
    first, last = layers.splitlines()[:6], layers.splitlines()[-2:]
    shown = [f"$ {line}", head, "", *first, "...", *last, "", levels, "", totals]
    return fenced("\n".join(shown), "console")


def options() -> str:
    """Return a table of the options of each task."""
    return "\n".join(_table(word, task) for word, task in TASK_WORDS.items())


def _table(word: str, task: str) -> str:
    found = {name: changed_options(load_detector(name), task) for name in DETECTORS}
    rows = [
        _row([options[at] for options in found.values()])
        for at, option in enumerate(found["ssd"])
        if option.group != "common"
    ]
    head = [f"### {word}", "", "| option | | default | when |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _row(variants: Sequence[Option]) -> str:
    """Return the row of one option.

    Args:
        variants: the option as each of the detectors has it.
    """
    option = next(variant for variant in variants if not variant.no_effect)
    words = ", ".join(f"`{word}`" for word in sorted(option.spellings, key=len)) or "`MODEL`"
    default = "" if option.default is None else f"`{option.default}`"
    text = f"Not needed: {option.remark}" if option.remark else option.help.replace("|", "\\|")
    cells = (words, text, default, "; ".join(_when(option, variants)))
    return "| " + " | ".join(cells) + " |"


def _when(option: Option, variants: Sequence[Option]) -> list[str]:
    named = zip(DETECTORS, variants, strict=True)
    owners = [name for name, variant in named if not variant.no_effect]
    notes = [] if len(owners) == len(DETECTORS) else [", ".join(owners)]
    if isinstance(option.arrives, Mapping):
        return [*notes, *(f"`{value}` {arrival(it)}" for value, it in option.arrives.items())]
    return [*notes, arrival(option.arrives)] if option.arrives else notes


BLOCKS: Mapping[str, Callable[[], str]] = {
    "help": partial(console, "detforge ssd inference --help"),
    "older": partial(
        console,
        "detforge tlt-export ssd -m model.tlt",
        "detforge yolo_v4 train",
        "detforge ssd prune -i conv1",
    ),
    "set": partial(
        console, "detforge ssd train -e spec.txt -r out --set training_config.num_epoch=3"
    ),
    "refused": partial(
        console,
        "detforge ssd inference -e spec.txt -m model.tlt -i . -o out --include_mask",
        "detforge ssd train -e spec.txt -r out --gpus 2",
        "detforge faster_rcnn train -e rcnn.txt -r out",
        "detforge ssd evaluate -e spec.txt -m model.tlt --use_amp",
    ),
    "meant": partial(
        console,
        "detforge ssd train -e sepc.txt -r out",
        "detforge ssd prune -m model.tlt -o small.tlt -eq onion",
        "detforge ssd dataset_convert -e convert.txt -o records",
        "detforge ssd train -e spec.txt -key secret",
        "detforge ssd train -e -r out",
    ),
    "summary": summary,
    "options": options,
}
"""Name -> what makes the block."""
