from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detforge.data.json_stream import Element, read_members
from detforge.errors import DatasetError

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


class _Trickle(io.BytesIO):
    """Gives no more than a few bytes at a time, whatever is asked for."""

    def __init__(self, data, sizes):
        super().__init__(data)
        self._sizes = sizes

    def read(self, size=-1):
        step = self._sizes[self.tell() % len(self._sizes)]
        return super().read(min(step, size) if size >= 0 else step)


def _read(data, chunk=1 << 20, sizes=(1 << 20,)):
    return _read_file(_Trickle(data, sizes), chunk)


def _read_file(file, chunk):
    members = read_members(file, "x.json", chunk)
    return {key: list(value) if hasattr(value, "send") else value for key, value in members}


def _plain(members):
    return {
        key: [e.value for e in value] if isinstance(value, list) else value
        for key, value in members.items()
    }


@settings(max_examples=300)
@given(
    DOCUMENTS,
    st.booleans(),
    st.sampled_from([None, 1, "\t"]),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
def test_streaming_gives_what_json_gives_however_the_bytes_arrive(document, ascii, indent, sizes):
    text = json.dumps(document, ensure_ascii=ascii, indent=indent)
    data = text.encode(errors="surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:  # half of a pair can stand in JSON as an escape only
        data = json.dumps(document, indent=indent).encode()
    assert _plain(_read(data, chunk=sizes[0], sizes=sizes)) == json.loads(data)


@settings(max_examples=100)
@given(st.lists(VALUES, min_size=1, max_size=6), st.integers(1, 64))
def test_bytes_of_an_element_are_the_element(values, chunk):
    data = json.dumps({"a": 1, "values": values}, indent=1).encode()
    for element in _read(data, chunk)["values"]:
        assert json.loads(data[element.start : element.end]) == element.value


@settings(max_examples=200)
@given(DOCUMENTS, st.integers(0, 400), st.integers(1, 30))
def test_file_cut_anywhere_is_no_json(document, length, chunk):
    data = json.dumps(document).encode()
    cut = data[: length % len(data)]
    with pytest.raises(DatasetError, match=r"x\.json is not JSON"):
        _read(cut, chunk)


@settings(max_examples=200)
@given(DOCUMENTS, st.data(), st.integers(1, 30))
def test_what_json_refuses_is_refused_and_nothing_else(document, data, chunk):
    text = json.dumps(document)
    at = data.draw(st.integers(1, len(text) - 1))
    changed = text[:at] + data.draw(st.sampled_from(list('{}[]",:x\\ 1-.'))) + text[at + 1 :]
    try:
        expected = json.loads(changed)
    except ValueError:
        with pytest.raises(DatasetError, match="is not JSON"):
            _read(changed.encode(), chunk)
        return
    # A name may stand twice now, of which either keeps the last.
    assert _plain(_read(changed.encode(), chunk)) == expected


def test_elements_come_with_their_place():
    data = b'{"images": [ {"id": 1},\n {"id": 2} ]}'
    assert _read(data, chunk=4) == {
        "images": [Element({"id": 1}, 13, 22), Element({"id": 2}, 25, 34)]
    }


def test_lists_that_nobody_reads_are_passed_over():
    data = b'{"videos": [[1, 2], {"a": []}], "images": [7]}'
    found = [key for key, _ in read_members(io.BytesIO(data), "x.json")]
    assert found == ["videos", "images"]


def test_byte_order_mark_is_passed_over():
    assert _read(b'\xef\xbb\xbf {"a": 1}', chunk=1) == {"a": 1}


def test_string_longer_than_what_is_read_at_a_time_is_no_mistake():
    text = 'x\\"' * 50_000
    data = f'{{"a": [{{"counts": "{text}"}}], "b": 2}}'.encode()
    assert _plain(_read(data, chunk=100)) == json.loads(data)


def test_mistake_in_a_large_file_is_found_without_reading_it_all():
    data = b'{"a": [{"id": 1, "bbox": [1, 2, 3 4]}, ' + b"0, " * 100_000 + b"0]}"
    file = io.BytesIO(data)
    with pytest.raises(DatasetError, match="line 1, byte 34, before '4]}"):
        _read_file(file, chunk=1000)
    assert file.tell() < 10_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON: it is empty"),
        (b" [1]", "holds a list at its top level"),
        (b"3", "it begins with '3'; an object"),
        (b"{'a': 1}", "a name in double quotes is expected"),
        (b'{"a" 1}', "':' is expected"),
        (b'{"a": [1 2]}', "',' or '\\]' is expected .line 1, byte 9, before '2\\]}'"),
        (b'{"a": 1}\n\n}', "something follows the end of the object .line 3, byte 10"),
        (b'{"a": [1,\n {"b": tru}]}', "line 2, byte 17"),
        (b'{"a": ["\xe4"]}', "this is not UTF-8 text .line 1, byte 8"),
        (b'{"a": ' + b"[" * 200_000, "recursion"),
        (b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
        (b'\xff\xfe{\x00"\x00', "is UTF-16 text; save it as UTF-8"),
    ],
    ids=[
        "empty", "list", "number", "single quotes", "no colon", "no comma", "two ends", "word",
        "latin-1", "too deep", "too long", "utf-16",
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunk", [1, 5, 1 << 20])
def test_mistake_says_what_and_where(data, message, chunk):
    with pytest.raises(DatasetError, match=message) as caught:
        _read(data, chunk)
    assert str(caught.value).startswith("x.json ")
