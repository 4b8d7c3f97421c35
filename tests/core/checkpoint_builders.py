"""A small checkpoint, and whether another one is the same."""

import numpy as np

from detforge.files import Checkpoint

KEY = "sesame öffne dich"


def make_checkpoint(**changes):
    fields = {
        "detector": "ssd",
        "plugin_version": "0.1.0",
        "class_names": ("car", "Fußgänger"),
        "spec_text": "random_seed: 42\n",
        "epoch": 3,
        "step": 120,
        "weights": {
            "net/conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
            "net/conv/bias": np.float32([0.5, -1.5]),
        },
        "optimizer": {"iteration": np.array(120, np.int64)},
        "extra": {"seed": 7},
    }
    return Checkpoint(**{**fields, **changes})


def assert_same(found, expected):
    for name in ("detector", "plugin_version", "class_names", "spec_text", "epoch", "step"):
        assert getattr(found, name) == getattr(expected, name)
    assert dict(found.extra) == dict(expected.extra)
    assert found.variant == expected.variant
    for group in ("weights", "optimizer"):
        arrays, wanted = getattr(found, group), getattr(expected, group)
        assert arrays.keys() == wanted.keys()
        for name in wanted:
            assert arrays[name].dtype == wanted[name].dtype
            np.testing.assert_array_equal(arrays[name], wanted[name])
