"""The loss on the validation set: what training minimises, on images that it has not seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from detforge.data.batches import TrainingBatches

if TYPE_CHECKING:
    from detforge.data.samples import SampleSource
    from detforge.recipe import Recipe
    from detforge.training.trainer import Trainer


class ValidationLoss:
    """Computes the loss of the present weights on every image of a source, once each.

    Targets are made as in training, without random changes. Batches are of the size that training
    has, so that both losses mean the same; `eval_config.batch_size` plays no part. The last batch
    may be smaller. Each batch counts by its images. Weight penalties are in it, as in training.
    """

    def __init__(self, trainer: Trainer, source: SampleSource, recipe: Recipe) -> None:
        """Prepare the batches; no image is read yet.

        Args:
            trainer: compiled; the weights it has when asked count, averaged if it averages.
            source: the validation set.
            recipe: of the run.

        Raises:
            DatasetError: a class in the data is not mapped, or there is no object at all.
        """
        self._trainer = trainer
        self._batches = TrainingBatches(source, replace(recipe, augmentation=()), seed=recipe.seed)
        self._images = recipe.evaluation.images

    def __call__(self) -> float:
        """Return the mean over the images.

        Raises:
            DatasetError: an image cannot be used.
        """
        total, images = 0.0, 0
        with self._trainer.averaged():
            for batch in self._batches.each_once(self._images):
                count = len(batch["row"])
                logs = self._trainer.test_on_batch(batch, return_dict=True)
                total += count * float(logs["loss"])
                images += count
        return total / images
