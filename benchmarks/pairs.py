"""Timing two things fairly: each in a process of its own, taking turns, never at once."""

from __future__ import annotations

import multiprocessing as mp
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Pair:
    """Rates of two sides and the median of their ratios, turn by turn."""

    name: str
    rate: float
    baseline_rate: float
    ratio: float
    lowest: float
    highest: float
    aim: str

    def row(self) -> str:
        return (
            f"| {self.name} | {self.rate:.3g} | {self.baseline_rate:.3g} | **{self.ratio:.2f}** "
            f"({self.lowest:.2f} to {self.highest:.2f}) | {self.aim} |"
        )


def machine() -> str:
    load = ", ".join(f"{x:.2f}" for x in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, load average {load}"


class Side:
    """One side: a process that builds once and then runs on request."""

    def __init__(
        self,
        build: Callable[..., Callable[[], None]],
        *args: object,
        starts_processes: bool = False,
    ) -> None:
        context = mp.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(child, build, args), daemon=not starts_processes
        )
        self._process.start()
        child.close()  # so that a side that dies is an end of file here
        self._pipe.recv()

    def seconds(self, calls: int) -> float:
        self._pipe.send(calls)
        return self._pipe.recv()

    def close(self) -> None:
        self._pipe.send(0)
        self._process.join()


def _serve(pipe, build, args) -> None:
    call = build(*args)
    pipe.send("ready")
    while calls := pipe.recv():
        began = time.perf_counter()
        for _ in range(calls):
            call()
        pipe.send(time.perf_counter() - began)


def compare(
    name: str, ours: Side, baseline: Side, *, turns: int, calls: int, units: int, aim: str
) -> Pair:
    """Return units per second of both sides, the median over `turns` alternations."""
    ours.seconds(2), baseline.seconds(2)
    mine, other = [], []
    for _ in range(turns):
        mine.append(calls * units / ours.seconds(calls))
        other.append(calls * units / baseline.seconds(calls))
    return pair_of(name, mine, other, aim)


def pair_of(name: str, mine: list[float], other: list[float], aim: str) -> Pair:
    """Return the medians of both sides' rates and of their ratios, turn by turn."""
    ratios = [a / b for a, b in zip(mine, other, strict=True)]
    middle = statistics.median
    return Pair(name, middle(mine), middle(other), middle(ratios), min(ratios), max(ratios), aim)


def compare_times(
    name: str, ours: Side, baseline: Side, *, turns: int, calls: int, aim: str
) -> Pair:
    """Return the ratio of times instead of rates, so that smaller is better; ends both sides."""
    pair = compare(name, baseline, ours, turns=turns, calls=calls, units=1, aim=aim)
    ours.close()
    baseline.close()
    return replace(pair, rate=pair.baseline_rate, baseline_rate=pair.rate)
