"""Detections in the format of COCO's results: a JSON list with an entry an object.

``image_id``, ``category_id``, ``bbox`` (x, y, width, height in pixels of the image) and ``score``
are what COCO's own tools read. ``file_name`` and ``category_name`` say the same in words.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


def format_coco_results(
    file_name: str,
    boxes_xyxy: np.ndarray,
    names: Sequence[str],
    scores: np.ndarray,
    labels: np.ndarray,
) -> list[str]:
    """Return the entries of one image, each as JSON on a line.

    Args:
        file_name: of the image, with its extension. Its digits are the ``image_id``, as in COCO's
            own images; a name that is no number is its own id, without the extension.
        boxes_xyxy: float (N, 4), source pixels.
        names: N class names.
        scores: float (N,), in [0, 1].
        labels: int (N,), class ids from 0; ``category_id`` counts from 1, as COCO does.
    """
    stem = file_name.rpartition(".")[0] or file_name
    image_id = int(stem) if stem.isascii() and stem.isdigit() else stem
    corners = np.asarray(boxes_xyxy, np.float64)
    boxes_xywh = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    return [
        json.dumps(
            {
                "image_id": image_id,
                "category_id": int(label) + 1,
                "bbox": [round(value, 3) for value in box],
                "score": round(float(score), 6),
                "file_name": file_name,
                "category_name": name,
            },
            ensure_ascii=False,
        )
        for box, name, score, label in zip(boxes_xywh.tolist(), names, scores, labels, strict=True)
    ]


def join_entries(entries: Sequence[str]) -> str:
    """Return the whole file, an entry on each line."""
    return "[" + ",".join(f"\n{entry}" for entry in entries) + "\n]\n"
