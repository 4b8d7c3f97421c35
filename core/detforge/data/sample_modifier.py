"""Images left out of training, and images repeated in it, because of the classes they show."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.data.partition import PARTITION_SEED, Partition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from detforge.protos.convert_pb2 import SampleModifierConfig

FILTERED = "image of filter_samples_containing_only"
TOO_MANY = "image beyond max_training_samples"


class Modified(NamedTuple):
    """What is left.

    Attributes:
        folds: the same ones, with other rows.
        left_out: row -> why, of the images in no fold any more; by fold.
        repeated: images that come more than once.
    """

    folds: list[Partition]
    left_out: list[dict[int, str]]
    repeated: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleModifier:
    """The rules of a ``sample_modifier_config``.

    Attributes:
        filtered: images with objects of these classes only are left out.
        dominant: classes that are much more frequent than the others.
        imbalance: rare class -> how many times as many of it as of a dominant class an image must
            show to be repeated; 1 for a class that is absent here.
        copies: how many more times such an image comes.
        limit: most images, repetitions included; 0 for all.
        classes: label as written in the data, lower-case -> class.
    """

    filtered: frozenset[str]
    dominant: tuple[str, ...]
    imbalance: Mapping[str, float]
    copies: int
    limit: int
    classes: Mapping[str, str]

    @classmethod
    def from_spec(
        cls, config: SampleModifierConfig, mapping: Mapping[str, str]
    ) -> SampleModifier | None:
        """Return the rules of a spec, or None when they change nothing.

        Args:
            config: the block.
            mapping: label, lower-case -> class of the records; the block may have its own.
        """
        own = {label.lower(): name for label, name in config.source_to_target_class_mapping.items()}
        copies = config.num_duplicates if config.dominant_target_classes else 0
        if not (config.filter_samples_containing_only or copies or config.max_training_samples):
            return None
        return cls(
            filtered=frozenset(config.filter_samples_containing_only),
            dominant=tuple(config.dominant_target_classes),
            imbalance=dict(config.minimum_target_class_imbalance),
            copies=copies,
            limit=config.max_training_samples,
            classes=own or mapping,
        )

    @property
    def unknown_classes(self) -> list[str]:
        """Names in the rules that no label leads to."""
        return sorted({*self.filtered, *self.dominant, *self.imbalance} - {*self.classes.values()})

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for the manifest."""
        return {**asdict(self), "filtered": sorted(self.filtered), "dominant": [*self.dominant]}

    def apply(
        self,
        folds: Sequence[Partition],
        kept: Collection[int],
        labels_of: Sequence[Callable[[int], Sequence[str]]],
    ) -> Modified:
        """Return the folds with their images left out and repeated.

        Args:
            folds: all of them.
            kept: numbers of the folds that stay as they are.
            labels_of: for each fold, row -> its labels as written in the data.
        """
        left_out: list[dict[int, str]] = [{} for _ in folds]
        chosen: list[tuple[int, int]] = []
        for number, fold in enumerate(folds):
            for row in fold.rows if number not in kept else ():
                times = self.times(labels_of[number](row))
                chosen += [(number, row)] * times
                if not times:
                    left_out[number][row] = FILTERED
        remaining = self._limited(chosen)
        for number, row in set(chosen).difference(remaining):
            left_out[number][row] = TOO_MANY
        rows: list[list[int]] = [[] for _ in folds]
        for number, row in remaining:
            rows[number].append(row)
        modified = [
            fold if number in kept else Partition(fold.name, rows[number])
            for number, fold in enumerate(folds)
        ]
        repeated = sum(count > 1 for count in Counter(remaining).values())
        return Modified(modified, left_out, repeated)

    def times(self, labels: Sequence[str]) -> int:
        """Return how often an image comes, 0 for one that is left out."""
        names = (self.classes.get(label.lower()) for label in labels)
        counts = Counter(name for name in names if name is not None)
        if counts and self.filtered.issuperset(counts):
            return 0
        is_rare = any(
            count > counts[dominant] * self.imbalance.get(name, 1.0)
            for name, count in counts.items()
            if name not in self.dominant
            for dominant in self.dominant
        )
        return 1 + self.copies * is_rare

    def _limited(self, chosen: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return at most as many as the limit, drawn at random, in their order."""
        if not self.limit or len(chosen) <= self.limit:
            return chosen
        drawn = random.Random(PARTITION_SEED).sample(range(len(chosen)), self.limit)
        return [chosen[index] for index in sorted(drawn)]
