"""Spec files: reading, foreign specs, and finding a field again."""

import subprocess
import sys

import pytest

from detforge.errors import Problem, SpecError
from detforge.protos import convert_pb2
from detforge.spec import Spec, load_spec, parse_spec


def refusal(path, schema):
    with pytest.raises(SpecError) as caught:
        load_spec(path, schema)
    return str(caught.value)


def test_spec_file_is_read(toy, tmp_path, spec_text):
    path = tmp_path / "spec.txt"
    path.write_text(spec_text, encoding="utf-8")
    spec = load_spec(path, toy.Toy)
    assert isinstance(spec, Spec)
    assert (spec.text, spec.file, spec.warnings) == (spec_text, str(path), ())
    assert spec.message.training_config.num_epochs == 80
    assert spec.message.nms_config.top_k == 200


def test_errors_of_a_file_name_file_line_and_column(toy, tmp_path, spec_text):
    path = tmp_path / "spec.txt"
    path.write_text(spec_text.replace("num_epochs: 80", "num_epochs: 0"), encoding="utf-8")
    place = f"{path}:5:15: training_config.num_epochs: "
    assert refusal(path, toy.Toy) == f"{place}0 is out of range; allowed: at least 1 epoch"


def test_remarks_come_with_the_errors_but_none_that_follow_from_them(toy):
    with pytest.raises(SpecError) as caught:
        parse_spec("switched { enabled: 5 images: 2 }\nold: 'x' number: 3", toy.Ruled, "s.txt")
    assert [str(warning) for warning in caught.value.warnings] == [
        "s.txt:2:6: old: has no effect: the new way is better"
    ]


def test_missing_file_is_named(toy, tmp_path):
    assert refusal(tmp_path / "none.txt", toy.Toy) == f"{tmp_path / 'none.txt'}: no such file"


def test_folder_is_no_spec(toy, tmp_path):
    assert refusal(tmp_path, toy.Toy) == f"{tmp_path}: is a folder; name the spec file itself"


def test_file_below_a_file_is_reported(toy, tmp_path):
    (tmp_path / "a").write_text("")
    assert "cannot be read: Not a directory" in refusal(tmp_path / "a" / "b", toy.Toy)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (
            b"random_seed: 1\n# caf\xe9\n",
            "is not UTF-8 text (byte 0xe9 in line 2); save it as UTF-8",
        ),
        ("random_seed: 1".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (
            b"PK\x03\x04" + bytes(2**21),
            "is a checkpoint or another zip file; a spec is a small text file",
        ),
        (b"DETFORGE\x01\xff", "is an encrypted model; a spec is a small text file"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file of weights; a spec is a small text file"),
        (b"\x89PNG\r\n\x1a\n", "is an image; a spec is a small text file"),
    ],
    ids=["latin-1", "utf-16", "checkpoint", "encrypted", "hdf5", "image"],
)
def test_file_that_is_not_utf8_is_reported(toy, tmp_path, data, found):
    path = tmp_path / "spec.txt"
    path.write_bytes(data)
    assert refusal(path, toy.Toy) == f"{path}: {found}"


def test_huge_file_is_refused_without_reading_it(toy, tmp_path):
    path = tmp_path / "model.detforge"
    with path.open("wb") as stream:
        stream.truncate(2**33)
    assert refusal(path, toy.Toy) == f"{path}: has more than 512 KiB; a spec is a small text file"


def test_text_with_half_a_surrogate_pair_is_refused(toy, problems_of):
    assert problems_of('old: "\ud800"', toy.Ruled) == ["is not Unicode text; save it as UTF-8"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "enc_key: 'k' model_config { arch: 'x' } eval_config {} roi_config <> model_config {}",
            "looks like a spec of another detector: it has model_config and roi_config, "
            "and lacks toy_config or toys_config",
        ),
        (
            "kitti_config { image_dir_name: 'x' }",
            "looks like a conversion spec, not an experiment spec: it has kitti_config, "
            "and lacks toy_config or toys_config; dataset_convert takes it",
        ),
    ],
    ids=["detector", "conversion"],
)
def test_spec_of_something_else_is_recognised(toy, problems_of, text, message):
    assert problems_of(text, toy.Toy, "s.txt") == [f"s.txt: {message}"]


