"""HDF5 files laid out as Keras 2 writes them, made without Keras."""

from __future__ import annotations

import json

import h5py
import numpy as np


def write_keras2(
    path, layers, *, whole_model=True, split=0, as_bytes=True, config=None, prefixes=None
):
    """Write a file of Keras 2.

    Args:
        path: where to.
        layers: layer name -> weight name without its layer -> array.
        whole_model: ``.hdf5`` of a model, with the group ``model_weights``; else of weights.
        split: names in one attribute; 0 for all.
        as_bytes: names are bytes, as h5py 2 wrote them.
        config: the model's; None for none.
        prefixes: layer -> what its weights' names begin with; the layer's name where absent.
    """
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole_model else file
        if whole_model:
            file.attrs["keras_version"] = np.bytes_("2.2.4-tf")
            file.create_group("optimizer_weights/training/SGD").create_dataset("iter", data=7)
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
        write_names(group, "layer_names", list(layers), split, as_bytes)
        for layer, weights in layers.items():
            inside = group.create_group(layer)
            prefix = (prefixes or {}).get(layer, layer)
            names = {f"{prefix}/{slot}:0": array for slot, array in weights.items()}
            write_names(inside, "weight_names", list(names), split, as_bytes)
            for name, array in names.items():
                inside.create_dataset(name, data=array)
    return path


def write_names(group, attribute, names, split, as_bytes):
    """Write a list of names, cut into pieces where asked."""
    kind = "S" if as_bytes else h5py.string_dtype()
    array = np.array([name.encode() if as_bytes else name for name in names], kind)
    if not names:
        array = np.zeros(0)  # what Keras writes for none
    if not split or len(names) <= split:
        group.attrs[attribute] = array
        return
    for i in range(0, len(names), split):
        group.attrs[f"{attribute}{i // split}"] = array[i : i + split]


def small_layers(rng=None):
    """Return layers of the kinds that backbones have."""
    rng = rng or np.random.default_rng(0)

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    return {
        "input_1": {},
        "conv1": {"kernel": draw(3, 3, 3, 4), "bias": draw(4)},
        "bn_conv1": {name: draw(4) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
        "conv_dw_1": {"depthwise_kernel": draw(3, 3, 4, 1)},
        "re_lu": {},
        "fc1": {"kernel": draw(8, 2), "bias": draw(2)},
    }
