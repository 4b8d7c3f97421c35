"""``detforge <detector> spec``: printing, checking, explaining; what it says and its exit code."""

import io
import json
import subprocess
import sys

import pytest

from detforge.cli.options import OptionChange
from detforge.testing import add_distribution

DETECTORS = ("ssd", "dssd", "faster_rcnn", "efficientdet", "mask_rcnn")
SMALL = """\
ssd_config {
  aspect_ratios_global: "[1.0, 2.0, 0.5]"
  scales: "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]"
  arch: "resnet"
  nlayers: 18
}
training_config {
  batch_size_per_gpu: 8
  num_epochs: 3
  learning_rate {
    soft_start_annealing_schedule {
      min_learning_rate: 5e-5
      max_learning_rate: 2e-2
      soft_start: 0.15
      annealing: 0.8
    }
  }
}
augmentation_config { output_width: 300 output_height: 300 }
dataset_config {
  data_sources { tfrecords_path: "train*" }
  target_class_mapping { key: "car" value: "car" }
}
"""
KITTI = 'kitti_config { image_dir_name: "images" label_dir_name: "labels" }\n'
PROGRAM = """
import json, sys
from detforge.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes a file in the current folder, a small SSD spec by default."""
    monkeypatch.chdir(tmp_path)

    def write(name="spec.txt", text=SMALL, **replaced):
        for old, new in replaced.items():
            assert f"{old}: " in text
            text = text.replace(f"{old}: ", f"{new}: ")
        (tmp_path / name).write_text(text)
        return name

    return write


@pytest.fixture
def pipe(monkeypatch):
    """Return a function that puts text into the standard input."""

    def pipe(text):
        data = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return pipe


# --- printing ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DETECTORS)
def test_printed_spec_passes_its_own_check(detforge, pipe, name):
    printed = detforge(name, "spec")
    assert (printed.code, printed.err) == (0, "")
    assert f"  detforge {name} train -e FILE -r FOLDER\n" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 100
    pipe(printed.out)
    checked = detforge(name, "spec", "--check", "-")
    assert (checked.code, checked.out, checked.err) == (0, "stdin: correct\n", "")


def test_printed_conversion_spec_passes_its_own_check(detforge, pipe):
    printed = detforge("ssd", "spec", "--convert")
    assert printed.code == 0
    assert "\nkitti_config {" in printed.out
    assert "\n#coco_config {" in printed.out
    pipe(printed.out)
    checked = detforge("ssd", "spec", "--convert", "--check", "-")
    assert (checked.code, checked.out, checked.err) == (0, "stdin: correct\n", "")


def test_dssd_prints_its_own_block(detforge):
    assert "\ndssd_config {\n" in detforge("dssd", "spec").out
    assert "\nssd_config {\n" in detforge("ssd", "spec").out


def test_detector_of_somebody_else_prints_its_schema(detforge, finder):
    shown = detforge("kitten_finder", "spec")
    assert shown.code == 0
    assert "\n#matching_iou_threshold: 0.5\n" in shown.out


# --- checking ------------------------------------------------------------------------------


def test_correct_file_is_said_to_be_correct(detforge, write):
    checked = detforge("ssd", "spec", "--check", write())
    assert (checked.code, checked.out, checked.err) == (0, "spec.txt: correct\n", "")


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn", "efficientdet", "mask_rcnn"])
def test_sample_spec_of_the_users_is_correct(detforge, sample_specs, name):
    file = sample_specs / f"{name}.txt"
    checked = detforge(name, "spec", "--check", file)
    assert (checked.code, checked.out) == (0, f"{file}: correct\n")


def test_sample_conversion_specs_of_the_users_are_correct(detforge, sample_specs):
    files = [sample_specs / "ssd_convert_kitti.txt", sample_specs / "ssd_convert_coco.txt"]
    checked = detforge("ssd", "spec", "--convert", "--check", *files)
    assert (checked.code, checked.out) == (0, "".join(f"{file}: correct\n" for file in files))


def test_file_with_a_warning_is_correct(detforge, write):
    file = write(text=f"{SMALL}eval_config {{}}\neval_config {{}}\n")
    checked = detforge("ssd", "spec", "--check", file)
    assert (checked.code, checked.out) == (0, "spec.txt: correct\n")
    assert checked.err.startswith("Warning: spec.txt:25:1: eval_config: given twice")


