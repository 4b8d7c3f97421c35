"""Every error a user can cause, in one tree.

    DetforgeError
    ├── SpecError         a spec file, a field in it, or two fields that disagree
    ├── DatasetError      images, labels, records
    ├── CheckpointError   a file that detforge reads or writes: wrong kind, damaged, wrong key
    ├── ExportError       a model that cannot become what was asked for
    ├── PluginError       a detector or an extension that is absent, broken or misdeclared
    └── UsageError        options that contradict each other, or do not work yet

The command line prints these without a traceback and exits with code 2.
Anything else that escapes is a bug of ours: traceback, exit code 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class DetforgeError(Exception):
    """Base of all errors whose cause lies in what the user gave us."""


class DatasetError(DetforgeError):
    """Images, labels or records cannot be used as they are."""


class CheckpointError(DetforgeError):
    """A file of ours is damaged, of another kind, or locked with another key."""


class ExportError(DetforgeError):
    """The model cannot be exported as asked."""


class PluginError(DetforgeError):
    """A detector or an extension is absent, broken or misdeclared."""


class UsageError(DetforgeError):
    """Options contradict each other, or ask for something that does not work yet."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a spec.

    Attributes:
        path: full field path, ``"augmentation_config.hue"``; empty for the file as a whole.
        message: what is wrong and what to do, without the path.
        file: the spec file, when known.
        line: 1-based line, 0 when unknown.
        column: 1-based column, 0 when unknown.
    """

    path: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return ``file:line:column: path: message``, leaving out what is unknown."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.path, self.message) if part)

    def at(self, file: str, line: int, column: int) -> Problem:
        """Return the same problem with its place in a file."""
        return replace(self, file=file, line=line, column=column)


class SpecError(DetforgeError):
    """A spec is wrong; carries every problem found, not only the first.

    Attributes:
        problems: what is wrong.
        warnings: what else is worth a remark in the same spec.
    """

    def __init__(
        self, problems: Sequence[Problem] | Problem, warnings: Sequence[Problem] = ()
    ) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(str(problem) for problem in self.problems))
