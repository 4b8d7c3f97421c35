"""The options of the six tasks: spellings, changes by plugins, refusals."""

import click
import pytest

from detforge.cli.option_table import OPTIONS, task_options
from detforge.cli.options import Option, OptionChange, with_changes
from detforge.cli.parameters import checked_values
from detforge.errors import PluginError, UsageError
from detforge.plugins import TASKS

DOCUMENTED = {
    "convert": "-d --dataset_spec --dataset_export_spec -o --output_filename -v",
    "train": "-e --experiment_spec_file -r --results_dir -d --model_dir -k --key --enc_key --gpus "
    "-np --num_processes --gpu_index --use_amp -m --resume_model_weights --initial_epoch "
    "--use_multiprocessing --log_file",
    "evaluate": "-e --experiment_spec_file -m --model --model_path -k --key --enc_key --gpu_index "
    "--log_file",
    "infer": "-m --model --model_path -i --in_image_dir --in_image_path --image_dir -o "
    "--out_image_dir --out_image_path -e --config_path --experiment_spec_file -k --key -l "
    "--out_label_dir --out_label_path -t --threshold --gpu_index --log_file",
    "prune": "-m --pretrained_model --model -o --output_file --output_dir -k --key --ke -n "
    "--normalizer -eq --equalization_criterion -pg -pruning_granularity --pruning_granularity "
    "-pth -nf --min_num_filters -el --excluded_layers --gpu_index --log_file",
    "export": "-m --model --model_path -k --key -e --experiment_spec -o --output_file "
    "--output_path --gen_ds_config --cal_json_file --data_type -s --strict_type_constraints "
    "--cal_data_file --cal_image_dir --cal_cache_file --batches --batch_size --max_batch_size "
    "--max_workspace_size --engine_file --force_ptq --verbose --gpu_index --log_file",
}


@pytest.mark.parametrize("task", TASKS)
def test_every_documented_spelling_is_declared(task):
    declared = {word for option in task_options(task) for word in option.spellings}
    assert set(DOCUMENTED[task].split()) <= declared


@pytest.mark.parametrize("task", TASKS)
def test_no_spelling_means_two_things(task):
    spellings = [word for option in task_options(task) for word in option.spellings]
    names = [option.name for option in task_options(task)]
    assert len(set(spellings)) == len(spellings)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_the_common_options(task):
    words = {word for option in task_options(task) for word in option.spellings}
    assert {"-k", "--gpu_index", "--log_file", "-v", "--results_dir", "--debug"} <= words


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: f"{option.name}-{option.tasks[0]}")
def test_option_is_explained_or_refused(option):
    assert option.help or option.no_effect or isinstance(option.arrives, str)
    assert not option.help.endswith(".")
    assert all(word.startswith("-") and "-" not in word.lstrip("-") for word in option.spellings)


def values_of(task, **given):
    """Return the checked values of a task's options, required ones left out of it."""
    options = [option for option in task_options(task) if not option.required]
    return checked_values(options, given)


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        ("train", {"use_amp": True}, "--use_amp arrives with release 0.4"),
        ("train", {"use_multiprocessing": True}, "--use_multiprocessing arrives with release 0.4"),
        ("train", {"gpus": (2,)}, "--gpus 2 arrives with release 0.4"),
        ("train", {"num_processes": (2,)}, "--num_processes 2 arrives with release 0.4"),
        ("export", {"gen_ds_config": True}, "--gen_ds_config arrives with release 0.8"),
        ("export", {"cal_json_file": ("a",)}, "--cal_json_file a arrives with release 0.7"),
        ("export", {"data_type": ("int8",)}, "--data_type int8 arrives with release 0.7"),
        ("export", {"data_type": ("fp16",)}, "--data_type fp16 arrives with release 0.8"),
        ("export", {"target": ("tensorrt-plugins",)}, "--target tensorrt-plugins arrives with"),
        ("export", {"engine_file": ("a",)}, "--engine_file a arrives with release 0.8"),
        ("export", {"batches": ("10",)}, "--batches 10 arrives with release 0.7"),
        ("convert", {"key": ("secret",)}, "--key has no effect here: records are never encrypted"),
        (
            "convert",
            {"gpu_index": ("0",)},
            "--gpu_index has no effect here: conversion uses",
        ),
        ("prune", {"spec": ("s.txt",)}, "--experiment_spec_file s.txt arrives with release 0.6"),
    ],
)
def test_what_would_have_no_effect_is_refused_by_name(task, given, message):
    with pytest.raises(UsageError, match=message):
        values_of(task, **given)


@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("train", {"gpus": (1,), "num_processes": (-1,)}),
        ("train", {"gpus": (1, 1), "num_processes": (1,)}),
        ("export", {"data_type": ("fp32",), "target": ("onnx",)}),
    ],
)
def test_value_that_changes_nothing_is_accepted(task, given):
    assert values_of(task, **given)["gpu_index"] == ()


def test_two_values_for_one_option_are_refused_and_named():
    with pytest.raises(UsageError, match=r"--results_dir was given 'a' and 'b' \(-r, --results"):
        checked_values(task_options("train"), {"results_dir": ("a", "b", "a")})


def test_two_values_of_a_secret_are_not_shown():
    with pytest.raises(UsageError, match=r"^--key was given two values \(-k, --key") as caught:
        checked_values(task_options("train"), {"key": ("s3cret", "s4cret")})
    assert "cret" not in str(caught.value)


def test_equal_values_under_two_spellings_are_one():
    assert values_of("evaluate", results_dir=("a", "a"))["results_dir"] == "a"


def test_repeatable_option_keeps_all_values():
    assert values_of("prune", excluded_layers=("a", "b"))["excluded_layers"] == ("a", "b")


def test_all_missing_options_are_named_at_once():
    with pytest.raises(UsageError, match=r"missing --experiment_spec_file \(-e\), --results_dir"):
        checked_values(task_options("train"), {})


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
    values = {option.name: ("1",) for option in options.values() if option.required}
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
        (OptionChange.require("gpu"), "means to require 'gpu', which is not among the options"),
        (OptionChange.drop("gpu", reason=""), "means to drop 'gpu'"),
        ("--gpu", "must return OptionChange, not '--gpu'"),
        (OptionChange.add(Option(name="x", spellings=("--log-file",))), "adds --log_file, which"),
        (OptionChange.rename("gpus", "--log-file"), "calls 'gpus' --log_file, which is another"),
        (OptionChange.add(Option(name="x", spellings=("-h",))), "adds -h, which train already"),
        (OptionChange.add(Option(name="x", spellings=("tiles",))), r"'x' \(tiles\); a name is"),
        (OptionChange.add(Option(name="x", spellings=("-1",))), r"'x' \(-1\); a name is"),
        (OptionChange.add(Option(name="x-y", spellings=("--x",))), r"'x-y' \(--x\); a name is"),
        (OptionChange.rename("gpus"), r"'gpus' \(\); a name is"),
    ],
)
def test_change_that_cannot_apply_is_an_error_of_the_plugin(change, message):
    with pytest.raises(PluginError, match=message):
        changed(change)


def test_click_types_can_be_given_to_an_option():
    option = Option(name="side", spellings=("--side",), type=click.Choice(["left", "right"]))
    assert option.title == "--side"
    assert not option.is_flag
