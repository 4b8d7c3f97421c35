"""From a command line to a request, and from a report to the screen and a file."""

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from detforge.cli.options import Option, OptionChange
from detforge.cli.reports import describe, write_json
from detforge.errors import DatasetError
from detforge.requests import EvaluateReport, TrainReport
from detforge.roadmap import arrival
from detforge.testing import add_distribution


def words_of(task, spec, model, tmp_path):
    """Return the shortest complete command line of a task."""
    out = tmp_path / "out"
    return [
        "kitten-finder",
        task,
        *{
            "dataset_convert": ["-d", spec, "-o", out / "train"],
            "train": ["-e", spec, "-r", out],
            "evaluate": ["-e", spec, "-m", model],
            "prune": ["-m", model, "-o", out / "pruned.detforge"],
            "inference": ["-e", spec, "-m", model, "-i", tmp_path, "-o", out],
            "export": ["-e", spec, "-m", model],
        }[task],
    ]


def convert_spec(tmp_path):
    path = tmp_path / "convert.txt"
    path.write_text('kitti_config { image_dir_name: "images" label_dir_name: "labels" }\n')
    return path


TASKS = ["dataset_convert", "train", "evaluate", "prune", "inference", "export"]
REPORTS = {
    "dataset_convert": [
        "        train  in images  val  in images",
        "all        19         80    3         20",
        "猫         12          9    0          0",
        "Left out: 2 (zero size)",
        "Noted: 5 (grey: becomes three equal channels)",
        "Objects out of bounds: records/train_warnings.json",
    ],
    "train": ["Checkpoint after 3 epochs: ", "loss: 0.2500"],
    "evaluate": [
        "*************************\n"
        "kitten        AP    0.750\n"
        "dog           AP    no objects\n"
        "猫            AP    1.000\n"
        "              mAP   0.875\n",
        "(20 images, IoU 0.5, sample; left out of the mean, as there is no object: dog)",
        "from score 0.3 on  true positives  false positives  false negatives\n"
        "kitten                          9                2                1\n"
        "猫                              5                0                0\n",
        "Worst images: results/worst_images.png",
    ],
    "prune": [
        "layer         channels  now  parameters  now  multiply-adds     now\n"
        "conv1               64   16         640  160         64,000  16,000\n"
        "other layers                        360   90\n"
        "all layers                        1,000  250         64,000  16,000\n",
        "Pruning ratio (parameters of the pruned model / of the original): 0.2500",
        "Threshold: 0.5",
        "File: 3.0 MB, of which 2.0 MB were the optimiser's state; now 0.3 MB",
        "Pruned in 0.25 s, after 2.0 s for reading the checkpoint and building its model",
        "In 2 images 9 objects before, 8 after, 7 of them the same: their scores differ by at most "
        "0.125, their boxes have an IoU of 0.75 or more",
    ],
    "inference": ["9 objects in 4 images", "Files not read: 1; the warnings say why"],
    "export": [
        "Model: model.onnx (onnx, opset 17, any batch size)",
        "on 8 validation images: boxes differ by at most 0.001 px",
    ],
}


@pytest.mark.parametrize("task", TASKS)
def test_task_runs_and_prints_its_report(detforge, finder, tmp_path, spec, model, task):
    if task == "dataset_convert":
        spec = convert_spec(tmp_path)
    result = detforge(*words_of(task, spec, model, tmp_path))
    # The report of inference counts a file that could not be read.
    assert (result.code, result.err) == (3 if task == "inference" else 0, "")
    assert all(line in result.out for line in REPORTS[task])
    assert len(finder.requests) == 1


@pytest.mark.parametrize("task", TASKS)
def test_report_is_written_as_json_into_the_results_folder(
    detforge, finder, tmp_path, spec, model, task
):
    if task == "dataset_convert":
        spec = convert_spec(tmp_path)
    folder = tmp_path / "results"
    extra = [] if task == "train" else ["--results-dir", folder]
    words = words_of(task, spec, model, tmp_path)
    detforge(*words, *extra)
    path = (tmp_path / "out" if task == "train" else folder) / f"{task}.json"
    report = json.loads(path.read_text())
    assert (report["detector"], report["task"]) == ("kitten_finder", task)
    assert len(report) > 2


