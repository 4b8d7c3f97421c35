"""The options of the tasks: what contradicts, what is refused, changes by plugins."""

from dataclasses import replace

import click
import pytest

from detforge.cli.option_table import check_together, task_options
from detforge.cli.options import (
    COCO_CONVERSION,
    SPEC_CONVERSION,
    Option,
    OptionChange,
    with_changes,
)
from detforge.cli.parameters import checked_values, waiting_options
from detforge.cli.words import TASK_WORDS
from detforge.errors import PluginError, UsageError
from detforge.roadmap import FEATURES

OPTIONS = [option for task in TASK_WORDS.values() for option in task_options(task)]


@pytest.mark.parametrize("task", TASK_WORDS.values())
def test_no_spelling_means_two_things(task):
    spellings = [word for option in task_options(task) for word in option.spellings]
    names = [option.name for option in task_options(task)]
    assert len(set(spellings)) == len(spellings)
    assert len(set(names)) == len(names)


def test_every_option_is_explained_or_refused():
    for option in OPTIONS:
        assert option.help or option.no_effect, option.name
        assert not option.help.endswith("."), option.name
        assert all("-" not in word.lstrip("-") for word in option.spellings), option.name


def test_option_waits_for_features_of_the_roadmap_only():
    for option in OPTIONS:
        named = option.arrives.values() if isinstance(option.arrives, dict) else [option.arrives]
        assert all(feature in {"", *FEATURES} for feature in named), option.name


@pytest.mark.parametrize(
    ("task", "given", "waiting"),
    [
        ("train", {"gpus": (2,)}, {"--gpus 2": "multi_gpu"}),
        ("train", {"num_processes": (0,)}, {"--num_processes 0": "multi_gpu"}),
        ("train", {"gpus": (1, 1), "num_processes": (-1,)}, {}),
        ("train", {"num_processes": (1,)}, {}),
        ("export", {"data_type": ("int8",)}, {"--data_type int8": "quantization"}),
        ("export", {"data_type": ("fp16",)}, {"--data_type fp16": "tensorrt"}),
        ("export", {"data_type": ("fp32",), "target": ("onnx",)}, {}),
        ("export", {"batches": (10,)}, {"--batches 10": "quantization"}),
    ],
)
def test_only_what_changes_something_waits_for_a_release(task, given, waiting):
    assert waiting_options(task_options(task), given) == waiting


def test_secret_that_waits_is_not_shown():
    secret = Option(name="pin", spellings=("--pin",), arrives="quantization", secret=True)
    assert waiting_options([secret], {"pin": ("1234",)}) == {"--pin": "quantization"}


def test_output_of_prune_is_required_but_for_a_dry_run():
    options = task_options("prune")
    with pytest.raises(UsageError, match=r"^missing --output \(-o\)$"):
        checked_values(options, {"model": ("m",)})
    assert checked_values(options, {"model": ("m",), "dry_run": True})["output"] is None


def test_target_takes_the_place_of_the_threshold():
    given = {"threshold": (0.1,), "target_ratio": (0.3,)}  # the default too, if it is given
    with pytest.raises(UsageError, match=r"--target_ratio takes the place of --pruning_threshold"):
        values_of("prune", **given)


def test_changes_of_a_spec_need_one():
    message = r"^--set has no effect without --experiment_spec_file \(-e\)$"
    with pytest.raises(UsageError, match=message):
        values_of("prune", changes=("a=1",))
    assert values_of("prune", changes=("a=1",), spec=("s.txt",))["changes"] == ("a=1",)


def values_of(task, **given):
    """Return the checked values of a task's options, required ones left out of it."""
    options = [option for option in task_options(task) if not option.required]
    return checked_values(options, given)


def test_key_of_records_is_refused_with_the_reason():
    message = r"--key has no effect here: records are never encrypted; leave it out$"
    with pytest.raises(UsageError, match=message):
        values_of("convert", key=("secret",))


def test_two_values_for_one_option_are_refused_and_named():
    with pytest.raises(UsageError, match=r"--results_dir was given 'a' and 'b' \(-r, --results"):
        checked_values(task_options("train"), {"results_dir": ("a", "b", "a")})


def test_two_words_in_one_place_are_refused():
    with pytest.raises(UsageError, match=r"^MODEL was given 'a' and 'b'$"):
        checked_values(task_options("engine"), {"model": ("a", "b")})