def test_all_mistakes_of_all_files_are_said_at_once(detforge, write):
    good = write("good.txt")
    one = write("one.txt", num_epochs="epochs", nlayers="layers")
    two = write("two.txt", text=SMALL.replace("num_epochs: 3", "num_epochs: 0"))
    checked = detforge("ssd", "spec", "--check", one, good, two)
    assert checked.code == 2
    assert checked.out == "good.txt: correct\n"
    places = [line.removeprefix("Error: ").split(": ")[0] for line in checked.err.splitlines()]
    assert places == ["one.txt:5:3", "one.txt:9:3", "two.txt:9:15"]


def test_fields_that_disagree_are_found_by_the_recipe(detforge, write):
    text = SMALL.replace("soft_start: 0.15", "soft_start: 0.85")
    checked = detforge("ssd", "spec", "--check", write(text=text))
    assert checked.code == 2
    assert "spec.txt:14:19: training_config.learning_rate." in checked.err
    assert "0.85 is not below annealing, which is 0.8" in checked.err


def test_warnings_of_a_recipe_are_said(detforge, write, tmp_path, monkeypatch):
    module = """
from detforge import hookimpl
from detforge.errors import Problem
from detforge.protos import experiment_pb2
from types import SimpleNamespace

@hookimpl
def spec_schema():
    return experiment_pb2.EvalConfig

@hookimpl
def recipe(spec):
    return SimpleNamespace(warnings=[Problem("batch_size", "is more than the data has")])
"""
    points = {"detforge.detectors": {"odd": "odd_plugin"}}
    add_distribution(tmp_path / "site", "odd", entry_points=points, modules={"odd_plugin": module})
    monkeypatch.syspath_prepend(tmp_path / "site")
    checked = detforge("odd", "spec", "--json", "--check", write(text="\nbatch_size: 3"))
    assert checked.code == 0
    assert json.loads(checked.out)["warnings"] == [
        {
            "file": "spec.txt",
            "path": "batch_size",
            "line": 2,
            "column": 13,
            "message": "is more than the data has",
        }
    ]
    assert checked.err == "Warning: spec.txt:2:13: batch_size: is more than the data has\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (KITTI, ""),
        (KITTI.replace("label_dir_name", "labels_dir"), "kitti_config.labels_dir: unknown field"),
        ("target_class_mapping { key: 'a' value: 'b' }", "no data set is named"),
        ('coco_config { img_dir_names: "i" annotation_files: ["a", "b"] }', "img_dir_names"),
    ],
    ids=["correct", "misspelt", "of nothing", "lists that disagree"],
)
def test_conversion_spec_is_checked(detforge, write, text, message):
    checked = detforge("ssd", "spec", "--convert", "--check", write(text=text))
    assert message in checked.err
    assert checked.code == (2 if message else 0)


def test_swapped_kinds_of_spec_are_recognised(detforge, write):
    checked = detforge("ssd", "spec", "--check", write(text=KITTI))
    assert checked.code == 2
    assert "spec.txt: looks like a conversion spec, not an experiment spec" in checked.err
    assert checked.err.endswith("; check it with --convert\n")
    checked = detforge("ssd", "spec", "--convert", "--check", write())
    assert checked.code == 2
    assert "spec.txt: looks like an experiment spec, not a conversion spec" in checked.err
    assert checked.err.endswith("; check it without --convert\n")


@pytest.mark.parametrize("named", DETECTORS)
@pytest.mark.parametrize("owner", ["ssd", "faster_rcnn", "efficientdet", "mask_rcnn"])
def test_spec_of_another_detector_is_recognised(detforge, write, pipe, owner, named):
    text = detforge(owner, "spec").out
    checked = detforge(named, "spec", "--check", write(text=text))
    if named.startswith(owner):
        assert checked.code == 0
        return
    message = f"looks like a spec of {owner}: "
    if (owner, named) == ("ssd", "dssd"):  # one schema
        message = "this is a spec of ssd: use detforge ssd, or call the block dssd_config"
    assert checked.code == 2
    assert message in checked.err
    assert len(checked.err.splitlines()) == 1
    pipe(text)
    assert message in detforge(named, "spec", "--check", "-").err