def test_evaluation_report_holds_the_numbers_and_null_for_no_objects(
    detforge, finder, tmp_path, spec, model
):
    detforge("kitten_finder", "evaluate", "-e", spec, "-m", model, "-r", tmp_path / "results")
    report = json.loads((tmp_path / "results/evaluate.json").read_text())
    assert report["ap"] == {"kitten": 0.75, "dog": None, "猫": 1.0}
    assert report["mean_ap"] == 0.875
    assert report["without_objects"] == ["dog"]
    assert report["counts"]["kitten"]["false_positives"] == 2
    assert report["confusion"][0] == [9, 0, 1]
    assert report["files"] == {"worst_images": "results/worst_images.png"}


def test_coco_numbers_are_told_by_name_and_those_of_nothing_are_no_number(tmp_path):
    numbers = {"AP": 0.4, "APs": float("nan"), "mask_AP": 0.25}
    report = EvaluateReport(
        mean_ap=0.4,
        ap={"kitten": 0.4},
        images=3,
        mode="coco",
        matching_iou=0.5,
        matching_ious=(0.5, 0.75, 0.95),
        coco=numbers,
        mask_ap={"kitten": 0.25},
    )
    text = describe(report)
    assert "Masks:\n*************************\nkitten        AP    0.250\n" in text
    assert "(3 images, IoU 0.5 to 0.95, coco)" in text
    assert "AP            0.400\nAPs      no objects\nmask_AP       0.250" in text
    write_json(report, tmp_path / "evaluate.json", "ssd", "evaluate")
    assert json.loads((tmp_path / "evaluate.json").read_text())["coco"] == numbers | {"APs": None}


def test_every_option_of_evaluate_reaches_the_request(detforge, finder, tmp_path, spec, model):
    detforge("kitten_finder", "evaluate", "-e", spec, "-m", model, "--metric", "COCO", "-k", "a")
    (request,) = finder.requests
    assert (request.model, request.metric, request.key) == (model, "coco", "a")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_number_that_json_cannot_hold_is_null_in_the_report(tmp_path, number):
    report = TrainReport(checkpoint=tmp_path / "a", epochs=1, metrics={"loss": number, "lr": 0.5})
    write_json(report, tmp_path / "train.json", "ssd", "train")
    assert json.loads((tmp_path / "train.json").read_text())["metrics"] == {"loss": None, "lr": 0.5}


