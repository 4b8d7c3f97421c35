"""Several sources as one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from detforge.data.samples import Sample, SampleSource
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Concatenation(SampleSource):
    """Several sources, one after the other.

    Attributes:
        sources: in their order.
    """

    def __init__(
        self,
        sources: Sequence[SampleSource],
        weights: Sequence[float] = (),
        *,
        equal: bool = False,
    ) -> None:
        """Join some sources.

        Args:
            sources: at least one.
            weights: how often the images of each are drawn; empty for all alike.
            equal: draw from each source equally often, whatever its size; weights do not count.

        Raises:
            DatasetError: a weight is not above 0.
        """
        self.name = ", ".join(source.name for source in sources)
        self.left_out = tuple(file for source in sources for file in source.left_out)
        self.drop_advice = "".join(dict.fromkeys(source.drop_advice for source in sources))
        self.categories = {i: name for s in reversed(sources) for i, name in s.categories.items()}
        self.sources = tuple(sources)
        self._ends = np.cumsum([len(source) for source in sources])
        self._weights = tuple(weights) or (1.0,) * len(sources)
        self._equal = equal
        for source, weight in zip(sources, self._weights, strict=True):
            if not 0 < weight < np.inf:
                raise DatasetError(
                    f"{source.name} has the weight {weight:g} (source_weight); it must be above 0. "
                    "Leave a source out that is not to be used"
                )

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, row: int) -> Sample:
        index = int(np.searchsorted(self._ends, row, side="right"))
        source = self.sources[index]
        return source[row - int(self._ends[index]) + len(source)]

    def class_counts(self) -> dict[str, int]:
        """Return class name -> objects."""
        counts: Counter[str] = Counter()
        for source in self.sources:
            counts.update(source.class_counts())
        return dict(sorted(counts.items()))

    def max_objects(self) -> int:
        """Return the largest number of objects in one image."""
        return max(source.max_objects() for source in self.sources)

    def weights(self) -> NDArray[np.float64] | None:
        """Return float64 (rows,): how often each image is drawn, 1 on average; None for alike."""
        parts = []
        for source, weight in zip(self.sources, self._weights, strict=True):
            own = source.weights()
            rows = np.ones(len(source)) if own is None else own
            parts.append(rows / len(source) if self._equal and len(source) else rows * weight)
        rows = np.concatenate(parts)
        return None if np.ptp(rows) == 0 else rows / rows.mean()