def test_broken_plugin_does_not_disturb_the_search_for_the_owner(detforge, write, tmp_path):
    points = {"detforge.detectors": {"aaa": "aaa_plugin"}}
    modules = {"aaa_plugin": "raise ImportError('broken')"}
    add_distribution(tmp_path / "site", "aaa", entry_points=points, modules=modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path / "site")
        checked = detforge("mask_rcnn", "spec", "--check", write())
    assert checked.err.startswith("Error: spec.txt: looks like a spec of ssd: ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            f"num_epochs: 3\n{SMALL}",
            "stdin:1:1: num_epochs: unknown here; it belongs in training_config",
        ),
        (b"\xff\xfe\x00", "stdin: is not Unicode text; save it as UTF-8"),
        (b"", "stdin: dataset_config: is required and absent"),
    ],
    ids=["a mistake", "bytes", "nothing"],
)
def test_standard_input_is_checked_like_a_file(detforge, pipe, data, message):
    pipe(data)
    checked = detforge("ssd", "spec", "--check", "-")
    assert checked.code == 2
    assert message in checked.err


def test_absent_file_does_not_keep_the_others_from_being_checked(detforge, write):
    checked = detforge("ssd", "spec", "--check", "absent.txt", write())
    assert checked.code == 2
    assert checked.out == "spec.txt: correct\n"
    assert checked.err == "Error: absent.txt: no such file\n"


# --- changes -------------------------------------------------------------------------------


def test_file_is_checked_with_fields_changed(detforge, write):
    changes = ["--set", "training_config.num_epochs=5", "--set=ssd_config.nlayers=10"]
    checked = detforge("ssd", "spec", "--json", "--check", write(), *changes)
    assert checked.code == 0
    spec = json.loads(checked.out)["spec"]
    assert (spec["training_config"]["num_epochs"], spec["ssd_config"]["nlayers"]) == (5, 10)


def test_wrong_change_is_said_once_and_located(detforge, write):
    files = [write("one.txt"), write("two.txt")]
    checked = detforge("ssd", "spec", "--check", *files, "--set", "nms_config.topk=5")
    assert checked.code == 2
    assert checked.err == (
        'Error: --set nms_config.topk=5: nms_config.topk: unknown field; did you mean "top_k"?\n'
    )


def test_change_that_disagrees_with_the_file_is_located(detforge, write):
    change = "ssd_config.scales=[0.1, 0.2]"
    checked = detforge("ssd", "spec", "--json", "--check", write(), "--set", change)
    assert checked.code == 2
    (error,) = json.loads(checked.out)["errors"]
    assert (error["file"], error["line"]) == (f"--set {change}", None)


def test_conversion_spec_is_checked_with_fields_changed(detforge, write):
    words = [
        "spec",
        "--convert",
        "--check",
        write(text=KITTI),
        "--set",
        "kitti_config.val_split=200",
    ]
    assert "200 is out of range; allowed: from 0 to 100 percent" in detforge("ssd", *words).err


def test_key_in_a_change_is_never_printed(detforge, write):
    text = detforge("faster_rcnn", "spec").out
    words = ["-v", "--check", write(text=text), "--set", "enc_key=sesame"]
    checked = detforge("faster_rcnn", "spec", *words)
    assert checked.code == 0
    assert "sesame" not in checked.out + checked.err


def test_remarks_come_with_mistakes_and_so_in_json(detforge, write):
    text = SMALL.replace("arch:", 'mean_color: "x" arch:').replace("num_epochs: 3", "num_epochs: 0")
    name = write(text=text)
    checked = detforge("ssd", "spec", "--check", name)
    remark, mistake = checked.err.splitlines()
    assert remark.startswith("Warning: spec.txt:4:15: ssd_config.mean_color: has no effect: ")
    assert mistake.startswith("Error: spec.txt:9:15: training_config.num_epochs: 0 is out of range")
    content = json.loads(detforge("ssd", "spec", "--json", "--check", name).out)
    assert [warning["path"] for warning in content["warnings"]] == ["ssd_config.mean_color"]
    trained = detforge("ssd", "train", "-e", name, "-r", "results")
    assert [line.partition(": ")[2] for line in trained.err.splitlines()][1:] == [
        mistake.partition(": ")[2]
    ]


