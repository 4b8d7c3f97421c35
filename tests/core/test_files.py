"""Checkpoints on disk: what is written is read back, and every fault has its own message."""

import errno
import hashlib
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.checkpoint_builders import KEY, assert_same, make_checkpoint

import detforge
from detforge.errors import CheckpointError, UsageError
from detforge.files import (
    decrypt,
    encrypt,
    is_encrypted,
    load_checkpoint,
    pack_checkpoint,
    save_checkpoint,
    unpack_checkpoint,
)
from detforge.recipe import Variant

SEAL_SIZE = 71


def reseal(archive):
    """Return the bytes of a zip without comment, sealed as detforge seals."""
    body = archive[:-2] + struct.pack("<H", SEAL_SIZE)
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def rewrite(data, change, compression=zipfile.ZIP_STORED):
    """Return a sealed archive whose members went through a change, as a forger would make it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = change(members)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return reseal(buffer.getvalue())


def change_manifest(**changes):
    def change(members):
        manifest = {**json.loads(members["manifest.json"]), **changes}
        return {**members, "manifest.json": json.dumps(manifest).encode()}

    return change


# --- round trips ---------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_loaded_checkpoint_equals_the_saved_one(tmp_path, key):
    path = tmp_path / "modèle epoch 1.detforge"
    save_checkpoint(path, make_checkpoint(), key)
    assert_same(load_checkpoint(path, key), make_checkpoint())
    assert is_encrypted(path.read_bytes()) == (key is not None)


def test_key_for_a_plain_file_is_welcome(tmp_path):
    save_checkpoint(tmp_path / "a.detforge", make_checkpoint())
    assert_same(load_checkpoint(tmp_path / "a.detforge", KEY), make_checkpoint())


def test_empty_optimizer_and_empty_extra_come_back_empty(tmp_path):
    bare = make_checkpoint(optimizer={}, extra={})
    save_checkpoint(tmp_path / "a.detforge", bare)
    assert_same(load_checkpoint(tmp_path / "a.detforge"), bare)


def test_arrays_that_are_views_are_saved_as_they_read():
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    views = {"transposed": base.T, "strided": base[::2, ::3], "scalar": base[1, 1]}
    found = unpack_checkpoint(pack_checkpoint(make_checkpoint(weights=views)), "a")
    for name, view in views.items():
        np.testing.assert_array_equal(found.weights[name], view)
        assert found.weights[name].shape == view.shape


def test_equal_checkpoints_give_equal_bytes_whatever_the_order_of_weights():
    weights = make_checkpoint().weights
    swapped = dict(reversed(list(weights.items())))
    assert pack_checkpoint(make_checkpoint()) == pack_checkpoint(make_checkpoint(weights=swapped))


def test_file_is_a_zip_that_other_programs_read(tmp_path):
    save_checkpoint(tmp_path / "a.detforge", make_checkpoint())
    with zipfile.ZipFile(tmp_path / "a.detforge") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "manifest.json",
            "spec.txt",
            "weights.safetensors",
            "optimizer.safetensors",
        ]
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["format_version"] == 1
    assert manifest["detforge_version"] == detforge.__version__
    assert manifest["class_names"] == ["car", "Fußgänger"]


def test_encrypting_twice_gives_different_bytes_that_hold_nothing_of_the_plain_ones():
    plain = pack_checkpoint(make_checkpoint())
    first, second = encrypt(plain, KEY), encrypt(plain, KEY)
    assert first != second
    assert b"manifest.json" not in first
    assert decrypt(first, KEY) == decrypt(second, KEY) == plain


@settings(max_examples=15)  # a tenth of a second for each key
@given(data=st.binary(max_size=300))
def test_decrypt_inverts_encrypt(data):
    assert decrypt(encrypt(data, "k"), "k") == data


# --- damage --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[None, KEY], ids=["plain", "encrypted"])
def small_file(request):
    """The bytes of a checkpoint, and the key that opens it."""
    data = pack_checkpoint(make_checkpoint())
    return (data, None) if request.param is None else (encrypt(data, request.param), request.param)


def test_flip_of_any_single_byte_is_called_damage(small_file):
    data, key = small_file
    for position in range(len(data)):
        for flipped in (1 << (position % 8), 0xFF):
            damaged = bytearray(data)
            damaged[position] ^= flipped
            # A length that claims more than there is looks like a file cut short.
            with pytest.raises(CheckpointError, match=r"^f is (damaged|cut short)"):
                unpack(bytes(damaged), key)


def test_file_cut_at_any_length_is_called_cut_short(small_file):
    data, key = small_file
    for length in range(1, len(data)):
        with pytest.raises(CheckpointError, match=r"^f is cut short"):
            unpack(data[:length], key)


def test_whatever_follows_the_end_is_called_damage(small_file):
    data, key = small_file
    for extra in (b"\0", b"x", b"y" * 500, data, data[:200]):
        with pytest.raises(CheckpointError, match=r"^f is damaged"):
            unpack(data + extra, key)


def unpack(data, key):
    return unpack_checkpoint(decrypt(data, key, "f") if is_encrypted(data) else data, "f")


def test_forger_who_recomputes_the_hash_of_an_encrypted_file_is_refused():
    data = encrypt(b"weights", KEY)
    # One byte of version, release, scrypt parameters, length, salt, nonce, ciphertext and tag.
    for position in (9, 11, 12, 13, 14, 16, 30, 45, 53, 60):
        forged = bytearray(data[:-32])
        forged[position] ^= 1
        with pytest.raises(CheckpointError):
            decrypt(bytes(forged) + hashlib.sha256(forged).digest(), KEY, "f")


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_changed_weight_is_called_damage(tmp_path, key):
    path = tmp_path / "a.detforge"
    save_checkpoint(path, make_checkpoint(), key)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256"):
        load_checkpoint(path, key)


# --- keys ----------------------------------------------------------------------------------


def test_encrypted_file_without_key_asks_for_one(tmp_path):
    save_checkpoint(tmp_path / "a.tlt", make_checkpoint(), KEY)
    with pytest.raises(CheckpointError, match="is encrypted and no key was given"):
        load_checkpoint(tmp_path / "a.tlt")


def test_wrong_key_is_told_from_damage_and_no_key_stands_in_the_message(tmp_path):
    save_checkpoint(tmp_path / "a.tlt", make_checkpoint(), KEY)
    with pytest.raises(CheckpointError, match="does not open with this key") as caught:
        load_checkpoint(tmp_path / "a.tlt", "another key")
    assert "another key" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_empty_key_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match="the key is empty"):
        save_checkpoint(tmp_path / "a.tlt", make_checkpoint(), "")
    assert not list(tmp_path.iterdir())


def test_key_of_bytes_that_are_no_text_works():
    key = os.fsdecode(b"\xff\xfe key")
    assert decrypt(encrypt(b"data", key), key) == b"data"


# --- files of others -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("old.tlt", b"\x9d\x01" * 50, "file of an older toolkit .*Train again"),
        ("old.etlt", b"\0\0\0\0" + b"\x81" * 50, "file of an older toolkit"),
        ("old.hdf5", b"\x9d\x01" * 50, "file of an older toolkit"),
        ("weights.bin", b"\x89HDF\r\n\x1a\n" + b"\0" * 50, "an HDF5 file.*'train -m FILE'"),
        ("model.onnx", b"\x08\x08\x12\x07tf2onnx", "is an ONNX model"),
        ("model.engine", b"ftrt\0\x01" * 50, "TensorRT engine by its name; running one comes with"),
        ("notes.txt", b"hello, this is text", "is a text file, not a checkpoint"),
        ("umlauts.tlt", "fünf Sätze ".encode() * 200, "is a text file, not a checkpoint"),
        ("noise.bin", b"\x9d\x01" * 50, "noise.bin is not a checkpoint"),
        ("renamed.detforge", b"\x08\x08\x12\x07tf2onnx", "is an ONNX model; this needs"),
        ("a.detforge", b"", "is empty"),
    ],
)
def test_file_of_another_kind_is_explained(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(tmp_path / name)


def test_zip_of_another_program_is_explained(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(CheckpointError, match="zip archive of another program"):
        load_checkpoint(tmp_path / "model.keras")


def test_missing_file_names_the_checkpoints_beside_it(tmp_path):
    save_checkpoint(tmp_path / "ssd_epoch_001.detforge", make_checkpoint())
    with pytest.raises(CheckpointError, match=r"there is no file .*ssd_epoch_001\.detforge"):
        load_checkpoint(tmp_path / "ssd_epoch_002.detforge")


def test_file_without_permission_says_so(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the superuser may read everything
    with pytest.raises(CheckpointError, match=r"a\.detforge cannot be read: Permission denied"):
        load_checkpoint(tmp_path / "a.detforge")


def test_folder_instead_of_a_file_is_explained(tmp_path):
    with pytest.raises(CheckpointError, match="is a folder"):
        load_checkpoint(tmp_path)


# --- other formats and forged archives -----------------------------------------------------


def test_newer_format_names_the_release_that_reads_it():
    newer = change_manifest(format_version=3, readable_from_release="0.7", detforge_version="0.9.1")
    data = rewrite(pack_checkpoint(make_checkpoint()), newer)
    with pytest.raises(CheckpointError, match=r"format 3, written by detforge 0\.9\.1.*0\.7 or"):
        unpack_checkpoint(data, "f")


def test_newer_format_with_other_members_is_called_newer_and_not_foreign():
    def newer(members):
        return change_manifest(format_version=3)({**members, "masks.bin": b"1"})

    with pytest.raises(CheckpointError, match="has format 3"):
        unpack_checkpoint(rewrite(pack_checkpoint(make_checkpoint()), newer), "f")


def test_variant_of_the_network_comes_back():
    variant = Variant(backbone={"stride_in_middle": True}, widths={"net": {"conv": 24}})
    checkpoint = make_checkpoint(variant=variant)
    assert_same(unpack_checkpoint(pack_checkpoint(checkpoint), "f"), checkpoint)


@pytest.mark.parametrize(
    "variant",
    [
        [1],
        {"backbone": {}},
        {"backbone": {}, "widths": [1]},
        {"backbone": {"use_bias": [1]}, "widths": {}},
        {"backbone": {}, "widths": {"net": {"conv": 0}}},
        {"backbone": {}, "widths": {"net": {"conv": True}}},
        {"backbone": {}, "widths": {"net": 8}},
        {"backbone": {}, "widths": {}, "depths": {}},
    ],
)
def test_variant_that_no_release_writes_is_refused(variant):
    data = rewrite(pack_checkpoint(make_checkpoint()), change_manifest(variant=variant))
    with pytest.raises(CheckpointError, match=r"incomplete manifest\.json .*(variant|widths)"):
        unpack_checkpoint(data, "f")


def test_checkpoint_of_the_plain_network_is_one_that_earlier_releases_read():
    def version(checkpoint):
        with zipfile.ZipFile(io.BytesIO(pack_checkpoint(checkpoint))) as archive:
            return json.loads(archive.read("manifest.json"))["format_version"]

    assert version(make_checkpoint()) == 1
    assert version(make_checkpoint(variant=Variant(widths={"net": {"conv": 24}}))) == 2


def test_newer_layout_of_encryption_names_the_release_that_reads_it():
    data = bytearray(encrypt(b"data", KEY)[:-32])
    data[8:11] = bytes([2, 0, 9])
    with pytest.raises(CheckpointError, match=r"layout 2; .*install detforge 0\.9"):
        decrypt(bytes(data) + hashlib.sha256(data).digest(), KEY, "f")


def test_compressed_member_is_refused_before_it_is_unpacked():
    def bomb(members):
        return {**members, "weights.safetensors": b"\0" * 10_000_000}

    data = rewrite(pack_checkpoint(make_checkpoint()), bomb, zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    with pytest.raises(CheckpointError, match="compressed, or larger than the file allows"):
        unpack_checkpoint(data, "f")


@pytest.mark.parametrize(
    "change",
    [
        lambda members: {**members, "../evil": b"x"},
        lambda members: {name: members[name] for name in ("manifest.json", "spec.txt")},
        lambda members: {**members, "manifest.json": b"[1, 2]"},
        lambda members: {**members, "manifest.json": b"{" * 100_000},
        lambda members: {**members, "weights.safetensors": b"\xff" * 40},
        lambda members: {**members, "spec.txt": b"\xff\xfe"},
        change_manifest(epoch="three"),
        change_manifest(class_names=None),
        change_manifest(format="something-else"),
    ],
    ids=[
        "path outside",
        "members missing",
        "manifest is a list",
        "manifest nested without end",
        "arrays are noise",
        "spec is no text",
        "epoch is a word",
        "no class names",
        "another format",
    ],
)
def test_forged_archive_is_one_error_and_no_crash(change):
    data = rewrite(pack_checkpoint(make_checkpoint()), change)
    with pytest.raises(CheckpointError):
        unpack_checkpoint(data, "f")


def test_forged_scrypt_cost_is_refused_before_memory_is_taken():
    data = bytearray(encrypt(b"data", KEY)[:-32])
    data[11] = 40  # would take 1 TiB
    with pytest.raises(CheckpointError, match="is damaged"):
        decrypt(bytes(data) + hashlib.sha256(data).digest(), KEY, "f")
