"""Damaged specs without end: nothing but SpecError, in bounded time and memory.

    python tests/core/spec/fuzz.py --count 20000 --seed 1

Starts from every spec that is shipped, and from the users' samples (``DETFORGE_SPECS``).
"""

from __future__ import annotations

import argparse
import collections
import logging
import multiprocessing
import os
import random
import resource
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from detforge.errors import SpecError
from detforge.plugins import load_detector
from detforge.spec import parse_spec

ROOT = Path(__file__).parents[3]
SAMPLES = Path(os.environ.get("DETFORGE_SPECS", ROOT.parent / "shared" / "specs"))
DETECTORS = ("ssd", "faster_rcnn", "efficientdet", "mask_rcnn")
HEAVY = {"numpy", "keras", "tensorflow", "cv2"}
MAX_SECONDS = 5
MAX_RSS = 200 * 2**20
MAX_PROBLEMS = 101
CHUNK = 1_000

SCRAPS = [
    *"{}<>[]():,;\"'“”‘’„#=\\/-+.*019eftx \n\r\t\u200bé\ufeff٣",
    *["{ ", "}\n", " }", "[[", "inf", "nan", "true", "TRUE", "[1, 2]", "(1, 2)", '""', "\\x", "\\"],
    *["512x512", "1/3", "1/0", "1e999", "-0x", "0777", "1.", "key", "value", "# ", "//", "None"],
    *["\ud800", "\x00", "-1", "99999999999", "0.5", "1e-45", "'", '"', "\r\n", "\x0c", "\u2028"],
]
NUMBERS = [
    *["0", "-1", "1", "1.0", "8.", ".5", "1e3", "1e39", "-0", "0x10", "010", "1_0", "inf", "nan"],
    *["4294967295", "4294967296", "9" * 400, "1e-400", "0,5", "50%", "1/3", "True", '"3"', "", "-"],
]
EDITS = [1, 1, 1, 1, 2, 2, 3, 5, 10, 30]


@dataclass(frozen=True)
class Seed:
    """A spec to start from.

    Attributes:
        name: of the file.
        text: without a fault.
        schemas: the message classes that it may be given to; its own first.
        detector: that makes a recipe of it; None for a conversion.
        experiments: detector -> schema, to tell whose spec a text is.
    """

    name: str
    text: str
    schemas: tuple[type, ...]
    detector: object | None
    experiments: dict[str, type]


@dataclass
class Tally:
    """What a run found.

    Attributes:
        count: inputs.
        accepted: those without an error.
        crashes: what went wrong, with the seed that shows it again.
        slowest: seconds, and the seed.
        peak: largest resident set of a process, in bytes.
        heavy: modules that must not be loaded and are.
    """

    count: int = 0
    accepted: int = 0
    crashes: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    peak: int = 0
    heavy: set[str] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.accepted += other.accepted
        self.crashes += other.crashes
        self.slowest = max(self.slowest, other.slowest)
        self.peak = max(self.peak, other.peak)
        self.heavy |= other.heavy


def corpus() -> list[Seed]:
    """Return all specs to start from."""
    detectors = {name: load_detector(name) for name in DETECTORS}
    experiments = {name: detector.spec_schema() for name, detector in detectors.items()}
    conversion = detectors["ssd"].convert_schema()
    files = [(name, path) for name in DETECTORS for path in shipped(name)]
    if SAMPLES.is_dir():
        files += [(owner(path), path) for path in sorted(SAMPLES.glob("*.txt"))]
    found = []
    for name, path in files:
        is_conversion = "convert" in path.name
        own = conversion if is_conversion else experiments[name]
        others = [kind for kind in (*experiments.values(), conversion) if kind is not own]
        detector = None if is_conversion else detectors[name]
        found.append(Seed(path.name, path.read_text(), (own, *others), detector, experiments))
    return found


def shipped(name: str) -> list[Path]:
    return sorted((ROOT / "plugins" / name / f"detforge_{name}" / "specs").glob("*.txt"))


def owner(path: Path) -> str:
    return next(name for name in DETECTORS if path.name.startswith(name))


# --- damage ------------------------------------------------------------------------------


def spot(text, rng):
    return rng.randrange(len(text) + 1)


def insert(text, rng, seeds):
    place = spot(text, rng)
    return text[:place] + rng.choice(SCRAPS) + text[place:]


def overwrite(text, rng, seeds):
    place = spot(text, rng)
    return text[:place] + rng.choice(SCRAPS) + text[place + 1 :]


def flip_bit(text, rng, seeds):
    data = bytearray(text.encode(errors="replace") or b" ")
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data.decode(errors="replace")