def test_without_a_results_folder_no_report_is_written(
    detforge, finder, tmp_path, spec, model, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    detforge(*words_of("evaluate", spec, model, tmp_path))
    assert set(tmp_path.iterdir()) == before


def test_every_option_of_prune_reaches_the_request(detforge, finder, tmp_path, spec, model):
    output = tmp_path / "small.tlt"
    detforge(
        *("kitten_finder", "prune", "-m", model, "-o", output, "-n", "l2", "-eq", "union"),
        *("-pg", "4", "-pth", "0.7", "-nf", "32", "-el", "conv1", "conv2", "-k", "secret"),
        *("-e", spec, "--set", "batch_size=7", "--check-images", tmp_path, "--force"),
    )
    detforge("kitten_finder", "prune", "-m", model, "--target_ratio", "0.3", "--dry-run")
    request, dry = finder.requests
    assert (request.model, request.output, request.normalizer) == (model, output, "L2")
    assert (request.granularity, request.threshold, request.min_filters) == (4, 0.7, 32)
    assert request.excluded_layers == ("conv1", "conv2")
    assert (request.key, request.force, request.dry_run) == ("secret", True, False)
    assert (request.spec.message.batch_size, request.check_images) == (7, tmp_path)
    assert (dry.target_ratio, dry.dry_run, dry.output, dry.spec) == (0.3, True, None, None)


def test_every_option_of_inference_reaches_the_request(detforge, finder, tmp_path, spec, model):
    detforge(
        *("kitten_finder", "inference", "--in_image_dir", tmp_path, "--out_image_dir"),
        *(tmp_path / "a", "--out_label_dir", tmp_path / "b", "--config_path", spec),
        *("--model_path", model, "-t", "0.4", "--label_map", spec, "--include_mask", "--force"),
        *("--out_json_file", tmp_path / "c.json"),
    )
    (request,) = finder.requests
    assert (request.label_map, request.include_mask, request.force) == (spec, True, True)
    assert (request.images, request.model) == (tmp_path, model)
    assert (request.annotated_dir, request.labels_dir) == (tmp_path / "a", tmp_path / "b")
    assert request.detections_file == tmp_path / "c.json"
    assert request.threshold == 0.4
    assert request.spec.message.batch_size == 4
    assert request.key is None


def test_results_folder_takes_drawings_and_labels_that_have_no_other_place(
    detforge, finder, tmp_path, spec, model
):
    out, words = tmp_path / "out", ["inference", "-e", spec, "-m", model, "-i", tmp_path, "-r"]
    for more in ([], ["-o", tmp_path / "a"], ["-l", tmp_path / "b"]):
        detforge("kitten_finder", *words, out, *more)
    places = [(request.annotated_dir, request.labels_dir) for request in finder.requests]
    drawn, labels = out / "images_annotated", out / "labels"
    assert places == [(drawn, labels), (tmp_path / "a", labels), (drawn, tmp_path / "b")]
    assert {request.detections_file for request in finder.requests} == {None}


def test_every_option_of_train_reaches_the_request(detforge, finder, tmp_path, spec, model):
    detforge(
        *("kitten_finder", "train", "--gpus", "1", "-e", spec, "-r", tmp_path / "out"),
        *("-m", model, "--initial_epoch", "5", "--force", "--set", "batch_size=7"),
        *("--use_multiprocessing", "--use_amp"),
    )
    (request,) = finder.requests
    assert (request.resume_model_weights, request.initial_epoch) == (model, 5)
    assert (request.force, request.spec.message.batch_size) == (True, 7)
    assert request.use_multiprocessing is request.use_amp is True
    assert request.results_dir == tmp_path / "out"


def test_every_option_of_convert_reaches_the_request(detforge, finder, tmp_path):
    spec = convert_spec(tmp_path)
    detforge(
        *("kitten_finder", "dataset-convert", "--dataset-export-spec", spec),
        *("--output_filename", tmp_path / "out/train", "--force", "--drop-unmapped", "-v"),
        *("-c", spec, "-f", "1", "--no-decode", "--resume", "--processes", "3"),
    )
    (request,) = finder.requests
    assert request.output == tmp_path / "out/train"
    assert (request.force, request.drop_unmapped) == (True, True)
    assert (request.class_file, request.validation_fold) == (Path(spec), 1)
    assert (request.no_decode, request.resume, request.processes) == (True, True, 3)
    assert request.spec.message.kitti_config.image_dir_name == "images"


def test_option_of_a_plugin_arrives_among_the_requests_options(
    detforge, finder, tmp_path, spec, model
):
    option = Option(name="purr", spellings=("--purr",), help="Loudness", type=float, default=0.5)
    finder.changes.append(OptionChange.add(option))
    words = words_of("evaluate", spec, model, tmp_path)
    detforge(*words, "--purr", "0.9")
    detforge(*words)
    assert [dict(request.options) for request in finder.requests] == [{"purr": 0.9}, {"purr": 0.5}]


def test_extension_changes_the_options_that_the_detector_leaves(
    detforge, finder, tmp_path, spec, model
):
    finder.changes.append(
        OptionChange.add(Option(name="purr", spellings=("--purr",), help="Loudness"))
    )
    source = (
        "from detforge import hookimpl\nfrom detforge.cli.options import OptionChange\n"
        "@hookimpl\ndef cli_options(task):\n"
        "    return [OptionChange.drop('purr', reason='the neighbours sleep')]\n"
    )
    quiet = {"detforge.extensions": {"quiet": "quiet_plugin"}}
    modules = {"quiet_plugin": source}
    add_distribution(tmp_path / "site", "detforge-quiet", entry_points=quiet, modules=modules)
    words = words_of("evaluate", spec, model, tmp_path)
    assert_one_message(detforge(*words, "--purr", "1"), "no effect here: the neighbours sleep")


@pytest.mark.parametrize(
    ("start", "remark"),
    [
        (["tao", "model"], "read as: detforge kitten-finder evaluate ...\n"),
        (["tao"], "read as: detforge kitten-finder evaluate ...\n"),
        (["model"], ""),
    ],
    ids=" ".join,
)
def test_older_start_of_a_command_line_is_read_over(
    detforge, finder, tmp_path, spec, model, start, remark
):
    words = words_of("evaluate", spec, model, tmp_path)
    result = detforge(*start, *words)
    assert (result.code, result.err) == (0, remark)
    assert len(finder.requests) == 1


@pytest.mark.parametrize("words", [["tao"], ["tao", "model"], ["model", "-h"], ["tao", "--help"]])
def test_older_words_alone_show_the_help(detforge, words):
    result = detforge(*words)
    assert result.code == 0
    assert "Tasks of every detector:" in result.out


# --- errors -------------------------------------------------------------------------------


def assert_one_message(result, text):
    """A user's error: exit code 2, one message on stderr, no traceback."""
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("Error: ")
    assert text in result.err
    assert "Traceback" not in result.err
    assert result.err.count("Error") == 1


def test_exit_code_reaches_the_shell():
    command = [sys.executable, "-m", "detforge", "ssd", "no_such_task"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


def test_error_of_a_task_is_one_message(detforge, finder, tmp_path, spec, model):
    finder.failure = DatasetError("000012.txt line 3 has 14 fields")
    words = words_of("evaluate", spec, model, tmp_path)
    assert_one_message(detforge(*words), "Error: 000012.txt line 3 has 14 fields\n")


def test_debug_shows_the_traceback_of_a_users_error(detforge, finder, tmp_path, spec, model):
    finder.failure = DatasetError("000012.txt line 3 has 14 fields")
    result = detforge(*words_of("evaluate", spec, model, tmp_path), "--debug")
    assert result.code == 2
    assert "Traceback" in result.err
    assert result.err.endswith("Error: 000012.txt line 3 has 14 fields\n")


def test_bug_keeps_its_traceback(detforge, finder, tmp_path, spec, model):
    finder.failure = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError, match="ours"):
        detforge(*words_of("evaluate", spec, model, tmp_path))


def test_package_that_is_absent_is_one_message_with_its_extra(
    detforge, finder, tmp_path, spec, model
):
    finder.failure = ModuleNotFoundError("No module named 'keras'", name="keras")
    result = detforge(*words_of("evaluate", spec, model, tmp_path))
    assert_one_message(result, "needs keras, which is not installed; install it with 'pip install")


def test_module_of_our_own_that_is_absent_is_a_bug(detforge, finder, tmp_path, spec, model):
    finder.failure = ModuleNotFoundError("No module named 'detforge.x'", name="detforge.x")
    with pytest.raises(ModuleNotFoundError):
        detforge(*words_of("evaluate", spec, model, tmp_path))


def test_interrupt_is_one_line_and_code_130(detforge, finder, tmp_path, spec, model):
    finder.failure = KeyboardInterrupt()
    result = detforge(*words_of("evaluate", spec, model, tmp_path))
    assert (result.code, result.out, result.err.strip()) == (130, "", "Interrupted.")


def test_wrong_spec_is_one_message_with_its_place(detforge, finder, tmp_path, spec, model):
    spec.write_text("batch_size: 4\nbatch_sise: 4\n")
    result = detforge(*words_of("evaluate", spec, model, tmp_path))
    assert_one_message(result, f"{spec}:2:1: batch_sise")


def test_warning_of_a_spec_is_shown_once(detforge, finder, tmp_path, spec, model, caplog):
    spec.write_text("batch_size: 4\nbatch_size: 8\n")
    result = detforge(*words_of("evaluate", spec, model, tmp_path))
    assert result.code == 0
    assert result.err.startswith(f"Warning: {spec}:2:1: batch_size")
    assert caplog.messages == []  # nothing for handlers that libraries put on the root logger


@pytest.mark.parametrize(
    ("task", "option"),
    [
        ("train", "-r"),
        ("evaluate", "-r"),
        ("inference", "-o"),
        ("inference", "-l"),
        ("inference", "--out_json_file"),
        ("prune", "-o"),
        ("export", "-o"),
        ("dataset_convert", "-o"),
    ],
)
def test_output_below_a_file_is_refused_before_anything_runs(
    detforge, finder, tmp_path, spec, model, task, option
):
    if task == "dataset_convert":
        spec = convert_spec(tmp_path)
    words = words_of(task, spec, model, tmp_path)
    words = [*words, option] if option not in words else words
    at = words.index(option)
    words[at + 1 :] = [model / "below" / "name", *words[at + 2 :]]
    assert_one_message(detforge(*words), "model.detforge is a file")
    assert finder.requests == []


def test_folder_that_turns_out_unwritable_is_one_message(detforge, finder, tmp_path, spec, model):
    finder.failure = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "out/x"))
    words = words_of("train", spec, model, tmp_path)
    assert_one_message(detforge(*words), "out/x cannot be written: Permission denied")


