from __future__ import annotations

import re
import struct
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.data.tfrecord import TFRecordFile, frame
from detforge.errors import DatasetError

PAYLOADS = [b"first", b"", b"x" * 1000, bytes(range(256))]


@pytest.fixture
def records(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(b"".join(frame(payload) for payload in PAYLOADS))
    return path


def test_frame_has_the_documented_layout():
    # CRC-32C is 0x8c28b28a of eight zero bytes and 0 of nothing; records hold it rotated right
    # by 15 bits and 0xa282ead8 higher.
    length, length_crc, payload_crc = struct.unpack("<QII", frame(b""))
    assert (length, length_crc, payload_crc) == (0, 0x07980329, 0xA282EAD8)


def test_records_are_read_in_any_order(records):
    file = TFRecordFile(records)
    assert len(file) == 4
    assert [file[index] for index in (3, 0, 2, 1)] == [PAYLOADS[i] for i in (3, 0, 2, 1)]


def test_threads_read_at_the_same_time(records):
    file = TFRecordFile(records)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(file.__getitem__, [index % 4 for index in range(200)]))
    assert read == PAYLOADS * 50


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=200), max_size=6))
def test_whatever_is_framed_comes_back(tmp_path_factory, payloads):
    path = tmp_path_factory.mktemp("frames") / "records"
    path.write_bytes(b"".join(frame(payload) for payload in payloads))
    file = TFRecordFile(path)
    assert [file[index] for index in range(len(file))] == payloads


def test_tensorflow_reads_and_writes_the_same_records(records, tmp_path):
    import tensorflow as tf

    read = [item.numpy() for item in tf.data.TFRecordDataset(str(records))]
    assert read == PAYLOADS
    theirs = tmp_path / "theirs"
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for payload in PAYLOADS:
            writer.write(payload)
    assert theirs.read_bytes() == records.read_bytes()


def test_empty_file_holds_no_records(tmp_path):
    (tmp_path / "empty").touch()
    assert len(TFRecordFile(tmp_path / "empty")) == 0


@pytest.mark.parametrize("lost", [1, 5, 270, 280])
def test_file_cut_inside_a_record_is_named(records, lost):
    data = records.read_bytes()
    records.write_bytes(data[:-lost])
    with pytest.raises(DatasetError, match=r"records is cut off inside record \d"):
        TFRecordFile(records)


def test_flipped_bit_in_a_payload_is_found_when_it_is_read(records):
    data = bytearray(records.read_bytes())
    data[100] ^= 4
    records.write_bytes(data)
    file = TFRecordFile(records)
    assert file[0] == PAYLOADS[0]
    with pytest.raises(DatasetError, match="record 2 at byte 37 does not match its checksum"):
        file[2]


def test_flipped_bit_in_a_length_is_found_when_the_file_is_opened(records):
    data = bytearray(records.read_bytes())
    data[21] ^= 1
    records.write_bytes(data)
    with pytest.raises(DatasetError, match="header of record 1 at byte 21"):
        TFRecordFile(records)


def test_file_of_another_kind_is_recognised(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are not the records you are looking for.")
    with pytest.raises(DatasetError, match=rf"{re.escape(str(path))} is not a TFRecord file"):
        TFRecordFile(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere cannot be read"):
        TFRecordFile(tmp_path / "nowhere")
