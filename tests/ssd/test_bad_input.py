"""Mistakes as users make them: one message that names the place, exit code 2, nothing written."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from detforge.cli import main
from detforge.plugins import load_detector
from tests.ssd.conftest import SPEC

CONVERT = """
kitti_config {{
  root_directory_path: "{data}"
  image_dir_name: "images"
  label_dir_name: "labels"
  image_extension: ".jpg"
  partition_mode: "random"
  val_split: 25
  num_shards: 1
}}
target_class_mapping {{ key: "circle" value: "circle" }}
target_class_mapping {{ key: "square" value: "square" }}
target_class_mapping {{ key: "triangle" value: "triangle" }}
"""


@pytest.fixture
def data(scenes, tmp_path) -> Path:
    """Return a copy of the scenes that a test may spoil."""
    return shutil.copytree(scenes, tmp_path / "data")


@pytest.fixture
def fail(capsys):
    """Return a function that runs a command which must fail, and returns its message."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert code == 2, captured
        assert "Traceback" not in captured.err
        assert captured.err.count("Error: ") == 1, captured.err
        return captured.err.partition("Error: ")[2]

    return run


@pytest.fixture
def convert(fail, data, tmp_path):
    """Return a function that converts the spoilt data and returns the message."""

    def run(text: str = CONVERT, *options: str) -> str:
        spec = tmp_path / "convert.txt"
        spec.write_text(text.format(data=data))
        message = fail("ssd", "dataset_convert", "-d", spec, "-o", tmp_path / "records/a", *options)
        assert not list((tmp_path / "records").glob("a-*"))
        return message

    return run


@pytest.fixture
def train(fail, data, tmp_path):
    """Return a function that trains with a spoilt spec and returns the message."""

    def run(old: str = "", new: str = "", results: Path = tmp_path / "results") -> str:
        text = SPEC.format(data=data, batch=2, epochs=1, rate=1e-2, interval=1)
        assert old in text
        spec = tmp_path / "spec.txt"
        spec.write_text(text.replace(old, new) if old else text)
        message = fail("ssd", "train", "-e", spec, "-r", results)
        assert not list(tmp_path.rglob("*.detforge"))
        return message

    return run


def test_file_that_is_no_image(convert, data):
    victim = sorted((data / "images").iterdir())[2]
    victim.write_text("not an image")
    message = convert()
    assert victim.name in message
    assert "not an image" in message


def test_truncated_image(convert, data):
    victim = sorted((data / "images").iterdir())[2]
    victim.write_bytes(victim.read_bytes()[:-300])
    message = convert()
    assert victim.name in message
    assert "cut off" in message or "truncated" in message


def test_class_that_the_conversion_mapping_lacks(convert, data):
    label = sorted((data / "labels").iterdir())[0]
    label.write_text(label.read_text() + "sqare 0 0 0 1 1 20 20 0 0 0 0 0 0 0\n")
    message = convert()
    assert "sqare" in message
    assert "square" in message  # the near name
    assert "--drop_unmapped" in message


def test_class_that_the_conversion_maps_twice(convert):
    message = convert(CONVERT + 'target_class_mapping {{ key: "circle" value: "disc" }}')
    assert 'target_class_mapping["circle"]: given twice, in lines 11 and 14' in message


def test_coco_partitions_that_do_not_agree(convert):
    lists = 'img_dir_names: ["a", "b"] annotation_files: ["a.json", "b.json"]'
    message = convert(f"coco_config {{{{ {lists} num_partitions: 3 }}}}")
    assert "coco_config.num_partitions: is 3, but annotation_files and img_dir_names" in message


def test_folder_without_images(convert, data):
    for image in (data / "images").iterdir():
        image.unlink()
    assert "images" in convert()


def test_label_with_14_columns(convert, data):
    label = sorted((data / "labels").iterdir())[0]
    label.write_text("square 0 0 0 1 1 20 20 0 0 0 0 0 0\n")
    message = convert()
    assert f"{label.name} line 1 has 14 fields" in message


def test_unknown_field_names_the_nearest(train):
    message = train("num_epochs:", "num_epoch:")
    assert "spec.txt:12:3" in message
    assert "num_epochs" in message


def test_value_out_of_range_names_the_range(train):
    message = train("random_flip: 0", "random_flip: 1.5")
    assert "augmentation_config.random_flip" in message
    assert "1.5 is out of range; allowed: from 0 to 1" in message


def test_field_of_a_later_release_is_refused_by_name(train):
    message = train("num_epochs: 1", "num_epochs: 1 enable_qat: true")
    assert "training_config.enable_qat" in message
    assert "release 0.10" in message


