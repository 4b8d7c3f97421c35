"""How long `detforge --help` takes, against a process that only imports click."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.pairs import Pair, Side, compare


def run(turns: int) -> list[Pair]:
    """Return the ratio of *times*, so smaller is better."""
    ours = Side(process, (sys.executable, "-m", "detforge", "--help"))
    baseline = Side(process, (sys.executable, "-c", "import click"))
    pair = compare("", baseline, ours, turns=turns, calls=5, units=1, aim="at most 2.5")
    ours.close()
    baseline.close()
    return [
        Pair(
            "`--help` over `import click` (processes/s; ratio of times)",
            pair.baseline_rate,
            pair.rate,
            pair.ratio,
            pair.lowest,
            pair.highest,
            pair.aim,
        )
    ]


def process(command: tuple[str, ...]):
    """Return a call that runs the command once."""
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