def test_two_values_of_a_secret_are_not_shown():
    with pytest.raises(UsageError, match=r"^--key was given two values \(-k, --key") as caught:
        checked_values(task_options("train"), {"key": ("s3cret", "s4cret")})
    assert "cret" not in str(caught.value)


def test_equal_values_under_two_spellings_are_one():
    assert values_of("evaluate", results_dir=("a", "a"))["results_dir"] == "a"


def test_repeatable_option_keeps_all_values():
    assert values_of("prune", excluded_layers=("a", "b"))["excluded_layers"] == ("a", "b")
    assert values_of("train", changes=("a=1", "a=2"))["changes"] == ("a=1", "a=2")


def test_all_missing_options_are_named_at_once():
    with pytest.raises(UsageError, match=r"missing --experiment_spec_file \(-e\), --results_dir"):
        checked_values(task_options("train"), {})


# --- options that must agree --------------------------------------------------------------


def check_values(task, **given):
    """Check the values of a task's options together."""
    options = task_options(task)
    defaults = checked_values([replace(option, required=False) for option in options], {})
    check_together(task, options, {**defaults, **given})


COCO = {"image_dir": "images", "annotations_file": "a.json"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"missing --dataset_spec \(-d\), or --image_dir \(-i\) and --annotations_file"),
        ({"image_dir": "images"}, "missing --annotations_file$"),
        ({"annotations_file": "a.json"}, "missing --image_dir$"),
        ({"tag": "a"}, "missing --image_dir, --annotations_file"),
        ({"spec": "s.txt", **COCO}, "leave out --image_dir, --annotations_file, or the spec"),
        ({"spec": "s.txt", "num_shards": 8}, "--dataset_spec says what.*leave out --num_shards"),
        ({"spec": "s.txt", "include_mask": True}, "leave out --include_mask"),
        ({**COCO, "changes": ("a=1",)}, "--set changes a spec, and there is none"),
    ],
)
def test_conversion_is_by_a_spec_or_by_a_coco_file(given, message):
    with pytest.raises(UsageError, match=message):
        check_values("convert", **given)


@pytest.mark.parametrize("given", [{"spec": "s.txt", "changes": ("a=1",)}, {**COCO, "tag": "a"}])
def test_each_way_of_conversion_is_complete(given):
    check_values("convert", **given)


@pytest.mark.parametrize(("numbers", "gpus"), [((0, 1), 1), ((0,), 2), ((0, 1, 2), 2)])
def test_gpus_are_as_many_as_their_numbers(numbers, gpus):
    message = f"--gpu_index names {len(numbers)} GPUs, but --gpus is {gpus}; make them agree"
    with pytest.raises(UsageError, match=message):
        check_values("train", gpu_index=numbers, gpus=gpus)
    check_values("train", gpu_index=(), gpus=gpus)
    check_values("train", gpu_index=tuple(range(gpus)), gpus=gpus)


def test_engine_does_not_go_over_a_spec(tmp_path):
    (tmp_path / "spec.txt").write_text("random_seed: 42\n")
    (tmp_path / "old.engine").write_bytes(b"ftrt\0\0\0\1")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UsageError, match=r"spec.txt, a text file: here -e names the engine"):
        check_values("engine", engine_file=tmp_path / "spec.txt")
    for name in ("old.engine", "new.engine", "empty", "."):
        check_values("engine", engine_file=tmp_path / name)


# --- changes by plugins -------------------------------------------------------------------

OWN = Option(name="tiles", spellings=("-x", "--tiles"), help="Tiles", type=int, default=1)


def changed(*changes):
    return {option.name: option for option in with_changes(task_options("train"), changes, "train")}


def test_added_option_comes_last():
    assert list(changed(OptionChange.add(OWN)))[-1] == "tiles"


def test_renamed_option_keeps_its_field():
    options = changed(OptionChange.rename("resume_model_weights", "-w", "--weights"))
    assert options["resume_model_weights"].spellings == ("-w", "--weights")


def test_required_option_is_missed():
    options = changed(OptionChange.require("resume_model_weights"))
    with pytest.raises(UsageError, match="--resume_model_weights"):
        checked_values(tuple(options.values()), {})


@pytest.mark.parametrize("name", ["gpu_index", "initial_epoch", "debug"])
def test_list_default_or_flag_can_be_required_too(name):
    options = changed(OptionChange.require(name))
    values = {option.name: (1,) for option in options.values() if option.required}
    title = options[name].title
    assert checked_values(tuple(options.values()), values)
    del values[name]
    with pytest.raises(UsageError, match=f"missing {title}$"):
        checked_values(tuple(options.values()), values)


