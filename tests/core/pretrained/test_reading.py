"""Weights of every kind of file, and what is said of files that are none."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.core.checkpoint_builders import KEY, make_checkpoint

from detforge.errors import CheckpointError
from detforge.files import save_checkpoint
from detforge.pretrained.reading import read_weights
from detforge.recipe import Variant

KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("key", [None, KEY], ids=["detforge", "tlt"])
def test_checkpoint_of_any_detector_gives_its_layers_and_its_variant(tmp_path, key):
    path = tmp_path / "a.tlt"
    variant = Variant(backbone={"use_pooling": True}, widths={"net": {"conv": 3}})
    save_checkpoint(path, make_checkpoint(detector="other", variant=variant), key)
    found = read_weights(path, key)
    assert found.kind == "checkpoint"
    assert found.layers.keys() == {"conv"}
    np.testing.assert_array_equal(found.layers["conv"]["kernel"], KERNEL)
    assert found.variant == variant
    assert found.checkpoint.detector == "other"


def test_layers_of_one_name_in_two_parts_are_told_apart(tmp_path):
    path = tmp_path / "a.detforge"
    weights = {
        "first/conv/kernel": KERNEL,
        "second/conv/kernel": 2 * KERNEL,
        "first/fc/bias": KERNEL,
    }
    save_checkpoint(path, make_checkpoint(weights=weights))
    assert read_weights(path).layers.keys() == {"first/conv", "second/conv", "fc"}


@pytest.mark.parametrize("names", [["conv/kernel"], ["net/conv/kernel"]], ids=["layer", "part"])
@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_arrays_named_by_layer_and_slot_are_layers(tmp_path, kind, names):
    path = tmp_path / f"a.{kind}"
    arrays = dict.fromkeys(names, KERNEL)
    save_file(arrays, path) if kind == "safetensors" else np.savez(path, **arrays)
    found = read_weights(path)
    assert found.kind == kind
    np.testing.assert_array_equal(found.layers["conv"]["kernel"], KERNEL)


def test_names_of_pytorch_are_left_to_those_who_know_them(tmp_path):
    save_file({"layer1.0.conv1.weight": KERNEL}, tmp_path / "a.safetensors")
    found = read_weights(tmp_path / "a.safetensors")
    assert (found.layers, list(found.arrays)) == ({}, ["layer1.0.conv1.weight"])


def test_compressed_and_transposed_arrays_of_numpy_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **{"conv/kernel": KERNEL.T, "class_names": ["car"]})
    found = read_weights(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.layers["conv"]["kernel"], KERNEL.T)
    assert list(found.arrays) == ["conv/kernel"]


def test_bfloat16_of_safetensors_is_read(tmp_path):
    values = np.float32([1.0, -2.5, 0.15625])
    header = {"fc/bias": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}
    text = json.dumps(header).encode()
    upper = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + upper)
    found = read_weights(tmp_path / "a.safetensors").layers["fc"]["bias"]
    np.testing.assert_array_equal(found, values)


def npz_of(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def npy_header(shape, dtype="<f4"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


class Evil:
    """What a pickle may do."""

    def __reduce__(self):
        return (pytest.fail, ("code of a file was run",))


def objects():
    stream = io.BytesIO()
    np.savez(stream, **{"conv/kernel": np.array([Evil()], object)})
    return stream.getvalue()


def torch_file():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Evil()))
        archive.writestr("model/data/0", b"0000")
    return stream.getvalue()


SAVED = io.BytesIO()
np.savez(SAVED, **{"conv/kernel": KERNEL})


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.npz", objects(), "holds other than numbers"),
        ("a.npz", npz_of(**{"a.npy": npy_header((2**30, 2**20))}), "is damaged"),
        ("a.npz", npz_of(**{"a.npy": npy_header((-1, 3))}), "is damaged"),
        ("a.npz", npz_of(**{"a.npy": b"\x93NUMPY\x09\x00"}), "is damaged"),
        ("a.npz", npz_of(**{"a.npy": bytes(50_000_000)}), "is damaged"),
        ("a.npz", SAVED.getvalue()[:-30], "is cut short or damaged"),
        ("a.npz", SAVED.getvalue().replace(KERNEL.tobytes(), KERNEL[::-1].tobytes()), "damaged"),
        ("a.npz", npz_of(), "is a zip archive of another program|is cut short|is not a checkpoint"),
        ("a.safetensors", b"\x40\0\0\0\0\0\0\0{}", "is cut short or damaged"),
        ("a.keras", b"PK\x03\x04 and no end", "is cut short or damaged"),
        ("a.pth", torch_file(), "runs code when it is read"),
        ("a.pt", pickle.dumps(Evil()), "runs code when it is read"),
        ("a.tlt", b"\x17vendor" * 99, "file of an older toolkit"),
        ("a.hdf5", b"\x17vendor" * 99, "file of an older toolkit"),
        ("a.bin", b"\x17strange" * 99, r"weights are read from \.detforge and \.tlt"),
        ("a.h5", b"", "is empty"),
        ("spec.txt", b"random_seed: 42", "is a text file"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_what_is_no_file_of_weights_is_one_message(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=message):
        read_weights(tmp_path / name)


def test_missing_files_folders_and_wrong_keys_are_one_message(tmp_path):
    with pytest.raises(CheckpointError, match="there is no file"):
        read_weights(tmp_path / "absent.h5")
    with pytest.raises(CheckpointError, match="is a folder"):
        read_weights(tmp_path)
    save_checkpoint(tmp_path / "a.tlt", make_checkpoint(), KEY)
    with pytest.raises(CheckpointError, match="does not open with this key"):
        read_weights(tmp_path / "a.tlt", "another")
    with pytest.raises(CheckpointError, match="no key was given"):
        read_weights(tmp_path / "a.tlt")


def test_any_changed_byte_of_plain_arrays_is_read_or_refused(tmp_path):
    save_file({"conv/kernel": KERNEL}, tmp_path / "a.safetensors")
    for name, data in (
        ("a.safetensors", (tmp_path / "a.safetensors").read_bytes()),
        ("a.npz", SAVED.getvalue()),
    ):
        refused = 0
        for i in range(len(data)):
            for damaged in (data[:i] + bytes([data[i] ^ 0xFF]) + data[i + 1 :], data[:i]):
                (tmp_path / name).write_bytes(damaged)
                try:
                    read_weights(tmp_path / name)
                except CheckpointError:
                    refused += 1
        assert refused > len(data)  # every length but the whole, and many bytes
