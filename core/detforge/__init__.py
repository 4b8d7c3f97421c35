"""detforge: labelled images in, small fast detector out.

This module is what plugin authors import; it loads neither Keras nor TensorFlow.
"""

from __future__ import annotations

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

__version__ = "0.2.0"

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
