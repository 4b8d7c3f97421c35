"""Dealing the images of a data set to folds: at random, or whole sequences together."""

from __future__ import annotations

import json
import random
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.data.images import read_bytes
from detforge.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# Fixed, so that a data set converted again is dealt out alike.
PARTITION_SEED = 42


class Partition(NamedTuple):
    """The images of one fold.

    Attributes:
        name: of the fold.
        rows: of the source, in the order of the records; a row may come more than once.
    """

    name: str
    rows: list[int]


def random_partition(count: int, percent: float) -> list[Partition]:
    """Return a validation and a training fold, both in random order.

    Args:
        count: number of images.
        percent: share of the validation fold; whole images, rounded down.
    """
    rows = list(range(count))
    random.Random(PARTITION_SEED).shuffle(rows)
    # A third-decimal percentage is a little less in binary; its text is what was meant.
    held_out = int(Decimal(f"{percent:.6g}") * count / 100)
    return [Partition("validation", rows[:held_out]), Partition("training", rows[held_out:])]


def sequence_partition(
    sequences: Mapping[str, Sequence[int]], folds: int, file: str
) -> list[Partition]:
    """Return folds of whole sequences, of about the same number of images.

    The sequences are dealt out from the longest to the shortest, one fold after the other, and
    the folds are then numbered from the last: fold 0, which may be for validation, is not the
    largest. Inside a fold the images are in random order.

    Args:
        sequences: name -> rows of its frames.
        folds: number of folds.
        file: that lists the sequences, for messages.

    Raises:
        DatasetError: there are fewer sequences than folds.
    """
    if folds > len(sequences):
        raise DatasetError(
            f"num_partitions is {folds}, and {file} lists {len(sequences)} sequences; a fold takes "
            "one at least"
        )
    order = sorted(sequences, key=lambda name: (-len(sequences[name]), name))
    dealt = [
        [row for name in order[first::folds] for row in sequences[name]] for first in range(folds)
    ]
    shuffle = random.Random(PARTITION_SEED).shuffle
    for rows in reversed(dealt):
        shuffle(rows)
    return [Partition(f"fold {number}", rows) for number, rows in enumerate(reversed(dealt))]


def read_sequences(path: Path, rows_of: Mapping[str, int], folder: str) -> dict[str, list[int]]:
    """Return the sequences that a JSON file lists.

    Args:
        path: the file: sequence name -> list of frames.
        rows_of: name of a frame, the stem of its file -> row.
        folder: of the images, for messages.

    Raises:
        DatasetError: it is no such file, a frame is no image, or one is named twice.
    """
    content = _load(path)
    frames = [frame for listed in content.values() for frame in listed]
    missing = [frame for frame in frames if frame not in rows_of]
    if missing:
        more = f" (nor are {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise DatasetError(
            f"{path} names the frame {missing[0]!r}, which is no image of {folder}{more}; frames "
            "are the names of image files without extension"
        )
    twice, count = max(Counter(frames).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise DatasetError(f"{path} names the frame {twice!r} {count} times; a frame has one place")
    return {name: [rows_of[frame] for frame in listed] for name, listed in content.items()}


def _load(path: Path) -> dict[str, list[str]]:
    try:
        content: Any = json.loads(read_bytes(path))
    except ValueError as err:
        raise DatasetError(f"{path} is not JSON: {err}") from err
    is_mapping = isinstance(content, dict) and all(
        isinstance(frames, list) and all(isinstance(frame, str) for frame in frames)
        for frames in content.values()
    )
    if not is_mapping or not any(content.values()):
        raise DatasetError(
            f"{path} is no list of sequences; it takes the form "
            '{"sequence": ["frame", "frame", ...], ...}'
        )
    return content
