"""What a later release brings: said by name, once everything else has been checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detforge.cli.inputs import find_key, read_spec
from detforge.errors import UsageError
from detforge.plugins import TASKS
from detforge.roadmap import arrival

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from detforge.plugins import Detector

NOT_IN_CORE = {"calibrate": "quantization", "engine": "tensorrt"}
"""Tasks that nobody does yet -> the feature that brings them."""


def feature_of_task(detector: Detector, task: str) -> str:
    """Return the feature that a task of a detector waits for, '' when it works today."""
    return detector.arrives(task) if task in TASKS else NOT_IN_CORE[task]


def refuse_task(
    detector: Detector,
    task: str,
    word: str,
    feature: str,
    values: Mapping[str, Any],
    waiting: Mapping[str, str],
) -> NoReturn:
    """Check key, spec and recipe, then say when the task comes.

    Args:
        detector: whose task it is.
        task: hook name of the task.
        word: the task's word on the command line.
        feature: what it waits for.
        values: name -> value of each option.
        waiting: option that was given -> feature that it waits for itself.

    Raises:
        SpecError: the spec is wrong.
        UsageError: always, when nothing is wrong.
    """
    spec = read_spec(detector, task, values)
    find_key(task, values, spec)
    if spec is not None and task != "convert":
        detector.recipe(spec)
    own = {option: own for option, own in waiting.items() if own != feature}
    sentences = [f"{detector.name} {word} {arrival(feature)}", *_arrivals(own)]
    checked = "Nothing" if spec is None else f"{spec.file} is correct; nothing else"
    raise UsageError(f"{'; '.join(sentences)}. {checked} was read or written")


def refuse_options(waiting: Mapping[str, str]) -> None:
    """Say of each option that does not take effect yet when it will.

    Raises:
        UsageError: there is one.
    """
    if waiting:
        them = "it" if len(waiting) == 1 else "them"
        raise UsageError(f"{'; '.join(_arrivals(waiting))}. Until then leave {them} out")


def _arrivals(waiting: Mapping[str, str]) -> list[str]:
    """Return when options come, those of one feature together."""
    together: dict[str, list[str]] = {}
    for option, feature in waiting.items():
        together.setdefault(feature, []).append(option)
    return [
        f"{', '.join(options)} {arrival(feature) if len(options) == 1 else _plural(feature)}"
        for feature, options in together.items()
    ]


def _plural(feature: str) -> str:
    return arrival(feature).replace("comes", "come", 1)
