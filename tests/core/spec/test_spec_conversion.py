"""The conversion spec: its fields as the documents have them, and what they must agree on."""

from __future__ import annotations

import pytest

from detforge.errors import SpecError
from detforge.protos import convert_pb2
from detforge.spec import parse_spec
from detforge.spec.conversion import check_conversion, conversion_check

KITTI = 'kitti_config { image_dir_name: "images" label_dir_name: "labels" OPTIONS }\n'
COCO = """coco_config {
  img_dir_names: ["val", "train"]
  annotation_files: ["val.json", "train.json"]
  OPTIONS
}
"""


def parsed(text):
    return parse_spec(text, convert_pb2.Convert, "s.txt")


def kitti(options=""):
    return parsed(KITTI.replace("OPTIONS", options)).message.kitti_config


def problems(text):
    """What is wrong with a spec, without the places."""
    try:
        check_conversion(parsed(text))
    except SpecError as err:
        return [f"{problem.path}: {problem.message}" for problem in err.problems]
    return []


def remarks(text):
    """What has no effect in a spec, without the places."""
    spec = parsed(text)
    found = (*spec.warnings, *check_conversion(spec))
    return [f"{warning.path}: {warning.message}" for warning in found]


def test_kitti_defaults_are_the_documented_ones():
    config = kitti()
    assert config.image_extension == ".png"
    assert (config.partition_mode, config.num_partitions, config.val_split) == ("random", 2, 20)
    assert config.num_shards == 10


def test_coco_defaults_are_the_documented_ones():
    config = parsed(COCO.replace("OPTIONS", "")).message.coco_config
    assert (config.num_partitions, list(config.num_shards)) == (2, [10])


@pytest.mark.parametrize("written", [".jpg", "jpg", "JPG", ".Jpg"])
def test_image_extension_is_written_with_or_without_dot_in_any_case(written):
    assert kitti(f'image_extension: "{written}"').image_extension == ".jpg"


def test_other_extensions_name_those_that_work():
    (problem,) = problems(KITTI.replace("OPTIONS", 'image_extension: ".bmp"'))
    assert '".bmp" is no choice here; use ".png", ".jpg" or ".jpeg"' in problem


@pytest.mark.parametrize("share", ["0", "14", "99.5", "100"])
def test_share_of_the_validation_fold_is_a_percentage(share):
    assert kitti(f"val_split: {share}").val_split == float(share)


@pytest.mark.parametrize("share", ["-1", "100.5"])
def test_share_below_nothing_or_above_all_is_refused(share):
    (problem,) = problems(KITTI.replace("OPTIONS", f"val_split: {share}"))
    assert f"{share} is out of range; allowed: from 0 to 100 percent" in problem


def test_fields_of_a_conversion_that_disagree_are_named_with_other_mistakes():
    text = KITTI.replace("OPTIONS", 'partition_mode: "sequence" val_splt: 3')
    check = conversion_check(convert_pb2.Convert)
    with pytest.raises(SpecError) as caught:
        parse_spec(text, convert_pb2.Convert, "s.txt", check=check)
    assert [problem.path for problem in caught.value.problems] == [
        "kitti_config.kitti_sequence_to_frames_file",
        "kitti_config.val_splt",
    ]
    assert conversion_check(convert_pb2.KittiConfig) is None


@pytest.mark.parametrize(
    "options", ["num_partitions: 5", 'kitti_sequence_to_frames_file: "sequences.json"']
)
def test_field_of_sequences_is_a_warning_in_a_random_partition(options):
    (warning,) = parsed(KITTI.replace("OPTIONS", options)).warnings
    assert warning.path == f"kitti_config.{options.partition(':')[0]}"
    assert warning.message == 'has no effect: kitti_config.partition_mode is "random"'


SEQUENCES = 'partition_mode: "sequence" kitti_sequence_to_frames_file: "s.json" '


def test_fields_of_sequences_take_effect_in_a_partition_by_sequence():
    assert remarks(KITTI.replace("OPTIONS", SEQUENCES + "num_partitions: 5")) == []


def test_partition_by_sequence_needs_its_file():
    assert problems(KITTI.replace("OPTIONS", 'partition_mode: "sequence"')) == [
        "kitti_config.kitti_sequence_to_frames_file: is required when partition_mode is "
        '"sequence": it says which frames belong together'
    ]


def test_share_of_the_validation_fold_is_a_warning_in_a_partition_by_sequence():
    assert remarks(KITTI.replace("OPTIONS", SEQUENCES + "val_split: 20")) == [
        'kitti_config.val_split: has no effect: kitti_config.partition_mode is "sequence"'
    ]


@pytest.mark.parametrize("name", ["point_clouds_dir", "calibrations_dir"])
def test_folder_that_no_detector_reads_is_a_warning(name):
    (warning,) = parsed(KITTI.replace("OPTIONS", f'{name}: "velodyne"')).warnings
    assert warning.message == "has no effect: detectors here read images only; remove it"


