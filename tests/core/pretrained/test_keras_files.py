"""What Keras writes comes back by layer name, whichever Keras and whichever format."""

import json
import re
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.pretrained.keras2_files import small_layers, write_keras2, write_names

from detforge.errors import CheckpointError
from detforge.pretrained.apart import read_keras
from detforge.pretrained.reading import read_weights


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    images = keras.Input((16, 16, 3), name="images")
    x = keras.layers.Conv2D(4, 3, use_bias=False, name="conv1")(images)
    x = keras.layers.BatchNormalization(name="bn_conv1")(x)
    x = keras.layers.DepthwiseConv2D(3, name="conv_dw_1")(x)
    x = keras.layers.ReLU(name="relu_1")(x)
    x = keras.layers.Conv2D(5, 1, name="conv2")(x)
    x = keras.layers.BatchNormalization(scale=False, name="bn_conv2")(x)
    x = keras.layers.Add(name="sum")([x, x + 1.0])
    x = keras.layers.Conv2DTranspose(6, 2, name="up")(x)
    model = keras.Model(images, keras.layers.Dense(3, name="fc")(x))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    return model


@pytest.fixture(scope="module")
def expected(model):
    return {
        layer.name: {weight.name: np.array(weight) for weight in layer.weights}
        for layer in model.layers
        if layer.weights
    }


def layers_in(path):
    """Return layer -> slot -> array of a file that is not forged, read in this process."""
    arrays, layers = read_keras(path.read_bytes(), str(path))
    return {
        layer: {slot: arrays[name] for slot, name in slots.items()}
        for layer, slots in layers.items()
    }


def assert_same(found, expected):
    found = {layer: slots for layer, slots in found.items() if slots}
    assert {layer: set(slots) for layer, slots in found.items()} == {
        layer: set(slots) for layer, slots in expected.items()
    }
    for layer, slots in expected.items():
        for slot, array in slots.items():
            np.testing.assert_array_equal(found[layer][slot], array, err_msg=f"{layer}/{slot}")


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model.keras"])
def test_model_saved_by_keras_comes_back_by_layer_name(model, expected, tmp_path, name):
    model.save(tmp_path / name)
    found = read_weights(tmp_path / name)
    assert found.kind == "keras"
    assert_same(found.layers, expected)


def test_weights_saved_by_keras_come_back_by_layer_name(model, expected, tmp_path):
    model.save_weights(tmp_path / "a.weights.h5")
    found = layers_in(tmp_path / "a.weights.h5")
    # The file does not say which of gamma and beta the second normalisation has.
    assert found.pop("bn_conv2").keys() == {"0", "1", "2"}
    assert_same(found, {name: slots for name, slots in expected.items() if name != "bn_conv2"})


def without_names(path):
    """Make a file of Keras 3 one of its first releases, which had no names in it."""
    with h5py.File(path, "r+") as file:
        file.visititems(lambda _, group: group.attrs.pop("name", None) and None)


def test_layers_that_are_only_numbered_get_their_names_from_the_configuration(
    model, expected, tmp_path
):
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as archive:
        archive.extract("model.weights.h5", tmp_path)
        members = {name: archive.read(name) for name in ("config.json", "metadata.json")}
    without_names(tmp_path / "model.weights.h5")
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.write(tmp_path / "model.weights.h5", "model.weights.h5")
    assert_same(layers_in(tmp_path / "old.keras"), expected)


def test_numbered_layers_without_a_configuration_are_refused_with_a_way_out(model, tmp_path):
    path = tmp_path / "a.weights.h5"
    model.save_weights(path)
    without_names(path)
    with pytest.raises(CheckpointError, match=r"does not name its layers.*as \.keras or \.h5"):
        layers_in(path)


def test_models_inside_a_model_give_their_layers(model, expected, tmp_path):
    images = keras.Input((16, 16, 3))
    outer = keras.Model(images, keras.layers.Dense(2, name="top")(model(images)))
    wanted = {**expected, "top": {w.name: np.array(w) for w in outer.get_layer("top").weights}}
    for name in ("outer.h5", "outer.keras"):
        outer.save(tmp_path / name)
        assert_same(layers_in(tmp_path / name), wanted)


def test_wrapped_layer_has_the_name_of_its_wrapper_and_its_own(tmp_path):
    rois = keras.Input((None, 7, 7, 3))
    conv = keras.layers.Conv2D(4, 3, name="block_4a_conv_1")
    head = keras.Model(rois, keras.layers.TimeDistributed(conv, name="time_distributed")(rois))
    for name in ("head.h5", "head.keras"):
        head.save(tmp_path / name)
        found = layers_in(tmp_path / name)
        np.testing.assert_array_equal(found["block_4a_conv_1"]["kernel"], conv.kernel)
    assert found["block_4a_conv_1"].keys() == {"kernel", "bias"}


@pytest.mark.parametrize("whole_model", [True, False], ids=["hdf5", "weights-only-h5"])
@pytest.mark.parametrize("as_bytes", [True, False], ids=["bytes", "str"])
@pytest.mark.parametrize("split", [0, 2], ids=["one-attribute", "split"])
def test_file_of_keras_2_comes_back(tmp_path, whole_model, as_bytes, split):
    layers = small_layers()
    path = tmp_path / "a.h5"
    write_keras2(path, layers, whole_model=whole_model, as_bytes=as_bytes, split=split)
    found = layers_in(path)
    layers["conv_dw_1"] = {"kernel": layers["conv_dw_1"]["depthwise_kernel"]}
    assert_same(found, {name: slots for name, slots in layers.items() if slots})
    assert {"input_1", "re_lu"} <= found.keys()


