"""The tables ``docs/coverage/<detector>.csv``: what each field and option does, and its test.

An effect is one of

    recipe: PATH         the value arrives there in the recipe: ``recipe: data.batch_size``;
                         an element of a list goes by its type: ``augmentation.IouCrop.min_scale``
    model: PATH          the value arrives there in what the model is built from
    records: PATH        the value arrives there in the manifest of the records
    request: FIELD       the option fills this field of the task's request
    run: WHAT            the command acts on it: devices, level, log_file or traceback
    block                the field is a block; what it does is in the rows of its fields
    refused until NAME   an error that names a feature of the roadmap
    refused: WHY         an error that says what to do instead
    checked: HOW         the field adds nothing, but an error says when it disagrees with others
    no effect: WHY       a warning that says why

and may be followed by ``; remark``.
"""

from __future__ import annotations

import ast
import csv
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TABLES = sorted((ROOT / "docs" / "coverage").glob("*.csv"))
COLUMNS = ["kind", "name", "default", "effect", "test"]
VERBS = {
    "spec": ("recipe", "model", "block", "refused until", "refused", "checked", "no effect"),
    "convert": ("records", "block", "refused until", "refused", "checked", "no effect"),
    "retired": ("refused",),
    "option": ("request", "run", "refused until", "refused", "no effect"),
}
ARRIVES_SOMEWHERE = ("recipe", "model", "records", "request", "run")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; the columns as they stand.

    Attributes:
        detector: the table's name.
        kind: spec, convert, retired or option.
        name: path of the field, or task and option.
        default: value that counts where it is absent; "required"; empty for none.
        effect: see above.
        test: the test that shows it, as pytest names it.
    """

    detector: str
    kind: str
    name: str
    default: str
    effect: str
    test: str

    @property
    def verb(self) -> str:
        """The word for the kind of effect; empty for none of them."""
        return next((verb for verb in VERBS.get(self.kind, ()) if self._is(verb)), "")

    @property
    def target(self) -> str:
        """What follows the verb: a path, a feature or a reason, without the remark."""
        rest = self.effect.partition(";")[0].removeprefix(self.verb)
        return rest.removeprefix(":").strip()

    def _is(self, verb: str) -> bool:
        rest = self.effect.partition(";")[0].removeprefix(verb)
        return rest != self.effect.partition(";")[0] and rest[:1] in ("", ":", " ")


@cache
def rows(table: Path) -> tuple[Row, ...]:
    """Return the rows of a table."""
    with table.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        assert reader.fieldnames == COLUMNS, f"{table} has the columns {reader.fieldnames}"
        return tuple(Row(table.stem, **line) for line in reader)


@cache
def functions_in(file: Path) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def flat(value: Any) -> dict[str, list[Any]]:
    """Return the leaves of nested dataclasses, lists and mappings by their paths.

    An element of a list of dataclasses is found by the name of its type, so that several of one
    type share a path: each path has a list of values.
    """
    found: dict[str, list[Any]] = {}
    for path, leaf in _leaves(value, ""):
        found.setdefault(path, []).append(leaf)
    return found


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, dict) and value:
        parts = value
    elif isinstance(value, list | tuple) and any(map(is_dataclass, value)):
        for element in value:
            yield from _leaves(element, f"{path}.{type(element).__name__}")
        return
    elif isinstance(value, list) and value:
        for element in value:
            yield from _leaves(element, path)
        return
    else:
        yield path, value
        return
    for name, part in parts.items():
        yield from _leaves(part, f"{path}.{name}" if path else str(name))


def differing(first: dict[str, list[Any]], second: dict[str, list[Any]]) -> set[str]:
    """Return the paths of leaves that differ."""
    return {path for path in first.keys() | second.keys() if first.get(path) != second.get(path)}
