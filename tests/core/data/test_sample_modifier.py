from __future__ import annotations

import pytest

from detforge.data.partition import Partition
from detforge.data.sample_modifier import FILTERED, TOO_MANY, SampleModifier
from detforge.protos.convert_pb2 import Convert
from detforge.spec import parse_spec

CLASSES = {"car": "car", "van": "car", "tram": "tram", "person": "person"}
IMAGES = [
    ("Car", "van"),
    ("tram",),
    ("car", "tram", "tram"),
    ("car", "person"),
    (),
    ("bicycle",),
    ("person", "person", "person", "car", "car"),
]


def modifier(block, mapping=CLASSES):
    config = parse_spec(f"sample_modifier_config {{ {block} }}", Convert).message
    return SampleModifier.from_spec(config.sample_modifier_config, mapping)


def times(block, mapping=CLASSES):
    found = modifier(block, mapping)
    return [found.times(labels) for labels in IMAGES]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        # An image without an object of any class is not one of these classes only.
        ('filter_samples_containing_only: "car"', [0, 1, 1, 1, 1, 1, 1]),
        ('filter_samples_containing_only: ["car", "tram"]', [0, 0, 0, 1, 1, 1, 1]),
        ('dominant_target_classes: "car" num_duplicates: 2', [1, 3, 3, 1, 1, 1, 3]),
        (
            'dominant_target_classes: ["car", "tram"] num_duplicates: 1',
            [1, 1, 1, 2, 1, 1, 2],
        ),
        (
            'dominant_target_classes: "car" num_duplicates: 1 '
            'minimum_target_class_imbalance { key: "person" value: 0.9 }',
            [1, 2, 2, 2, 1, 1, 2],
        ),
        (
            'dominant_target_classes: "car" num_duplicates: 1 '
            'minimum_target_class_imbalance { key: "person" value: 1.5 }'
            'minimum_target_class_imbalance { key: "tram" value: 2 }',
            [1, 2, 1, 1, 1, 1, 1],
        ),
        (
            'filter_samples_containing_only: "tram" dominant_target_classes: "car" '
            "num_duplicates: 1",
            [1, 0, 2, 1, 1, 1, 2],
        ),
    ],
    ids=["one", "either", "rare", "two dominant", "less suffices", "more is needed", "both"],
)
def test_image_comes_as_often_as_its_classes_say(block, expected):
    assert times(block) == expected


def test_mapping_of_the_block_comes_before_that_of_the_records():
    block = (
        'filter_samples_containing_only: "rail" '
        'source_to_target_class_mapping { key: "Tram" value: "rail" }'
    )
    assert times(block) == [1, 0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("block", ["", 'dominant_target_classes: "car"', "num_duplicates: 3"])
def test_block_that_changes_nothing_is_none(block):
    assert modifier(block) is None


def _apply(block, folds, kept=()):
    labels = [IMAGES.__getitem__] * len(folds)
    parts = [Partition(f"fold {i}", rows) for i, rows in enumerate(folds)]
    return modifier(block).apply(parts, kept, labels)


def test_kept_fold_stays_as_it_is():
    block = 'filter_samples_containing_only: "car" dominant_target_classes: "car" num_duplicates: 1'
    modified = _apply(block, [[0, 1, 2], [6, 0, 3, 1]], kept=(0,))
    assert [fold.rows for fold in modified.folds] == [[0, 1, 2], [6, 6, 3, 1, 1]]
    assert modified.left_out == [{}, {0: FILTERED}]
    assert modified.repeated == 2


def test_limit_counts_over_all_changed_folds_and_keeps_the_order():
    folds = [[6, 5, 4], [0, 1, 2], [3, 2, 1]]
    modified = _apply("max_training_samples: 4", folds, kept=(1,))
    first, kept, last = (fold.rows for fold in modified.folds)
    assert kept == [0, 1, 2]
    assert len(first) + len(last) == 4
    assert first == [row for row in folds[0] if row in first]
    assert last == [row for row in folds[2] if row in last]
    assert modified == _apply("max_training_samples: 4", folds, kept=(1,))


def test_image_that_the_limit_leaves_out_is_listed_once():
    block = 'dominant_target_classes: "car" num_duplicates: 2 max_training_samples: 1'
    modified = _apply(block, [[1, 2, 3]])
    (fold,) = modified.folds
    assert len(fold.rows) == 1
    assert modified.left_out == [dict.fromkeys({1, 2, 3} - set(fold.rows), TOO_MANY)]