def test_full_disk_is_one_message(detforge, finder, tmp_path, spec, model):
    finder.failure = OSError(errno.ENOSPC, "No space left on device")
    assert_one_message(detforge(*words_of("train", spec, model, tmp_path)), "the disk is full")


def test_failure_to_read_another_file_is_a_bug(detforge, finder, tmp_path, spec, model):
    finder.failure = FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/x")
    with pytest.raises(FileNotFoundError):
        detforge(*words_of("train", spec, model, tmp_path))


# --- logs and the process -----------------------------------------------------------------


def test_log_file_holds_messages_and_results(detforge, finder, tmp_path, spec, model):
    log_file = tmp_path / "logs/run.log"
    spec.write_text("batch_size: 4\nbatch_size: 8\n")
    result = detforge(*words_of("evaluate", spec, model, tmp_path), "--log_file", log_file)
    text = log_file.read_text()
    assert "WARNING" in text
    assert "mAP" in text
    assert "mAP" not in result.err


def test_log_file_holds_the_error_and_a_crash(detforge, finder, tmp_path, spec, model):
    log_file = tmp_path / "run.log"
    words = [*words_of("evaluate", spec, model, tmp_path), "--log_file", log_file]
    finder.failure = DatasetError("000012.txt line 3 has 14 fields")
    detforge(*words)
    finder.failure = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        detforge(*words)
    text = log_file.read_text()
    assert "000012.txt line 3" in text
    assert "Traceback" in text