def cut(text, rng, seeds):
    place = spot(text, rng)
    return text[:place] + text[place + rng.choice([1, 1, 2, 5, 20, 100, 1000]) :]


def repeat(text, rng, seeds):
    place, start = spot(text, rng), spot(text, rng)
    return text[:place] + text[start : start + rng.randrange(80)] + text[place:]


def tokens(text, rng, seeds):
    """Drop, double or swap words."""
    words = text.split(" ")
    one, two = rng.randrange(len(words)), rng.randrange(len(words))
    action = rng.randrange(3)
    if action == 0:
        del words[one]
    elif action == 1:
        words.insert(two, words[one])
    else:
        words[one], words[two] = words[two], words[one]
    return " ".join(words)


def lines(text, rng, seeds):
    """Drop, double, swap or shuffle lines."""
    rows = text.split("\n")
    one, two = sorted((rng.randrange(len(rows)), rng.randrange(len(rows))))
    action = rng.randrange(4)
    if action == 0:
        del rows[one]
    elif action == 1:
        rows.insert(two, rows[one])
    elif action == 2:
        rows[one], rows[two] = rows[two], rows[one]
    else:
        part = rows[one : one + 8]
        rng.shuffle(part)
        rows[one : one + 8] = part
    return "\n".join(rows)


def splice(text, rng, seeds):
    """Go on with another spec."""
    other = rng.choice(seeds).text
    return text[: spot(text, rng)] + other[spot(other, rng) :]


def number(text, rng, seeds):
    """Write another number in the place of one."""
    return replace_run(text, rng, "0123456789.-+e", rng.choice(NUMBERS))


def string(text, rng, seeds):
    """Write another string in the place of one."""
    new = rng.choice(['""', "''", '"x"', '"é“"', "x", '"\\', '"[1, 2]"', '"[[1], 2"', "“a”", "'"])
    place = text.find('"', spot(text, rng))
    end = text.find('"', place + 1)
    return text if place < 0 or end < 0 else text[:place] + new + text[end + 1 :]


def replace_run(text, rng, alphabet, new):
    place = spot(text, rng)
    while place < len(text) and text[place] not in alphabet:
        place += 1
    end = place
    while end < len(text) and text[end] in alphabet:
        end += 1
    return text[:place] + new + text[end:]


def nest(text, rng, seeds):
    """Open something very often."""
    unit = rng.choice(
        ["{", "a {", "<", "[", "(", "x: [", "training_config {", "[{", '"', "}", "1,"]
    )
    place = spot(text, rng)
    return text[:place] + unit * rng.choice([3, 70, 2_000]) + text[place:]


def lengthen(text, rng, seeds):
    """Make one token very long."""
    place = spot(text, rng)
    return text[:place] + rng.choice(["a", "9", "_", "é", " ", "0.", "-"]) * 5_000 + text[place:]


DAMAGES = [insert, overwrite, flip_bit, cut, repeat, tokens, lines, splice, number, string]
RARE_DAMAGES = [nest, lengthen]


def damage(text: str, rng: random.Random, seeds: list[Seed]) -> str:
    """Return a text with faults, at most 64 KiB long."""
    for _ in range(rng.choice(EDITS)):
        kinds = RARE_DAMAGES if rng.random() < 0.02 else DAMAGES
        text = rng.choice(kinds)(text, rng, seeds)
    return text[: 2**16]


def some_changes(text: str, rng: random.Random, seeds: list[Seed]) -> list[str]:
    """Return ``--set`` texts, for a tenth of the specs."""
    if rng.random() > 0.1:
        return []
    words = [word.strip(":{\"'") for word in text.split()] or ["a"]
    change = ".".join(rng.choice(words)[:40] for _ in range(rng.randrange(1, 4)))
    if rng.random() < 0.5:
        block = rng.choice(["training_config", "model_config", "data_config", "dataset_config"])
        change = f"{block}.{rng.choice(words)}"
    change += rng.choice(["", "[0]", "[9]", '["van"]', ".x"])
    change = f"{change}={rng.choice([*NUMBERS, *words])}"
    return [damage(change, rng, seeds) if rng.random() < 0.3 else change]


# --- checks ------------------------------------------------------------------------------


class HangError(BaseException):
    """An input takes too long."""


