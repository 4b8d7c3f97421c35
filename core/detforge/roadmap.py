"""Which release brings what does not work yet: the one place for it.

Schemas (``arrives``), options and tasks name a feature; messages say what it is and when it comes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from detforge.errors import PluginError


class Feature(NamedTuple):
    """Something that a later release brings.

    Attributes:
        title: what it is, as it stands in a sentence.
        release: of detforge.
    """

    title: str
    release: str


FEATURES = {
    "faster_rcnn": Feature("Faster R-CNN", "0.7"),
    "efficientdet": Feature("EfficientDet", "0.8"),
    "mask_rcnn": Feature("Mask R-CNN", "0.9"),
    "quantization": Feature("quantisation", "0.10"),
    "tensorrt": Feature("TensorRT engines and DeepStream files", "0.11"),
    "multi_gpu": Feature("training on several GPUs", "0.12"),
}


def release_of(feature: str) -> str:
    """Return the release that brings a feature.

    Args:
        feature: a key of `FEATURES`, or a release that a plugin plans itself.

    Raises:
        PluginError: neither.
    """
    if feature in FEATURES:
        return FEATURES[feature].release
    if re.fullmatch(r"\d+(\.\d+)*", feature):
        return feature
    known = ", ".join(FEATURES)
    raise PluginError(f"{feature!r} is neither a feature of the roadmap ({known}) nor a release")


def arrival(feature: str) -> str:
    """Return when a feature comes, in words: ``comes with release 0.7 (Faster R-CNN)``.

    Raises:
        PluginError: there is no such feature.
    """
    release = release_of(feature)
    named = FEATURES.get(feature)
    return f"comes with release {release}" + (f" ({named.title})" if named else "")
