"""The two files in which a run keeps what it measured: a table, and lines of JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from detforge.errors import UsageError
from detforge.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLE, LINES = "training_log.csv", "metrics.jsonl"
"""Their names in the results folder."""

_SPEED = ("seconds", "images_per_second")


class MetricFiles:
    """A row per epoch in both files, written anew with each."""

    def __init__(
        self, folder: Path, parts: tuple[str, ...], class_names: tuple[str, ...], epochs_done: int
    ) -> None:
        """Read what the run measured so far.

        Args:
            folder: of the two files.
            parts: names of the losses.
            class_names: names of the classes.
            epochs_done: rows of later epochs are of a run that was cut off, and go.

        Raises:
            UsageError: the file is not what a run wrote.
        """
        self._folder = folder
        self._parts = parts
        self._class_names = class_names
        rows = read_metrics(folder) if epochs_done else []
        self._rows = {row["epoch"]: row for row in rows if row["epoch"] <= epochs_done}

    def write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Write the row of an epoch, counted from 1, in the place of an earlier one.

        Args:
            epoch: number of the row.
            values: by the names that they have in the log; absent ones stay empty.

        Raises:
            CheckpointError: a file cannot be written.
        """
        self._rows[epoch] = self._row(epoch, values)
        rows = list(self._rows.values())
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomically(self._folder / LINES, lines.encode())
        write_atomically(self._folder / TABLE, self._table(rows).encode())

    def _row(self, epoch: int, values: Mapping[str, float]) -> dict[str, Any]:
        def number(name: str) -> float | None:
            return values[name] if math.isfinite(values.get(name, math.nan)) else None

        return {
            "epoch": epoch,
            "loss": number("loss"),
            "losses": {name: number(name) for name in self._parts},
            "learning_rate": number("learning_rate"),
            "validation_loss": number("validation_loss"),
            "mAP": number("mAP"),
            "AP": {name: number(f"AP_{name}") for name in self._class_names},
            **{name: number(name) for name in _SPEED},
        }

    def _table(self, rows: list[dict[str, Any]]) -> str:
        text = io.StringIO(newline="")
        aps = [f"AP_{name}" for name in self._class_names]
        columns = ["epoch", *aps, "loss", *self._parts, "lr", "mAP", "validation_loss", *_SPEED]
        writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**flat(row), "lr": row["learning_rate"]} for row in rows)
        return text.getvalue()


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without blocks: each loss by its name, AP as ``AP_<class>``."""
    plain = {name: value for name, value in row.items() if name not in ("losses", "AP")}
    return plain | row["losses"] | {f"AP_{name}": ap for name, ap in row["AP"].items()}


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a results folder; none where there is no file.

    Raises:
        UsageError: the file is not what a run wrote.
    """
    path = folder / LINES
    if not path.exists():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [{**row, **_needed(row)} for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise UsageError(
            f"{path} is not as a run wrote it ({type(err).__name__}: {err}); move it away, and "
            "the run goes on with a new one"
        ) from err


def _needed(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the table cannot do without."""
    return {
        "epoch": int(row["epoch"]),
        "losses": dict(row["losses"]),
        "learning_rate": row["learning_rate"],
        "AP": dict(row["AP"]),
    }