def test_depth_that_a_backbone_lacks_names_those_it_has(train):
    message = train('arch: "resnet"', 'arch: "vgg"')
    assert "ssd_config.nlayers: vgg has no depth 10; use 16 or 19" in message


def test_class_that_is_mapped_twice_names_both_lines(train):
    again = 'target_class_mapping { key: "circle" value: "square" }'
    first = 'target_class_mapping { key: "square" value: "square" }'
    message = train(first, f"{first}\n  {again}")
    assert 'target_class_mapping["circle"]: given twice, in lines 28 and 30' in message
    assert "with different values; keep one of the two" in message


def test_labels_that_differ_by_case_lead_to_one_class(train):
    message = train('{ key: "square" value', '{ key: "Circle" value')
    assert 'labels are compared without case, and "Circle" is mapped to "square"' in message


def test_class_called_background(train):
    message = train('key: "circle" value: "circle"', 'key: "circle" value: "background"')
    assert '"background" is what no object is called; give the class another name' in message


def test_input_that_is_too_small_for_six_maps(train):
    message = train("output_width: 128", "output_width: 64")
    assert "augmentation_config.output_width: 64 px is too small for six feature maps" in message


def test_spec_of_dssd_names_its_command(train):
    message = train("ssd_config {", "dssd_config {")
    assert "spec.txt:3:1: dssd_config: this is a spec of dssd: use detforge dssd" in message


def test_class_that_the_training_mapping_lacks(train):
    message = train('target_class_mapping { key: "square" value: "square" }', "")
    assert "square" in message
    assert "target_class_mapping" in message


def test_sources_without_an_object(train, data):
    for label in (data / "labels").iterdir():
        label.write_text("")
    assert "object" in train()


def test_records_that_are_not_there(train, data):
    folders = f'image_directory_path: "{data}/images" label_directory_path: "{data}/labels" }}\n  v'
    message = train(folders, 'tfrecords_path: "nowhere/*" }\n  v')
    assert "nowhere/*" in message


def test_spec_of_another_detector(fail, tmp_path):
    spec = tmp_path / "spec.txt"
    spec.write_text('maskrcnn_config { nlayers: 50 arch: "resnet" }\nuse_amp: false\n')
    message = fail("ssd", "train", "-e", spec, "-r", tmp_path / "results")
    assert "looks like a spec of mask_rcnn" in message
    assert "run 'detforge mask_rcnn ...' with it" in message


def test_conversion_output_that_cannot_be_written(fail, data, tmp_path):
    spec = tmp_path / "convert.txt"
    spec.write_text(CONVERT.format(data=data))
    (tmp_path / "file").write_text("in the way")
    message = fail("ssd", "dataset_convert", "-d", spec, "-o", tmp_path / "file" / "records/a")
    assert str(tmp_path / "file") in message


def test_results_folder_that_cannot_be_written(train, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert str(tmp_path / "file") in train(results=tmp_path / "file" / "results")


def test_several_mistakes_are_shown_at_once(train):
    message = train("top_k: 50", "top_k: 0\n  confidence_threshold: 2\n  clustering: 1")
    for field in ("top_k", "confidence_threshold", "clustering"):
        assert field in message


def test_images_that_are_all_unreadable(fail, tmp_path, spec_file):
    from detforge.files import Checkpoint, save_checkpoint
    from detforge.spec import load_spec
    from detforge.weights import collect_weights

    detector = load_detector("ssd")
    spec = load_spec(spec_file(), detector.spec_schema())
    model = detector.build_model(spec, "infer")
    names = detector.recipe(spec).classes.names
    save_checkpoint(
        tmp_path / "m.detforge",
        Checkpoint(
            detector="ssd", plugin_version="0", class_names=names, spec_text=spec.text, epoch=1,
            step=1, weights=collect_weights(model), optimizer={},
        ),
    )  # fmt: skip
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_text("no image")
    message = fail(
        "ssd", "inference", "-m", tmp_path / "m.detforge", "-e", spec.file, "-i", tmp_path / "in",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert "a.jpg" in message
    # One good image among bad ones: the rest goes on, and the exit code says that some did not.
    cv2.imwrite(str(tmp_path / "in" / "b.jpg"), np.zeros((64, 64, 3), np.uint8))
    code = main(
        ["ssd", "inference", "-m", str(tmp_path / "m.detforge"), "-e", spec.file, "-i",
         str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    )  # fmt: skip
    assert code == 3
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.jpg"]