# --- JSON ----------------------------------------------------------------------------------


def test_checked_file_as_json_holds_the_spec_with_defaults(detforge, write):
    checked = detforge("ssd", "spec", "--json", "--check", write())
    content = json.loads(checked.out)
    assert (checked.code, checked.err) == (0, "")
    assert {name: content[name] for name in ("file", "correct", "errors", "warnings")} == {
        "file": "spec.txt",
        "correct": True,
        "errors": [],
        "warnings": [],
    }
    assert content["spec"]["training_config"]["num_epochs"] == 3
    assert content["spec"]["nms_config"]["clustering_iou_threshold"] == 0.6
    assert content["spec"]["dataset_config"]["target_class_mapping"] == {"car": "car"}


def test_wrong_files_as_json_are_a_list_with_every_mistake(detforge, write):
    wrong = write("wrong.txt", num_epochs="epochs")
    checked = detforge("ssd", "spec", "--json", "--check", write(), wrong)
    assert (checked.code, checked.err) == (2, "")
    right, content = json.loads(checked.out)
    assert right["correct"]
    assert (content["correct"], content["spec"]) == (False, None)
    (error,) = content["errors"]
    assert error == {
        "file": "wrong.txt",
        "path": "training_config.epochs",
        "line": 9,
        "column": 3,
        "message": 'unknown field; did you mean "num_epochs"?',
    }


def test_key_in_a_spec_is_never_printed(detforge, write):
    text = detforge("faster_rcnn", "spec").out.replace('#enc_key: ""', 'enc_key: "open sesame"')
    for words in (["--json"], ["-v"], ["-v", "--json"]):
        checked = detforge("faster_rcnn", "spec", *words, "--check", write(text=text))
        assert checked.code == 0
        assert "sesame" not in checked.out + checked.err
    broken = text.replace("enc_key: ", "enc_key  ")
    checked = detforge("faster_rcnn", "spec", "--check", write(text=broken))
    assert checked.code == 2
    assert "sesame" not in checked.out + checked.err


@pytest.mark.parametrize("name", DETECTORS)
def test_schema_as_json_names_detector_task_and_fields(detforge, name):
    content = json.loads(detforge(name, "spec", "--json").out)
    assert (content["detector"], content["task"]) == (name, "train")
    assert all(field["help"] for field in content["fields"])


def test_schema_of_the_conversion_spec_as_json(detforge):
    content = json.loads(detforge("ssd", "spec", "--convert", "--json").out)
    assert content["task"] == "dataset_convert"
    assert "kitti_config.val_split" in [field["path"] for field in content["fields"]]


# --- explaining ----------------------------------------------------------------------------


def test_fields_are_explained(detforge):
    shown = detforge("ssd", "spec", "--explain", "num_epochs", "top_k")
    assert shown.code == 0
    first, second = shown.out.split("\n\n")
    assert first.startswith("training_config.num_epochs\n  Length of the run.\n")
    assert second.startswith("nms_config.top_k\n")


def test_field_of_the_conversion_spec_is_explained(detforge):
    shown = detforge("ssd", "spec", "--convert", "--explain", "val_split")
    assert shown.out.startswith("kitti_config.val_split\n")


def test_field_is_found_where_users_write_it_too(detforge):
    shown = detforge("efficientdet", "spec", "--explain", "model_config.max_instances_per_image")
    assert shown.out.startswith("dataset_config.max_instances_per_image\n")
    other = detforge("efficientdet", "spec", "--explain", "eval_config.max_instances_per_image")
    assert other.code == 2


def test_fields_are_explained_as_json(detforge):
    shown = detforge("ssd", "spec", "--json", "--explain", "num_epochs")
    (content,) = json.loads(shown.out)
    assert (content["path"], content["unit"]) == ("training_config.num_epochs", "epochs")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--explain", "num_epoch"],
            "the experiment spec of ssd has no field 'num_epoch'; did you mean "
            "training_config.num_epochs?",
        ),
        (
            ["--explain", "val_split"],
            "the experiment spec of ssd has no field 'val_split'; the conversion spec does: add "
            "--convert",
        ),
        (
            ["--convert", "--explain", "num_epochs"],
            "the conversion spec of ssd has no field 'num_epochs'; the experiment spec does: leave "
            "--convert out",
        ),
        (["--explain", "zzz"], "the experiment spec of ssd has no field 'zzz'"),
    ],
    ids=["misspelt", "of the other spec", "of the experiment spec", "of nothing"],
)
def test_unknown_field_leads_to_a_known_one(detforge, words, message):
    shown = detforge("ssd", "spec", *words)
    assert (shown.code, shown.out, shown.err) == (2, "", f"Error: {message}\n")