def test_hyphens_of_a_plugin_are_the_underscores_that_users_types_are_read_as():
    own = Option(name="run_name", spellings=("--run-name", "-rn"), help="Name")
    options = changed(OptionChange.add(own), OptionChange.rename("gpus", "--gpu-count"))
    assert options["run_name"].spellings == ("--run_name", "-rn")
    assert options["gpus"].spellings == ("--gpu_count",)


def test_dropped_option_is_refused_with_the_reason():
    options = changed(OptionChange.drop("initial_epoch", reason="it has no epochs"))
    with pytest.raises(UsageError, match="--initial_epoch has no effect here: it has no epochs"):
        checked_values(tuple(options.values()), {"initial_epoch": (2,)})


def test_refusal_goes_on_with_what_the_owners_are():
    options = changed(OptionChange.drop("initial_epoch", reason="it has no epochs"))
    with pytest.raises(UsageError, match=r"no epochs; leave it out, initial_epoch\?$"):
        checked_values(tuple(options.values()), {"initial_epoch": (2,)}, lambda name: f", {name}?")


def test_preferred_spellings_come_first_and_none_is_lost():
    before = changed()["results_dir"]
    after = changed(OptionChange.prefer("results_dir", "-d", "--model-dir"))["results_dir"]
    assert after.spellings == ("-d", "--model_dir", "-r", "--results_dir")
    assert sorted(after.spellings) == sorted(before.spellings)
    assert after.title == "--model_dir"


def test_optional_option_is_not_missed():
    options = changed(OptionChange.optional("spec"), OptionChange.optional("results_dir"))
    assert checked_values(tuple(options.values()), {})["spec"] is None


@pytest.mark.parametrize(
    ("changes", "required"),
    [
        (SPEC_CONVERSION, {"spec", "output"}),
        (COCO_CONVERSION, {"image_dir", "annotations_file", "output"}),
        ((), {"output"}),
    ],
    ids=["spec", "coco", "both"],
)
def test_each_kind_of_conversion_requires_its_own(changes, required):
    options = with_changes(task_options("convert"), changes, "convert")
    assert {option.name for option in options if option.required} == required


def test_changes_apply_in_order():
    options = changed(
        OptionChange.add(OWN),
        OptionChange.rename("tiles", "--squares"),
        OptionChange.add(Option(name="other", spellings=("--tiles",), help="Others")),
    )
    assert options["tiles"].title == "--squares"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (OptionChange.add(Option(name="x", spellings=("-e",))), "adds -e, which train already"),
        (OptionChange.add(Option(name="gpus", spellings=("--all",))), "adds --all, which train"),
        (OptionChange.rename("gpus", "--key"), "calls 'gpus' --key, which is another option"),
        (OptionChange.require("gpu"), r"require\('gpu'\), which is not among the options of"),
        (OptionChange.drop("gpu", reason=""), r"OptionChange\.drop\('gpu'\), which is not"),
        ("--gpu", "must return OptionChange, not '--gpu'"),
        (OptionChange.add(Option(name="x", spellings=("--log-file",))), "adds --log_file, which"),
        (OptionChange.rename("gpus", "--log-file"), "calls 'gpus' --log_file, which is another"),
        (OptionChange.add(Option(name="x", spellings=("-h",))), "adds -h, which train already"),
        (OptionChange.add(Option(name="x", spellings=("tiles",))), r"'x' \(tiles\); a name is"),
        (OptionChange.add(Option(name="x", spellings=("-1",))), r"'x' \(-1\); a name is"),
        (OptionChange.add(Option(name="x-y", spellings=("--x",))), r"'x-y' \(--x\); a name is"),
        (OptionChange.rename("gpus"), r"'gpus' \(\); a name is"),
        (OptionChange.prefer("gpus", "--gpu"), "prefers --gpu, which is no spelling of 'gpus'"),
        (OptionChange.optional("gpu"), r"returns OptionChange\.optional\('gpu'\), which is not"),
        (OptionChange.folder("gpu"), r"returns OptionChange\.folder\('gpu'\), which is not"),
    ],
)
def test_change_that_cannot_apply_is_an_error_of_the_plugin(change, message):
    with pytest.raises(PluginError, match=message):
        changed(change)


def test_click_types_can_be_given_to_an_option():
    option = Option(name="side", spellings=("--side",), type=click.Choice(["left", "right"]))
    assert option.title == "--side"
    assert not option.is_flag
