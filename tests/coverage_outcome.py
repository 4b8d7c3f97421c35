"""What comes of a spec or a command line, and whether it is what a row of the table says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from detforge.roadmap import arrival
from tests.coverage_table import ARRIVES_SOMEWHERE, Row, differing

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a spec or a command line.

    Attributes:
        faults: field path -> what is wrong, or why it has no effect.
        is_accepted: nothing is wrong.
        observed: leaf path -> values, of everything that the run takes from the spec.
    """

    faults: Mapping[str, str]
    is_accepted: bool = False
    observed: Mapping[str, list[Any]] = field(default_factory=dict)

    def fault_at(self, path: str) -> str:
        """Return what is said about a field, a block around it or something inside it."""
        return next(
            (
                message
                for place, message in self.faults.items()
                if f"{place}.".startswith(f"{path}.") or f"{path}.".startswith(f"{place}.")
            ),
            "",
        )


def shows(row: Row, before: Outcome, after: Outcome, text: str) -> bool:
    """Return whether one more or another value did what its row promises.

    Args:
        row: of the field or option that has the value.
        before: what came of it without the value.
        after: what came of it with the value.
        text: the spec or the command line, for messages.

    Raises:
        AssertionError: the value is accepted and nothing comes of it, or something comes of it
            where the row says that it is refused.
    """
    changed = differing(before.observed, after.observed) if before.is_accepted else set()
    fault = after.fault_at(row.name)
    if before.is_accepted and after.is_accepted:
        assert changed or fault, f"nothing comes of this:\n{text}"
        assert row.verb in (*ARRIVES_SOMEWHERE, "no effect"), text
    if row.verb in ARRIVES_SOMEWHERE:
        place = f"{row.verb}.{row.target}."
        inside = any(f"{path}.".startswith(place) for path in changed)
        return inside if after.is_accepted else row.verb == "records" and "value" in after.faults
    if row.verb == "no effect":
        return after.is_accepted and not changed and bool(fault)
    if row.verb == "refused until":
        return not after.is_accepted and arrival(row.target) in fault
    return not after.is_accepted and bool(fault) and "comes with release" not in fault
