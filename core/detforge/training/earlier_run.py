"""What an earlier run left in the results folder, and whether a command goes on with it.

A command goes on with the run that the same spec, data and start began. What decides is the newest
checkpoint that verifies: its spec, and the facts that `run_facts` put into it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from detforge.errors import CheckpointError, SpecError, UsageError
from detforge.files import load_checkpoint
from detforge.pretrained.start import file_facts
from detforge.recipe import Evaluation, Inference, Variant
from detforge.spec import parse_spec
from detforge.spec.differences import differences, with_field
from detforge.weights import check_detector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from google.protobuf.message import Message

    from detforge.data.samples import SampleSource
    from detforge.files import Checkpoint
    from detforge.plugins import Detector
    from detforge.pretrained.start import Start
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.spec.differences import Difference

log = logging.getLogger("detforge")

FACTS = "run"
"""Where the facts stand in `Checkpoint.extra`."""


def run_facts(
    request: TrainRequest, recipe: Recipe, source: SampleSource, start: Start | None
) -> dict[str, Any]:
    """Return what identifies a run beside its spec: data, beginning, what options switch on.

    Args:
        request: the file to go on from, and the epoch to go on with.
        recipe: the spec in neutral terms, with the options of the command.
        source: the training set.
        start: what a new run takes its weights from; None for random ones, or to go on.

    Returns:
        "images", "objects" (class name -> number), "start" (None for random weights) and
        "mixed_precision", as JSON gives them back.
    """
    begins_with = start.facts if start is not None else None
    if request.resume_model_weights is not None and request.initial_epoch > 1:
        begins_with = file_facts(request.resume_model_weights, initial_epoch=request.initial_epoch)
    return {
        "images": len(source),
        "objects": source.class_counts(),
        "start": begins_with,
        "mixed_precision": recipe.mixed_precision,
    }


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints of the runs in a folder, the newest first, judged by their names."""
    found = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(filter(epoch_of, found), key=lambda path: (epoch_of(path), path.name))[::-1]


def epoch_of(path: Path) -> int:
    """Return the epoch that the name of a checkpoint ends in, 0 for another file.

    Exported files lie beside checkpoints, with the same stems.
    """
    found = re.search(r"_epoch_(\d+)\.(detforge|tlt)$", path.name)
    return int(found[1]) if found else 0


def newest_that_verifies(paths: Sequence[Path], key: str | None) -> tuple[Path, Checkpoint]:
    """Return the first of some checkpoints that is whole; each damaged one before is a warning.

    Raises:
        CheckpointError: none is; says what is wrong with the first.
    """
    faults = []
    for path in paths:
        try:
            checkpoint = load_checkpoint(path, key)
        except CheckpointError as err:
            faults.append(err)
            continue
        for fault in faults:
            log.warning("%s; taking the checkpoint before it", fault)
        return path, checkpoint
    raise CheckpointError(
        f"{faults[0]}. {paths[0].parent} holds checkpoints of an earlier run, and none of the "
        f"{len(paths)} can be read: another results folder leaves them, --force replaces them"
    )


def check_same_run(
    request: TrainRequest, recipe: Recipe, facts: dict[str, Any], path: Path, checkpoint: Checkpoint
) -> None:
    """Check that a checkpoint is of the run that a command describes.

    Settings that leave the weights as they are may change (workers, intervals, scoring), and so
    may the number of epochs. A command that names nothing to start from goes on whatever
    the run began with.

    Raises:
        UsageError: it is of another run; names all that differs.
        CheckpointError: it is of another detector.
    """
    check_detector(request.detector.name, checkpoint.detector, str(path))
    differing = [
        *_other_fields(request, recipe, checkpoint, path),
        *_other_facts(facts, checkpoint.extra.get(FACTS, {})),
    ]
    if differing:
        raise UsageError(
            f"{path} is of another run than this command describes: {'; '.join(differing)}. "
            "Choose another results folder, give --force to replace the earlier run, or go on "
            f"from it with the changes: -m {path} --initial_epoch {checkpoint.epoch + 1}"
        )


def _other_fields(
    request: TrainRequest, recipe: Recipe, checkpoint: Checkpoint, path: Path
) -> list[str]:
    detector = request.detector
    try:
        earlier = parse_spec(checkpoint.spec_text, detector.spec_schema(), str(path)).message
        before = detector.hook.recipe(spec=earlier)
    except SpecError as err:
        return [f"the spec in it is not one of this release ({err})"]
    found = [
        str(difference)
        for difference in differences(earlier, request.spec.message)
        if _matters(detector, earlier, before, difference, request.spec.message)
    ]
    if not found and essence(before) != essence(recipe):
        return ["its spec came to something else with an earlier release"]
    return found


def _matters(
    detector: Detector, earlier: Message, before: Recipe, difference: Difference, now: Message
) -> bool:
    """Return whether one changed field makes another run.

    What of it arrives in the recipe decides. A field of the detector's own that is not in the
    recipe at all is one that the model is built from.
    """
    try:
        after = detector.hook.recipe(spec=with_field(earlier, difference.path, now))
    except SpecError:
        return True  # it needs other changed fields
    return essence(after) != essence(before) or (difference.is_own and after == before)


def essence(recipe: Recipe) -> Recipe:
    """Return a recipe without what leaves the weights of each step as they are."""
    return replace(
        recipe,
        data=replace(
            recipe.data, validation=(), workers=0, max_queue_size=0, multiprocessing=False
        ),
        checkpoints=replace(recipe.checkpoints, interval=1, interval_steps=0),
        epochs=0,
        steps=0,
        evaluation=Evaluation(),
        inference=Inference(),
        mixed_precision=False,  # an option can switch it on; it is among the facts
        early_stopping=None,
        visualizer=None,
        variant=Variant(),  # what the run starts from decides it
        verbose=False,
        warnings=(),
    )


def _other_facts(facts: dict[str, Any], earlier: dict[str, Any]) -> Iterator[str]:
    """Yield what differs in the data and the start; earlier releases noted neither."""
    for name, what in (("images", "training images"), ("objects", "objects of the classes")):
        if name in earlier and earlier[name] != facts[name]:
            yield f"it saw other {what} ({_shown(earlier[name])}, now {_shown(facts[name])})"
    before = earlier.get("mixed_precision", False)
    if before != facts["mixed_precision"]:
        yield f"it computed in {'half' if before else 'single'} precision"
    if facts["start"] is not None and earlier.get("start") != facts["start"]:
        yield "it did not start from the weights that -m or the spec names"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return str(value)
