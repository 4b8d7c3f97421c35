"""What a task is asked to do: outputs, keys, changes and files that the spec names."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from detforge import hookimpl
from detforge.cli.inputs import find_key, output_path
from detforge.cli.options import COCO_CONVERSION, OptionChange
from detforge.errors import Problem, SpecError, UsageError
from detforge.protos import experiment_pb2
from detforge.recipe import Evaluation, Inference
from detforge.spec import Spec
from detforge.testing import add_distribution

CONVERSION = 'kitti_config { image_dir_name: "images" label_dir_name: "labels" }\n'


@pytest.fixture
def namer(finder):
    """Return the module of the detector, which names files in its recipe and lacks tasks."""
    finder.files = {"model": "", "images": "", "annotated_dir": "", "labels_dir": ""}
    finder.warnings = ()
    finder.problem = None
    finder.coming = {}

    @hookimpl
    def recipe(spec):
        if finder.problem is not None:
            raise finder.problem
        return SimpleNamespace(
            evaluation=Evaluation(model=finder.files["model"]),
            inference=Inference(**finder.files),
            warnings=finder.warnings,
        )

    @hookimpl
    def arrives(task):
        return finder.coming.get(task)

    finder.recipe, finder.arrives = recipe, arrives
    return finder


# --- outputs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "values", "key", "path"),
    [
        ("convert", {"output": "records/train", "spec": Path("c.txt")}, None, "records/train"),
        ("convert", {"output": "records/", "spec": Path("a/c.txt")}, None, "records/c"),
        ("convert", {"output": "out/", "annotations_file": Path("a/val.json")}, None, "out/val"),
        ("convert", {"output": "out/", "tag": "x", "annotations_file": "a"}, None, "out/x"),
        ("convert", {"output": "out/x", "tag": "x", "annotations_file": "a"}, None, "out/x"),
        ("prune", {"output": "small/"}, None, "small/model.detforge"),
        ("prune", {"output": "small/"}, "secret", "small/model.tlt"),
        ("prune", {"output": "small.tlt"}, None, "small.tlt"),
        ("export", {"output": Path("model.onnx")}, "secret", "model.onnx"),
    ],
)
def test_folder_gets_a_file_of_a_fixed_name(task, values, key, path):
    assert output_path(task, {"spec": None, **values}, key) == Path(path)


def test_prefix_and_tag_that_differ_are_refused():
    values = {"output": "out/train", "tag": "val", "spec": None}
    with pytest.raises(UsageError, match="--tag val names the records in a folder, and out/train"):
        output_path("convert", values, None)


def test_where_the_files_go_in_a_folder_is_said(detforge, finder, tmp_path):
    (tmp_path / "kitti.txt").write_text(CONVERSION)
    words = ("-d", tmp_path / "kitti.txt", "--output_dir", tmp_path / "out")
    result = detforge("kitten_finder", "dataset_convert", *words)
    assert result.err == f"writing {tmp_path}/out/kitti*\n"
    assert finder.requests[0].output == tmp_path / "out/kitti"


@pytest.mark.parametrize("task", ["dataset_convert", "prune"])
def test_folder_that_is_a_file_is_refused_at_once(detforge, finder, model, spec, task):
    source = ("-d", spec) if task == "dataset_convert" else ("-m", model)
    result = detforge("kitten_finder", task, *source, "-o", f"{model}/")
    assert result.code == 2
    assert "cannot be a folder: it is a file" in result.err


# --- keys ---------------------------------------------------------------------------------


def test_key_of_the_spec_counts_where_nothing_else_gives_one(monkeypatch):
    monkeypatch.delenv("DETFORGE_KEY", raising=False)
    spec = Spec(message=experiment_pb2.EvalConfig(), text="", key="in spec")
    assert find_key("train", {}, spec) == "in spec"
    assert find_key("train", {"key": "given"}, spec) == "given"
    monkeypatch.setenv("DETFORGE_KEY", "in environment")
    assert find_key("train", {}, spec) == "in environment"
    assert find_key("convert", {}, spec) is None


# --- changes ------------------------------------------------------------------------------


def test_changes_reach_the_spec_and_are_not_shown(detforge, finder, spec, model):
    words = (
        "-e",
        spec,
        "-m",
        model,
        "-v",
        "--set",
        "batch_size=9",
        "--set=matching_iou_threshold=0.6",
    )
    result = detforge("kitten_finder", "evaluate", *words)
    message = finder.requests[0].spec.message
    assert (message.batch_size, round(message.matching_iou_threshold, 3)) == (9, 0.6)
    assert "--set is given" in result.err


def test_change_that_is_wrong_is_one_message(detforge, finder, spec, model):
    result = detforge("kitten_finder", "evaluate", "-e", spec, "-m", model, "--set", "batch_sise=9")
    assert result.code == 2
    assert result.err.startswith("Error: --set batch_sise=9: ")
    assert "batch_size" in result.err
    assert finder.requests == []


# --- conversion of a COCO file -------------------------------------------------------------


@pytest.fixture
def coco(tmp_path):
    """Return the words for a COCO file and its images."""
    (tmp_path / "images").mkdir()
    (tmp_path / "val.json").write_text("{}")
    return ("-i", tmp_path / "images", "-a", tmp_path / "val.json")


@pytest.mark.parametrize("changes", [(), COCO_CONVERSION], ids=["both ways", "this way"])
def test_coco_file_reaches_a_detector_that_converts_it(detforge, finder, tmp_path, coco, changes):
    finder.changes = changes
    words = ("--output_dir", tmp_path / "out", "-s", "8", "--include-masks", "--tag", "birds")
    result = detforge("kitten_finder", "dataset-convert", *coco, *words)
    assert result.code == 0
    (request,) = finder.requests
    assert request.spec is None
    assert (request.image_dir, request.annotations_file) == (coco[1], coco[3])
    assert (request.num_shards, request.include_mask) == (8, True)
    assert request.output == tmp_path / "out/birds"


def test_core_reads_a_coco_file_without_a_spec(detforge, finder, tmp_path, coco):
    del finder.convert.detforge_impl  # the core's own conversion is left
    result = detforge("kitten_finder", "dataset_convert", *coco, "-o", tmp_path / "out")
    assert result.code == 2
    assert result.err.startswith(f"Error: {coco[3]} is not COCO JSON")


# --- what the spec names ------------------------------------------------------------------


FROM_SPEC = [OptionChange.optional(name) for name in ("model", "images", "annotated_dir")]


def test_spec_names_what_options_do_not(detforge, namer, spec, model, tmp_path):
    namer.changes = [*FROM_SPEC, OptionChange.optional("labels_dir")]
    namer.files.update(model=str(model), images="images", annotated_dir="drawn", labels_dir="l")
    namer.warnings = (Problem("batch_size", "is odd"),)
    result = detforge("kitten_finder", "inference", "-e", spec, "-i", tmp_path)
    assert result.err == f"Warning: {spec}:1:13: batch_size: is odd\n"
    (request,) = namer.requests
    assert (request.model, request.images) == (model, tmp_path)
    assert (request.annotated_dir, request.labels_dir) == (Path("drawn"), Path("l"))


def test_what_neither_spec_nor_option_names_is_missed(detforge, namer, spec):
    namer.changes = [*FROM_SPEC, OptionChange.optional("labels_dir")]
    namer.files.update(images="images")
    result = detforge("kitten_finder", "inference", "-e", spec)
    assert result.code == 2
    missing = "missing --model; " + str(spec)
    assert result.err == f"Error: {missing} does not say it either\n"


def test_model_to_evaluate_may_stand_in_the_spec(detforge, namer, spec, model):
    namer.changes = FROM_SPEC[:1]
    namer.files.update(model=str(model))
    assert detforge("kitten_finder", "evaluate", "-e", spec).code == 0
    assert detforge("kitten_finder", "evaluate", "-e", spec, "-m", spec).code == 0
    assert [request.model for request in namer.requests] == [model, spec]


# --- what comes later ---------------------------------------------------------------------


def test_task_that_comes_later_checks_its_spec_and_says_when(detforge, namer, spec, tmp_path):
    namer.coming["train"] = "0.9"
    words = ("kitten_finder", "train", "-e", spec, "-r", tmp_path / "out")
    result = detforge(*words)
    assert result.code == 2
    assert result.err == (
        "Error: kitten_finder train comes with release 0.9. "
        f"{spec} is correct; nothing else was read or written\n"
    )
    assert "--gpus 2 comes with release 0.12 (training" in detforge(*words, "--gpus", "2").err
    assert namer.requests == []
    assert not (tmp_path / "out").exists()


def test_task_that_comes_later_shows_what_is_wrong_with_its_spec(detforge, namer, spec, tmp_path):
    namer.coming["train"] = "faster_rcnn"
    words = ("kitten_finder", "train", "-e", spec, "-r", tmp_path / "out")
    spec.write_text("batch_size: 4\nbatch_sise: 4\nbatch_siez: 4\n")
    assert [line.split(": ")[0] for line in detforge(*words).err.splitlines()][1:] == [
        f"{spec}:3:1"
    ]
    spec.write_text("batch_size: 4\n")
    namer.problem = SpecError(Problem("batch_size", "is odd"))
    assert detforge(*words).err == f"Error: {spec}:1:13: batch_size: is odd\n"
    namer.problem = None
    assert "is empty" in detforge(*words, "-k", "").err


def test_option_that_comes_later_is_refused_with_the_others(detforge, finder, spec, model):
    words = ("-e", spec, "-m", model, "--data_type", "fp16", "--force_ptq")
    assert detforge("kitten_finder", "export", *words).err == (
        "Error: --data_type fp16 comes with release 0.11 (TensorRT engines and DeepStream files); "
        "--force_ptq comes with release 0.10 (quantisation). Until then leave them out\n"
    )


def test_options_of_one_feature_come_together(detforge, finder, spec, model):
    words = ("-e", spec, "-m", model, "--batches", "4", "--force_ptq", "--gen_ds_config")
    assert detforge("kitten_finder", "export", *words).err == (
        "Error: --batches 4, --force_ptq come with release 0.10 (quantisation); --gen_ds_config "
        "comes with release 0.11 (TensorRT engines and DeepStream files). "
        "Until then leave them out\n"
    )


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("engine", "model.detforge", "-e", "x.engine"), "engine comes with release 0.11"),
        (
            ("int8-tensorfile", "-e", "spec.txt", "-m", "-1", "-o", "x"),
            "calibration_tensorfile comes with release 0.10",
        ),
    ],
)
def test_task_that_nobody_has_yet_says_when_it_comes(
    detforge, namer, spec, model, monkeypatch, words, start
):
    monkeypatch.chdir(spec.parent)
    result = detforge("kitten_finder", *words)
    assert result.code == 2
    assert result.err.startswith(f"Error: kitten_finder {start}")


def test_option_that_changes_nothing_is_remarked_upon(detforge, finder, spec, model, tmp_path):
    (tmp_path / "c.txt").write_text(CONVERSION)
    words = ("-d", tmp_path / "c.txt", "-o", tmp_path / "out/x", "--gpu_index", "0")
    result = detforge("kitten_finder", "dataset_convert", *words)
    assert (result.code, result.err) == (0, "--gpu_index: conversion uses no GPU\n")
    result = detforge("kitten_finder", "evaluate", "-e", spec, "-m", model, "--force")
    assert (result.code, result.err) == (0, "--force: a report is replaced without it\n")
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_report_of_a_detector_with_two_names_has_the_first(detforge, finder, tmp_path, spec, model):
    points = {"detforge.detectors": {"seeker": "finder_plugin", "aseeker": "finder_plugin"}}
    add_distribution(tmp_path / "site", "detforge-seeker", entry_points=points)
    detforge("aseeker", "evaluate", "-e", spec, "-m", model, "-r", tmp_path / "out")
    assert '"detector": "seeker"' in (tmp_path / "out/evaluate.json").read_text()
    assert finder.requests[0].detector.name == "seeker"