def test_log_file_that_cannot_be_written_is_one_message(detforge, finder, tmp_path, spec, model):
    words = words_of("evaluate", spec, model, tmp_path)
    assert_one_message(detforge(*words, "--log_file", model / "run.log"), "--log_file")


def test_verbose_says_what_runs_and_what_options_and_fields_came_to(
    detforge, finder, tmp_path, spec, model
):
    tape = {"detforge.extensions": {"tape": "tape_plugin"}}
    modules = {"tape_plugin": ""}
    add_distribution(tmp_path / "site", "detforge-tape", entry_points=tape, modules=modules)
    words = [*words_of("evaluate", spec, model, tmp_path), "-r", tmp_path / "results"]
    paws = Option(name="paws", spellings=("--paws",), help="Paws", multiple=True)
    finder.changes.append(OptionChange.add(paws))
    shown = detforge(*words, "-v", "--paws", "left,right").err.splitlines()
    assert "evaluate of the detector kitten_finder, from detforge-finder 1.0" in shown
    assert "with the extension tape of detforge-tape 1.0" in shown
    assert f"--results_dir is {tmp_path / 'results'}" in shown
    assert "--paws is left, right" in shown
    assert f"read the spec {spec}" in shown
    assert "matching_iou_threshold is absent and takes its default, 0.5" in shown
    assert not any(line.startswith("batch_size is absent") for line in shown)
    assert "visualize_pr_curve is absent and takes its default, false" in shown
    assert detforge(*words).err == ""


