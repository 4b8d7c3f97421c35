"""What a run begins with, decided before Keras is loaded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import CheckpointError, UsageError
from detforge.files import load_checkpoint
from detforge.recipe import Variant
from detforge.requests import TrainReport
from detforge.training.earlier_run import (
    FACTS,
    check_same_run,
    checkpoints_in,
    epoch_of,
    newest_that_verifies,
    run_facts,
)
from detforge.training.metric_files import flat, read_metrics
from detforge.weights import check_checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from detforge.data.batches import TrainingBatches
    from detforge.files import Checkpoint
    from detforge.pretrained.start import Start
    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest

log = logging.getLogger("detforge")


class Beginning(NamedTuple):
    """What a run begins with.

    Attributes:
        facts: what identifies the run beside its spec.
        path: the file; None for random weights, and for those of ImageNet.
        checkpoint: its content, if it is one of ours.
        resumes: take everything of it, optimiser and position included; otherwise weights only.
        is_found: it was found in the results folder, not given.
        start: what a new run takes its weights from; None for random ones, or to go on.
    """

    facts: Mapping[str, Any]
    path: Path | None = None
    checkpoint: Checkpoint | None = None
    resumes: bool = False
    is_found: bool = False
    start: Start | None = None

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self.checkpoint.epoch if self.checkpoint is not None and self.resumes else 0

    @property
    def variant(self) -> Variant:
        """How the network differs from the one that the spec describes."""
        return self.checkpoint.variant if self.checkpoint is not None else Variant()

    @property
    def known(self) -> Mapping[str, Any]:
        """What the checkpoint says about its run; nothing where an earlier release wrote it."""
        return self.checkpoint.extra.get(FACTS, {}) if self.checkpoint is not None else {}

    def is_finished(self, recipe: Recipe) -> bool:
        """Return whether nothing is left to train.

        A file that was given to go on from is one to train on with, however its run ended.
        """
        return self.epoch >= recipe.epochs or (self.is_found and bool(self.known.get("ended")))


def find_beginning(
    request: TrainRequest,
    recipe: Recipe,
    batches: TrainingBatches,
    folder: Path,
    start: Start | None,
) -> Beginning:
    """Return what a run begins with: the run in the folder, given weights, or random ones.

    Args:
        request: what to go on from, and whether to replace an earlier run.
        recipe: the spec in neutral terms.
        batches: the training set.
        folder: of the checkpoints.
        start: what `detforge.pretrained.start.find_start` found.

    Raises:
        CheckpointError: a checkpoint cannot be read, or does not fit.
        UsageError: the folder holds another run; the epoch to go on from is not that of the file.
    """
    facts = run_facts(request, recipe, batches.source, start)
    earlier = [] if request.force else checkpoints_in(folder)
    if met := [path for path in earlier if epoch_of(path) >= request.initial_epoch]:
        found = _earlier_run(request, recipe, facts, met, earlier)
    elif request.resume_model_weights is None or request.initial_epoch == 1:
        file = start.file if start is not None else None
        path, checkpoint = (file.path, file.checkpoint) if file is not None else (None, None)
        return Beginning(facts, path, checkpoint, start=start)
    else:
        path = request.resume_model_weights
        found = Beginning(facts, path, load_checkpoint(path, request.key), resumes=True)
        _check_given(request, recipe, found)
    _check_position(found, batches.steps_per_epoch)
    _say_resumed(found, recipe)
    return found


def _earlier_run(
    request: TrainRequest,
    recipe: Recipe,
    facts: dict[str, Any],
    met: Sequence[Path],
    earlier: Sequence[Path],
) -> Beginning:
    """Return the run in the folder, as far as it got."""
    path, checkpoint = newest_that_verifies(earlier, request.key)
    start = checkpoint.extra.get(FACTS, {}).get("start")
    if request.initial_epoch > 1 and start != facts["start"]:
        raise UsageError(
            f"{path.parent} holds checkpoints that this run would overwrite ({met[-1].name} to "
            f"{met[0].name}). To go on behind the last one, leave out -m and --initial_epoch; to "
            "train these epochs again, give --force"
        )
    check_same_run(request, recipe, facts, path, checkpoint)
    # A command without -m goes on too; the run began with that file all the same.
    return Beginning({**facts, "start": start}, path, checkpoint, resumes=True, is_found=True)


def _check_given(request: TrainRequest, recipe: Recipe, found: Beginning) -> None:
    path, checkpoint = found.path, found.checkpoint
    assert checkpoint is not None
    check_checkpoint(request.detector, request.spec, recipe, checkpoint, str(path))
    if checkpoint.epoch != request.initial_epoch - 1:
        raise UsageError(
            f"{path} was saved after epoch {checkpoint.epoch}: going on from it means "
            f"--initial_epoch {checkpoint.epoch + 1}"
        )


def _check_position(found: Beginning, steps_per_epoch: int) -> None:
    checkpoint = found.checkpoint
    assert checkpoint is not None
    expected = checkpoint.epoch * steps_per_epoch
    if checkpoint.step != expected:
        raise CheckpointError(
            f"{found.path} was saved after {checkpoint.step} steps, but {checkpoint.epoch} epochs "
            f"of this data and batch size are {expected}; go on with the data and batch size of "
            f"that run, or start a new one from its weights (-m {found.path} without "
            "--initial_epoch, into another results folder)"
        )


def _say_resumed(found: Beginning, recipe: Recipe) -> None:
    if found.is_finished(recipe):
        return
    how = "found an earlier run of this command: " if found.is_found else ""
    anew = "; --force starts anew instead" if found.is_found else ""
    log.info(
        "%sresuming with epoch %d of %d from %s (weights, optimiser, position)%s",
        *(how, found.epoch + 1, recipe.epochs, found.path, anew),
    )
    before = found.known.get("epochs", recipe.epochs)
    if before != recipe.epochs:
        log.info(
            "num_epochs was %d and is %d: from here on the learning rate is that of a run of %d "
            "epochs",
            *(before, recipe.epochs, recipe.epochs),
        )


def report_finished(found: Beginning, request: TrainRequest, recipe: Recipe) -> TrainReport:
    """Return the report of a run that is at its end already; says what can be done."""
    path = found.path
    assert path is not None
    if found.epoch < recipe.epochs:
        log.info(
            "this run ended early, after epoch %d of %d: %s. To train on all the same: -m %s "
            "--initial_epoch %d; to start anew: --force",
            *(found.epoch, recipe.epochs, path, path, found.epoch + 1),
        )
    else:
        log.info(
            "this run is finished: %s is of epoch %d, and training_config.num_epochs is %d. To "
            "train on, raise it; to start anew: --force",
            *(path, found.epoch, recipe.epochs),
        )
    rows = {row["epoch"]: flat(row) for row in read_metrics(request.results_dir)}
    last = rows.get(found.epoch, {})
    metrics = {name: value for name, value in last.items() if name != "epoch" and value is not None}
    return TrainReport(checkpoint=path, epochs=found.epoch, metrics=metrics)
