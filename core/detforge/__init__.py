"""detforge: labelled images in, small fast detector out.

This module is what plugin authors import; it loads neither Keras nor TensorFlow. Its names are
loaded when they are used: `detforge --help` needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detforge.errors import (
        CheckpointError,
        DatasetError,
        DetforgeError,
        ExportError,
        PluginError,
        Problem,
        SpecError,
        UsageError,
    )
    from detforge.hookspecs import hookimpl
    from detforge.model import Batch, DetectionModel, Detections
    from detforge.recipe import Recipe

__version__ = "0.6.0"

__all__ = [
    "Batch",
    "CheckpointError",
    "DatasetError",
    "DetectionModel",
    "Detections",
    "DetforgeError",
    "ExportError",
    "PluginError",
    "Problem",
    "Recipe",
    "SpecError",
    "UsageError",
    "__version__",
    "hookimpl",
]

_HOMES = {
    "Batch": "model",
    "DetectionModel": "model",
    "Detections": "model",
    "Recipe": "recipe",
    "hookimpl": "hookspecs",
}
"""Name -> module; those that are absent here are errors."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