def check(seed: Seed, text: str, schema: type, changes: list[str], with_others: bool) -> bool:
    """Read a text; return whether it was accepted.

    Args:
        seed: where the text comes from.
        text: with or without faults.
        schema: to read it with.
        changes: of single fields.
        with_others: whether to ask whose spec it is, which takes longer than all the rest.

    Raises:
        AssertionError: what is said about it makes no sense.
        Exception: the reader crashes.
    """
    try:
        others = (lambda: seed.experiments) if with_others else None
        has_recipe = seed.detector is not None and schema is seed.schemas[0]
        further = seed.detector.check if has_recipe else None
        spec = parse_spec(text, schema, "s.txt", changes, others, further)
        check_problems(spec.warnings, text)
        again = parse_spec(spec.text, schema)
        assert again.message.SerializeToString(deterministic=True) == (
            spec.message.SerializeToString(deterministic=True)
        ), "the stored text gives another message"
        if has_recipe:
            seed.detector.recipe(spec)
    except SpecError as err:
        problems = err.problems
    else:
        return True
    assert problems, "an error without a problem"
    check_problems(problems, text)
    return False


def check_problems(problems, text: str) -> None:
    rows = text.split("\n")
    assert len(problems) <= MAX_PROBLEMS, "too many problems"
    for problem in problems:
        assert problem.message, "a problem without a message"
        assert len(str(problem)) < 3_000, "an endless message"
        assert problem.file == "s.txt" or problem.file.startswith("--set ") or not problem.path
        if problem.line:
            assert problem.line <= len(rows), "a line that does not exist"
            assert 1 <= problem.column <= len(rows[problem.line - 1]) + 1, "no such column"


def run_one(seeds: list[Seed], number: int) -> tuple[bool, str]:
    """Make and check one input; return whether it was accepted, and what went wrong or ''."""
    rng = random.Random(number)
    seed = rng.choice(seeds)
    schema = rng.choice(seed.schemas) if rng.random() < 0.1 else seed.schemas[0]
    text = damage(seed.text, rng, seeds)
    changes = some_changes(seed.text, rng, seeds)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        return check(seed, text, schema, changes, rng.random() < 0.05), ""
    except (Exception, HangError):  # noqa: BLE001
        where = f"seed {number}, {seed.name} as {schema.DESCRIPTOR.full_name}, {changes}"
        return False, f"{where}\n{traceback.format_exc(limit=-4)}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def run_many(seeds: list[Seed], numbers: range) -> Tally:
    """Check one input for each number."""

    def hang(*_):
        raise HangError

    previous = signal.signal(signal.SIGALRM, hang)
    tally = Tally(count=len(numbers))
    try:
        for number in numbers:
            start = time.perf_counter()
            accepted, crash = run_one(seeds, number)
            tally.slowest = max(tally.slowest, (time.perf_counter() - start, number))
            tally.accepted += accepted
            if crash:
                tally.crashes.append(crash)
    finally:
        signal.signal(signal.SIGALRM, previous)
    tally.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tally.heavy = HEAVY & sys.modules.keys()
    return tally


_seeds: list[Seed] = []


def _start_process() -> None:
    os.nice(10)
    logging.disable()
    # Memory that is asked for all at once shows as a MemoryError, not as a stalled machine.
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    _seeds.extend(corpus())


def _run_chunk(numbers: range) -> Tally:
    return run_many(_seeds, numbers)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    first = options.seed * 10**9
    chunks = [
        range(first + start, first + min(start + CHUNK, options.count))
        for start in range(0, options.count, CHUNK)
    ]
    tally, begin, shown = Tally(), time.perf_counter(), time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, _start_process) as pool:
        for part in pool.imap_unordered(_run_chunk, chunks):
            tally.add(part)
            now = time.perf_counter()
            for crash in part.crashes[:3]:
                print(crash, flush=True)
            if now - shown > 10:
                shown = now
                rate = tally.count / (now - begin)
                print(
                    f"{tally.count:,} specs, {rate:,.0f}/s, {len(tally.crashes)} crashes",
                    flush=True,
                )
    report(tally, time.perf_counter() - begin)
    return bool(tally.crashes or tally.heavy or tally.peak > MAX_RSS)


def report(tally: Tally, seconds: float) -> None:
    kinds = collections.Counter(crash.strip().splitlines()[-1] for crash in tally.crashes)
    for kind, count in kinds.most_common(10):
        print(f"{count} times {kind[:200]}")
    slowest, number = tally.slowest
    print(
        f"{tally.count:,} specs in {seconds:,.0f} s ({tally.count / seconds:,.0f}/s): "
        f"{tally.accepted:,} accepted, {len(tally.crashes)} crashes, "
        f"slowest {slowest:.3f} s (seed {number}), peak {tally.peak / 2**20:.0f} MiB"
        + (f", loads {', '.join(sorted(tally.heavy))}" if tally.heavy else ""),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
