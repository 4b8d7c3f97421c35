"""Run every benchmark and write one table. Nothing else should run meanwhile."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# In the order of the table; each module has run(turns) -> list of pairs.
NAMES = (
    *("help", "spec", "conversion", "pipeline", "ssd", "backbones", "pruning"),
    *("evaluation", "inference"),
)
PACKAGES = ("detforge", "keras", "tensorflow", "onnxruntime", "torch", "click")
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"


def main() -> None:
    """Print the table; a whole run writes it into the page too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="alternations of the two sides")
    parser.add_argument("--only", choices=NAMES, nargs="+", help="some of them; the page stays")
    options = parser.parse_args()
    lines = []
    for line in table(options.only or NAMES, options.turns):
        print(line, flush=True)
        lines.append(line)
    if not options.only:
        write_page("\n".join(lines))


def table(names, turns: int):
    """Yield the lines: the machine, the versions, then a row per comparison."""
    from benchmarks import pairs

    yield f"Machine at the start: {pairs.machine()}. {turns} turns."
    yield (
        f"Versions: python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
        + "."
    )
    yield ""
    yield "| what | detforge | baseline | ratio | aim |"
    yield "|---|---|---|---|---|"
    for name in names:
        for pair in importlib.import_module(f"benchmarks.{name}").run(turns):
            yield pair.row()


def write_page(text: str) -> None:
    """Put the table into the page, between its two marks."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    main()
