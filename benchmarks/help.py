"""How long `detforge --help` takes, against a process that only imports click."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.pairs import Pair, Side, compare_times


def run(turns: int) -> list[Pair]:
    """Return the ratio of *times*, so smaller is better."""
    ours = Side(process, (sys.executable, "-m", "detforge", "--help"))
    baseline = Side(process, (sys.executable, "-c", "import click"))
    what = "`--help` over `import click` (processes/s; ratio of times)"
    return [compare_times(what, ours, baseline, turns=turns, calls=5, aim="at most 2.5")]


def process(command: tuple[str, ...]):
    """Return a call that runs the command once."""
    # As installed: with bytecode on disk.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return lambda: subprocess.run(command, check=True, env=environment, **output)