def test_key_of_the_environment_is_mentioned_but_not_shown(
    detforge, finder, tmp_path, spec, model, monkeypatch
):
    monkeypatch.setenv("DETFORGE_KEY", "s3cret")
    shown = detforge(*words_of("evaluate", spec, model, tmp_path), "-v").err
    assert "the key comes from the environment variable DETFORGE_KEY" in shown
    assert "s3cret" not in shown


def test_broken_extension_is_warned_of_once_however_many_detectors_are_loaded(
    detforge, finder, tmp_path, spec, model
):
    tape = {"detforge.extensions": {"tape": "no_such_module"}}
    add_distribution(tmp_path / "site", "detforge-tape", entry_points=tape)
    finder.changes.append(OptionChange.drop("label_map", reason="it knows one class"))
    words = [*words_of("inference", spec, model, tmp_path), "--label_map", spec]
    shown = detforge(*words).err
    assert "leave it out (efficientdet and mask_rcnn have it)" in shown
    assert shown.count("Warning: extension 'tape' is left out") == 1


def test_logging_is_left_as_it_was(detforge, finder, tmp_path, spec, model):
    detforge(*words_of("evaluate", spec, model, tmp_path))
    assert logging.getLogger("detforge").handlers == []
    assert logging.getLogger("detforge").propagate


def test_chosen_gpu_is_the_only_visible_one(detforge, finder, tmp_path, spec, model):
    detforge(*words_of("evaluate", spec, model, tmp_path), "--gpu_index", "2")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2"
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_gpu_chosen_on_a_machine_without_one_is_a_warning(
    detforge, finder, tmp_path, spec, model, monkeypatch
):
    words = [*words_of("evaluate", spec, model, tmp_path), "--gpu_index", "0"]
    for lacks, expected in ((True, "Warning: --gpu_index 0: this machine shows no"), (False, "")):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setattr("detforge.cli.doors.lacks_nvidia_gpu", lambda lacks=lacks: lacks)
        result = detforge(*words)
        assert result.code == 0
        assert result.err.startswith(expected)
        assert bool(result.err) is lacks


def test_gpu_that_is_hidden_is_refused(detforge, finder, tmp_path, spec, model, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    words = words_of("evaluate", spec, model, tmp_path)
    assert_one_message(detforge(*words, "--gpu_index", "0"), "hides all GPUs")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


def test_several_gpus_are_refused(detforge, finder, tmp_path, spec, model):
    words = words_of("train", spec, model, tmp_path)
    two = ("--gpus", "2", "--gpu_index", "0", "1")
    assert_one_message(detforge(*words, *two), f"--gpus 2 {arrival('multi_gpu')}")
    words = words_of("evaluate", spec, model, tmp_path)
    assert_one_message(detforge(*words, "--gpu_index", "0,1"), "this task runs on one")


def test_key_is_nowhere_in_the_output(detforge, finder, tmp_path, spec, model):
    log_file = tmp_path / "run.log"
    finder.failure = DatasetError("broken")
    words = [*words_of("evaluate", spec, model, tmp_path), "-v", "-k", "s3cret"]
    result = detforge(*words, "--log_file", log_file)
    assert "s3cret" not in result.out + result.err + log_file.read_text()
    assert "s3cret" not in repr(finder.requests[0])
