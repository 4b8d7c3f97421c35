"""What fields disagree about in a spec that has other mistakes as well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from detforge.errors import PluginError, SpecError
from detforge.spec.fields import is_inside
from detforge.spec.rules import apply_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from detforge.errors import Problem
    from detforge.spec.load import Spec


def find_disagreements(
    spec: Spec,
    check: Callable[[Spec], object],
    given: Collection[str],
    doubtful: Mapping[str, str],
) -> list[Problem]:
    """Return the problems that a spec has whatever its doubtful fields should be.

    Args:
        spec: with right values in the place of wrong ones.
        check: of what takes several fields; raises `SpecError`.
        given: paths of the fields that the spec sets.
        doubtful: path of each field that is wrong -> the value in its place, as a spec has it.
    """
    if apply_rules(spec.message, given).problems:
        return []  # not every mistake could be mended
    try:
        check(spec)
    except SpecError as err:
        return [problem for problem in err.problems if not _is_about(problem, doubtful)]
    except PluginError:
        return []  # the spec is wrong as it is; a right one shows the detector's fault
    return []


def _is_about(problem: Problem, doubtful: Mapping[str, str]) -> bool:
    """Return whether a problem may be due to a doubtful field.

    Messages name the fields that they compare, or their block, or the word that a field holds.
    """
    found = _without_indices(problem.path)
    for path, value in doubtful.items():
        field = _without_indices(path)
        if is_inside(found, field) or is_inside(field, found):
            return True
        words, word = field.split("."), value.strip('"')
        if word[:1].isalpha():
            words.append(word)
        if any(re.search(rf"\b{re.escape(text)}\b", problem.message) for text in words):
            return True
    return False


def _without_indices(path: str) -> str:
    """Return a path without the elements of lists and maps that it goes through."""
    return re.sub(r"\[[^\]]*\]", "", path)