def test_experiment_spec_given_for_a_conversion_is_recognised(problems_of, spec_text):
    (problem,) = problems_of(spec_text, convert_pb2.Convert)
    assert problem.startswith("looks like an experiment spec, not a conversion spec: it has toy_c")
    assert problem.endswith(
        "and lacks coco_config or kitti_config; train and the tasks behind it take it"
    )


@pytest.mark.parametrize(
    "text",
    ["toy_confg { needed: 1 }", "toy_config { needed: 1 } strange_block { }", "toy: 5"],
    ids=["misspelt", "own block present", "no block"],
)
def test_own_spec_with_a_fault_is_not_taken_for_another(toy, problems_of, text):
    assert not any("looks like" in problem for problem in problems_of(text, toy.Toy))


def test_similar_ending_alone_makes_no_name_near(toy, problems_of):
    problems = problems_of("toy_config { needed: 1 } q_config {}", toy.Toy)
    assert any("q_config: unknown field; known here:" in problem for problem in problems)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("training_config.num_epochs", (5, 15)),
        ("training_config.optimizer", (3, 1)),
        ("training_config.optimizer.sgd.momentum", (3, 1)),
        ("dataset_config.data_sources[0].tfrecords_path", (22, 21)),
        ("dataset_config.data_sources[0]", (21, 3)),
        ("dataset_config.data_sources[7].root_path", (21, 3)),
        ('dataset_config.target_class_mapping["Van"]', (25, 44)),
        ('dataset_config.target_class_mapping["a.b"]', (24, 3)),
        ("eval_config.batch_size", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_problem_is_located_at_its_field_or_the_block_around(toy, spec_text, path, place):
    spec = parse_spec(spec_text, toy.Toy, "s.txt")
    problem = spec.locate(Problem(path, "message"))
    assert (problem.path, problem.message, problem.file) == (path, "message", "s.txt")
    assert (problem.line, problem.column) == place


def test_problem_that_has_a_place_keeps_it(toy, spec_text):
    problem = Problem("random_seed", "message", "other.txt", 7, 8)
    assert parse_spec(spec_text, toy.Toy, "s.txt").locate(problem) == problem


def test_warnings_are_located_and_in_order(toy):
    spec = parse_spec("old: 'x'\nsize: 33\nsize: 34\n", toy.Ruled, "s.txt")
    assert [(w.file, w.line, w.path) for w in spec.warnings] == [
        ("s.txt", 1, "old"),
        ("s.txt", 3, "size"),
    ]


def test_reading_specs_imports_nothing_heavy():
    code = (
        "import sys, detforge.spec; "
        "heavy = {'keras', 'tensorflow', 'numpy', 'cv2', 'onnx', 'albumentations'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_spec_written_on_one_line_is_the_same(toy, spec_text):
    one_line = " ".join(spec_text.split())
    assert parse_spec(one_line, toy.Toy).message == parse_spec(spec_text, toy.Toy).message


def test_conversion_spec_of_kitti_folders_is_read_with_its_defaults():
    text = 'kitti_config { image_dir_name: "i" label_dir_name: "l" val_split: 0\n'
    text += 'point_clouds_dir: "velodyne" }'
    spec = parse_spec(text, convert_pb2.Convert, "s.txt")
    config = spec.message.kitti_config
    assert (config.val_split, config.num_shards, config.partition_mode) == (0, 10, "random")
    assert [(warning.path, warning.line) for warning in spec.warnings] == [
        ("kitti_config.point_clouds_dir", 2)
    ]


def test_conversion_spec_of_coco_files_is_read_by_its_documented_names():
    text = """\
coco_config {
  root_directory_path: "coco"
  image_dir_names: ["val", "train"]
  annotation_files: ["val.json", "train.json"]
}
"""
    spec = parse_spec(text, convert_pb2.Convert)
    config = spec.message.coco_config
    assert list(config.img_dir_names) == ["val", "train"]
    assert (config.num_partitions, list(config.num_shards)) == (2, [10])
    assert spec.warnings == ()