# --- options -------------------------------------------------------------------------------


def test_detector_without_conversion_spec_says_why(detforge, finder, write):
    reason = "its conversion reads a COCO file"
    finder.changes = [OptionChange.drop("spec", reason=reason)]
    message = f"kitten_finder has no conversion spec: {reason}; leave --convert out"
    for words in ([], ["--json"], ["--check", write()], ["--explain", "batch_size"]):
        shown = detforge("kitten_finder", "spec", "--convert", *words)
        assert (shown.code, shown.out) == (2, "")
        assert message in shown.err
    shown = detforge("kitten_finder", "spec", "--explain", "nothing")
    assert shown.err == "Error: the experiment spec of kitten_finder has no field 'nothing'\n"


def test_explaining_and_checking_at_once_is_refused(detforge, write):
    shown = detforge("ssd", "spec", "--explain", "hue", "--check", write())
    assert shown.code == 2
    assert "give one of them" in shown.err


def test_verbose_says_which_defaults_are_taken(detforge, write):
    shown = detforge("ssd", "spec", "-v", "--check", write())
    assert "spec of the detector ssd, from detforge-ssd" in shown.err
    assert "--check is spec.txt\n" in shown.err
    assert "nms_config.top_k is absent and takes its default, 200\n" in shown.err
    assert shown.out == "spec.txt: correct\n"


def test_log_file_gets_what_the_terminal_gets(detforge, write, tmp_path):
    detforge("ssd", "spec", "--log_file", tmp_path / "log.txt", "--check", write())
    detforge(
        "ssd", "spec", "--log_file", tmp_path / "log.txt", "--check", write(num_epochs="epochs")
    )
    log = (tmp_path / "log.txt").read_text()
    assert "INFO spec.txt: correct" in log
    assert "ERROR Error: spec.txt:9:3: training_config.epochs: unknown field" in log


def test_debug_shows_the_traceback(detforge, write):
    shown = detforge("ssd", "spec", "--debug", "--check", write(num_epochs="epochs"))
    assert shown.code == 2
    assert "Traceback" in shown.err


def test_pasted_dashes_and_hyphens_are_understood(detforge, write):
    shown = detforge("ssd", "spec", "\u2013check", write(), "\u2014log-file", "log.txt")
    assert (shown.code, shown.out) == (0, "spec.txt: correct\n")


def test_change_without_a_file_is_refused(detforge):
    for words in ([], ["--json"], ["--explain", "hue"]):
        shown = detforge("ssd", "spec", "--set", "random_seed=1", *words)
        assert (shown.code, shown.out) == (2, "")
        assert "name them with --check" in shown.err


def test_help_shows_command_lines_to_copy(detforge):
    shown = detforge("mask-rcnn", "spec", "-h")
    assert shown.code == 0
    for rest in ("> spec.txt", "--check spec.txt", "--explain num_epochs"):
        assert f"\n  detforge mask_rcnn spec {rest}\n" in shown.out


@pytest.mark.parametrize(
    "words",
    [["--check", "spec.txt"], ["--json", "--check", "spec.txt"], [], ["--json"], ["--help"]],
    ids=" ".join,
)
@pytest.mark.parametrize("name", DETECTORS)
def test_nothing_heavy_is_imported(detforge, write, tmp_path, name, words):
    write(text=detforge(name, "spec").out)
    command = [sys.executable, "-c", PROGRAM, name, "spec", *words]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    code, modules = json.loads(result.stderr.splitlines()[-1])
    assert code == 0
    heavy = {"numpy", "keras", "tensorflow", "cv2", "rich", "cryptography", "jax", "onnx", "h5py"}
    assert not heavy & set(modules)