NAMES = st.text("abcdefgh_0123", min_size=1, max_size=8)
SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=4).map(tuple)


@settings(max_examples=40, deadline=None)
@given(
    shapes=st.dictionaries(
        NAMES, st.dictionaries(st.sampled_from(["kernel", "bias", "gamma"]), SHAPES, max_size=3),
        min_size=1, max_size=6,
    ).filter(lambda layers: any(layers.values())),
    split=st.integers(0, 3),
    as_bytes=st.booleans(),
)  # fmt: skip
def test_any_layers_written_as_keras_2_does_come_back(tmp_path_factory, shapes, split, as_bytes):
    rng = np.random.default_rng(len(shapes))
    layers = {
        layer: {slot: rng.normal(size=shape).astype(np.float32) for slot, shape in slots.items()}
        for layer, slots in shapes.items()
    }
    path = tmp_path_factory.mktemp("a") / "a.h5"
    write_keras2(path, layers, split=split, as_bytes=as_bytes)
    found = layers_in(path)
    assert found.keys() == layers.keys()
    assert_same(found, {layer: slots for layer, slots in layers.items() if slots})


def test_weights_named_again_by_a_second_graph_keep_the_name_of_their_layer(tmp_path):
    layers = small_layers()
    path = write_keras2(tmp_path / "a.h5", layers, prefixes={"conv1": "conv1_1"})
    found = layers_in(path)
    np.testing.assert_array_equal(found["conv1"]["kernel"], layers["conv1"]["kernel"])


def test_separable_kernels_keep_their_two_names(tmp_path):
    kernels = {"depthwise_kernel": np.ones((3, 3, 2, 1)), "pointwise_kernel": np.ones((1, 1, 2, 4))}
    path = write_keras2(tmp_path / "a.h5", {"sep": kernels})
    assert layers_in(path)["sep"].keys() == kernels.keys()


def test_compressed_and_half_precision_arrays_are_read(tmp_path):
    path = tmp_path / "a.h5"
    zeros = np.zeros((64, 64), np.float16)
    with h5py.File(path, "w") as file:
        write_names(file, "layer_names", ["fc"], 0, True)
        group = file.create_group("fc")
        write_names(group, "weight_names", ["fc/kernel:0"], 0, True)
        group.create_dataset("fc/kernel:0", data=zeros, compression="gzip", chunks=(64, 64))
    np.testing.assert_array_equal(layers_in(path)["fc"]["kernel"], zeros)


def test_bfloat16_of_keras_is_read(tmp_path):
    layer = keras.layers.Dense(2, dtype="bfloat16", name="fc")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save_weights(tmp_path / "a.weights.h5")
    found = layers_in(tmp_path / "a.weights.h5")["fc"]["kernel"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.asarray(layer.kernel, np.float32))


def link_soft(group, other):
    group["fc/kernel:0"] = h5py.SoftLink("/secret")
    group["/secret"] = np.ones(3)


def link_to_itself(group, other):
    group["fc"] = h5py.SoftLink("/model_weights/fc/fc")


def link_outside(group, other):
    group["fc/kernel:0"] = h5py.ExternalLink(str(other), "kernel")


def store_outside(group, other):
    group.create_dataset("fc/kernel:0", (3,), "f4", external=[(str(other), 0, 12)])


def compose_of_others(group, other):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(str(other), "kernel", (3,))
    group.create_virtual_dataset("fc/kernel:0", layout)


def claim_without_storing(group, other):
    group.create_dataset("fc/kernel:0", (2**20, 2**20), "f4")


def compress_a_bomb(group, other):
    group.create_dataset(
        "fc/kernel:0", (2**20, 2**16), "f4", chunks=(2**10, 2**10), compression="gzip"
    )


def hold_text(group, other):
    group["fc/kernel:0"] = "rm -rf"


def compress_in_an_unknown_way(group, other):
    group.create_dataset("fc/kernel:0", data=np.ones(30), compression="lzf")


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (link_soft, "is a link to elsewhere"),
        (link_to_itself, "is a link to elsewhere"),
        (link_outside, "is a link to elsewhere"),
        (store_outside, "refers to another file"),
        (compose_of_others, "refers to another file"),
        (claim_without_storing, "made to be large"),
        (compress_a_bomb, "made to be large"),
        (hold_text, "holds no numbers"),
        (compress_in_an_unknown_way, "compressed in a way that is not read here"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_forged_file_is_refused_before_it_is_read(tmp_path, forge, message):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["kernel"] = np.ones(3, np.float32)
    path = write_keras2(tmp_path / "a.h5", {"conv1": {"kernel": np.ones(3)}, "fc": {}})
    with h5py.File(path, "r+") as file:
        group = file["model_weights/fc"]
        group.attrs["weight_names"] = np.array([b"fc/kernel:0"])
        forge(group, other)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        layers_in(path)


def test_group_that_holds_itself_is_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        layers = file.create_group("layers")
        layers["inner"] = layers
    with pytest.raises(CheckpointError, match="holds itself"):
        layers_in(path)


def test_hdf5_file_of_something_else_is_called_that(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["images"] = np.zeros((3, 3))
    with pytest.raises(CheckpointError, match="not of weights of Keras"):
        layers_in(tmp_path / "data.h5")


def test_archive_of_keras_with_a_strange_configuration_is_read_all_the_same(model, tmp_path):
    model.save(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        weights = archive.read("model.weights.h5")
    for config in (b"", b"[[[", b"[" * 5000, json.dumps({"config": {"layers": [1, {}]}}).encode()):
        with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", config)
            archive.writestr("model.weights.h5", weights)
        layers = layers_in(tmp_path / "b.keras")
        assert layers["conv1"].keys() == {"kernel"}
