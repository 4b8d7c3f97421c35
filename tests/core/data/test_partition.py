from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.data.partition import random_partition, read_sequences, sequence_partition
from detforge.errors import DatasetError

ROWS = {"a": 0, "b": 1, "c": 2, "d": 3}


@given(count=st.integers(0, 300), thousandths=st.integers(0, 100000))
def test_random_partition_deals_every_image_once(count, thousandths):
    validation, training = random_partition(count, thousandths / 1000)
    assert (validation.name, training.name) == ("validation", "training")
    assert sorted(validation.rows + training.rows) == list(range(count))
    assert len(validation.rows) == int(Fraction(thousandths, 100000) * count)


def test_random_partition_is_no_head_of_the_list_and_always_the_same():
    validation, training = random_partition(100, 20)
    assert sorted(validation.rows) != list(range(20))
    assert training.rows != sorted(training.rows)
    assert random_partition(100, 20) == [validation, training]


def test_sequences_are_dealt_from_the_longest_and_folds_counted_from_the_last():
    sequences = {"short": range(5), "long": range(5, 15), "middle": range(15, 23)}
    first, second = sequence_partition(sequences, 2, "s.json")
    assert (first.name, second.name) == ("fold 0", "fold 1")
    assert sorted(first.rows) == list(range(15, 23))
    assert sorted(second.rows) == list(range(15))
    assert second.rows != sorted(second.rows)


def test_sequences_of_one_length_are_dealt_by_name():
    sequences = {"c": [2], "a": [0], "b": [1], "d": [3]}
    folds = sequence_partition(sequences, 4, "s.json")
    assert [fold.rows for fold in folds] == [[3], [2], [1], [0]]


def test_one_fold_takes_all_sequences():
    (fold,) = sequence_partition({"a": [0, 1], "b": [2]}, 1, "s.json")
    assert sorted(fold.rows) == [0, 1, 2]


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=12), data=st.data())
def test_sequences_stay_whole(lengths, data):
    rows = iter(range(sum(lengths)))
    sequences = {str(i): [next(rows) for _ in range(n)] for i, n in enumerate(lengths)}
    folds = sequence_partition(sequences, data.draw(st.integers(1, len(lengths))), "s.json")
    assert sorted(row for fold in folds for row in fold.rows) == list(range(sum(lengths)))
    for frames in sequences.values():
        assert sum(not set(frames).isdisjoint(fold.rows) for fold in folds) == bool(frames)


def test_more_folds_than_sequences_are_an_error():
    with pytest.raises(DatasetError, match=r"num_partitions is 3, and s\.json lists 2 sequences"):
        sequence_partition({"a": [0], "b": [1]}, 3, "s.json")


def _file(tmp_path, content):
    path = tmp_path / "sequences.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_frames_are_found_by_the_stems_of_their_images(tmp_path):
    path = _file(tmp_path, {"one": ["a", "c"], "two": ["b"], "none": []})
    assert read_sequences(path, ROWS, "images") == {"one": [0, 2], "two": [1], "none": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"sequences\.json is not JSON"),
        ([["a"]], "is no list of sequences"),
        ({"one": "a"}, "is no list of sequences"),
        ({"one": [1]}, "is no list of sequences"),
        ({}, "is no list of sequences"),
        ({"one": []}, "is no list of sequences"),
        ({"one": ["a", "x"]}, "names the frame 'x', which is no image of images; frames are"),
        ({"one": ["a.png", "x", "y"]}, r"names the frame 'a\.png', .* \(nor are 2 more\)"),
        ({"one": ["a", "b"], "two": ["b"]}, "names the frame 'b' 2 times"),
    ],
)
def test_file_of_sequences_that_cannot_be_used_is_an_error(tmp_path, content, message):
    with pytest.raises(DatasetError, match=message):
        read_sequences(_file(tmp_path, content), ROWS, "images")


def test_missing_file_of_sequences_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=r"sequences\.json does not exist"):
        read_sequences(tmp_path / "sequences.json", ROWS, "images")
