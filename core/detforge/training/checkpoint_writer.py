"""The checkpoints that a run writes, and those of an earlier run that they replace."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detforge.files import Checkpoint, save_checkpoint
from detforge.training.earlier_run import FACTS, checkpoints_in, epoch_of
from detforge.training.early_stopping import STATE
from detforge.training.nonfinite import check_finite
from detforge.training.resume import run_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.recipe import Recipe
    from detforge.requests import TrainRequest
    from detforge.training.early_stopping import StopEarly
    from detforge.training.trainer import Trainer

log = logging.getLogger("detforge")


class CheckpointWriter:
    """Writes the checkpoints of one run into a folder.

    With `--force` the first one replaces those of the run that was there.
    """

    def __init__(
        self,
        request: TrainRequest,
        recipe: Recipe,
        trainer: Trainer,
        folder: Path,
        steps_per_epoch: int,
        facts: Mapping[str, Any],
        history: Mapping[str, Any],
        stop: StopEarly | None,
    ) -> None:
        """Take what goes into every file.

        Args:
            request: the detector, the spec, the key.
            recipe: the spec in neutral terms.
            trainer: its present weights and state are saved.
            folder: exists.
            steps_per_epoch: of the run.
            facts: what identifies the run beside its spec.
            history: what became of the model before the run, for `Checkpoint.extra`.
            stop: what may end the run early; None for nothing.
        """
        self._request = request
        self._recipe = recipe
        self._trainer = trainer
        self._folder = folder
        self._steps_per_epoch = steps_per_epoch
        self._facts = {**facts, "epochs": recipe.epochs}
        self._history = history
        self._stop = stop
        self._replaced = [
            path
            for path in (checkpoints_in(folder) if request.force else [])
            if epoch_of(path) >= request.initial_epoch
        ]

    def write(self, epoch: int, ended_early: bool) -> Path:
        """Write the checkpoint of a completed epoch and return it.

        Args:
            epoch: how many are completed.
            ended_early: the run ends here, before its last epoch.

        Raises:
            DetforgeError: a weight is no number.
            CheckpointError: the file cannot be written.
        """
        weights = self._trainer.shown_weights()
        check_finite(weights)
        request, name = self._request, self._recipe.checkpoints.name
        path = self._folder / f"{name}_epoch_{epoch:03d}{'.tlt' if request.key else '.detforge'}"
        checkpoint = Checkpoint(
            detector=request.detector.name,
            plugin_version=request.detector.version,
            class_names=self._recipe.classes.names,
            spec_text=request.spec.text,
            epoch=epoch,
            # Not what the optimiser counts: it leaves out steps whose float16 gradients overflow.
            step=epoch * self._steps_per_epoch,
            weights=weights,
            optimizer=run_state(self._trainer),
            variant=self._recipe.variant,
            extra={**self._history, FACTS: {**self._facts, "ended": ended_early}}
            | ({STATE: self._stop.state()} if self._stop else {}),
        )
        save_checkpoint(path, checkpoint, request.key)
        self._remove_replaced(path)
        return path

    def _remove_replaced(self, new: Path) -> None:
        start = self._recipe.start
        named = (new, self._request.resume_model_weights, start.weights, start.pruned)
        kept = {Path(path).resolve() for path in named if path}
        for path in self._replaced:
            if path.resolve() not in kept:
                path.unlink(missing_ok=True)
                log.info("removed %s of an earlier run", path)
        self._replaced = []
