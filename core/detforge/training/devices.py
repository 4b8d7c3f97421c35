"""What a run computes on."""

from __future__ import annotations

import keras


def has_accelerator() -> bool:
    """Return whether training runs on more than the CPU."""
    return any("gpu" in device for device in keras.distribution.list_devices())