MODIFIER = (
    KITTI.replace("OPTIONS", "")
    + """
target_class_mapping { key: "Van" value: "car" }
target_class_mapping { key: "tram" value: "tram" }
sample_modifier_config { BLOCK }
"""
)
OWN_CLASSES = 'source_to_target_class_mapping { key: "van" value: "Van" } '


@pytest.mark.parametrize(
    "block",
    [
        'filter_samples_containing_only: ["car", "tram"]',
        'dominant_target_classes: "car" num_duplicates: 2',
        'dominant_target_classes: "car" num_duplicates: 2 '
        'minimum_target_class_imbalance { key: "tram" value: 0.5 }',
        "max_training_samples: 100",
        OWN_CLASSES + 'filter_samples_containing_only: "Van"',
    ],
)
def test_changes_of_the_samples_name_classes_of_the_mapping(block):
    assert remarks(MODIFIER.replace("BLOCK", block)) == []


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            'filter_samples_containing_only: ["car", "trams"]',
            'filter_samples_containing_only[1]: "trams" is none of the classes car, tram. '
            "Did you mean 'tram'?",
        ),
        (
            'dominant_target_classes: "van" num_duplicates: 2',
            'dominant_target_classes[0]: "van" is none of the classes car, tram.',
        ),
        (
            'dominant_target_classes: "car" num_duplicates: 2 '
            'minimum_target_class_imbalance { key: "bus" value: 0.5 }',
            'minimum_target_class_imbalance["bus"]: "bus" is none of the classes car, tram.',
        ),
        (
            OWN_CLASSES + 'filter_samples_containing_only: "car"',
            'filter_samples_containing_only[0]: "car" is none of the classes Van.',
        ),
    ],
)
def test_class_that_no_label_leads_to_is_an_error(block, expected):
    (problem,) = problems(MODIFIER.replace("BLOCK", block))
    assert problem.startswith(f"sample_modifier_config.{expected}")


def test_without_a_mapping_any_label_may_be_named():
    block = 'sample_modifier_config { filter_samples_containing_only: "anything" }'
    assert problems(KITTI.replace("OPTIONS", "") + block) == []


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            'dominant_target_classes: "car"',
            ["dominant_target_classes: has no effect: sample_modifier_config.num_duplicates is 0"],
        ),
        (
            "num_duplicates: 2",
            ["num_duplicates: has no effect: sample_modifier_config.dominant_target_classes is []"],
        ),
        (
            OWN_CLASSES,
            [
                "source_to_target_class_mapping: has no effect: no other field of the block names "
                "a class"
            ],
        ),
    ],
)
def test_change_of_the_samples_that_does_nothing_is_a_warning(block, expected):
    found = remarks(MODIFIER.replace("BLOCK", block))
    assert found == [f"sample_modifier_config.{text}" for text in expected]


@pytest.mark.parametrize("block", ["", "num_duplicates: 0 max_training_samples: 0"])
def test_sample_modifier_that_changes_nothing_is_accepted(block):
    text = KITTI.replace("OPTIONS", "") + f"sample_modifier_config {{ {block} }}"
    assert problems(text) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("OPTIONS", "num_partitions: 2 num_shards: [32, 256]", []),
        ("OPTIONS", "num_shards: 4", []),
        ("img_dir_names", "image_dir_names", []),
        (
            "OPTIONS",
            "num_partitions: 3",
            [
                "coco_config.num_partitions: is 3, but annotation_files and img_dir_names have 2; "
                "write 2"
            ],
        ),
        (
            '"val", ',
            "",
            ["coco_config.img_dir_names: has 1 entries, but num_partitions is 2; they must agree"],
        ),
        (
            "OPTIONS",
            "num_shards: [1, 2, 3]",
            ["coco_config.num_shards: has 3 entries; give one for all, or 2, one per partition"],
        ),
        (
            '"val.json", "train.json"',
            '"a.json", "a.json"',
            ['coco_config.annotation_files[1]: "a.json" is named twice'],
        ),
    ],
)
def test_lists_of_coco_partitions_agree(old, new, expected):
    text = COCO.replace(old, new).replace("OPTIONS", "")
    assert problems(text) == expected


def test_all_disagreements_are_reported_at_once():
    text = COCO.replace("OPTIONS", "num_partitions: 3 num_shards: [1, 2]")
    text += 'target_class_mapping { key: "Car" value: "car" }\n'
    text += 'target_class_mapping { key: "car" value: "vehicle" }\n'
    assert [problem.partition(": ")[0] for problem in problems(text)] == [
        'target_class_mapping["car"]',
        "coco_config.num_partitions",
        "coco_config.num_shards",
    ]


def test_spec_without_a_data_set_names_the_two_kinds():
    assert problems('target_class_mapping { key: "a" value: "b" }') == [
        ": no data set is named; give a kitti_config or a coco_config"
    ]


def test_two_data_sets_are_refused():
    (problem,) = problems(KITTI.replace("OPTIONS", "") + COCO.replace("OPTIONS", ""))
    assert "coco_config: cannot stand beside kitti_config (line 1)" in problem
