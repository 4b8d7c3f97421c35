"""Run every benchmark and print one table. Nothing else should run meanwhile."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="alternations of the two sides")
    names = ["help", "spec", "conversion", "pipeline", "ssd"]
    parser.add_argument("--only", choices=names, help="one of them")
    options = parser.parse_args()
    from benchmarks import conversion, pairs, pipeline, spec, ssd
    from benchmarks import help as help_benchmark

    print(f"machine: {pairs.machine()}")
    used = ("detforge", "keras", "tensorflow", "torch", "click")
    print("versions: " + ", ".join(f"{name} {version(name)}" for name in used))
    print("| what | detforge | baseline | ratio | aim |\n|---|---|---|---|---|")
    modules = (help_benchmark, spec, conversion, pipeline, ssd)
    for name, module in zip(names, modules, strict=True):
        if options.only in (None, name):
            for pair in module.run(options.turns):
                print(pair.row(), flush=True)


if __name__ == "__main__":
    main()
