"""Words pasted from documents, before click sees them."""

import contextlib

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.cli.option_table import task_options
from detforge.cli.options import Option
from detforge.cli.parameters import by_spelling
from detforge.cli.words import command_words, option_words, plain_dashes, underscored

PRUNE = by_spelling(task_options("prune"))
TRAIN = by_spelling(task_options("train"))
ENGINE = by_spelling(task_options("engine"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("\u2014key", "--key"),
        ("\u2013key", "--key"),
        ("\u2013\u2013key", "--key"),
        ("-\u2013key", "--key"),
        ("\u2013n", "-n"),
        ("\u2014n", "-n"),
        ("\u2013eq", "-eq"),
        ("\u2013pth", "-pth"),
        ("\u2013normalizer", "--normalizer"),
        ("\u2014no-such", "--no-such"),
        ("--key", "--key"),
        ("a\u2013b", "a\u2013b"),
        ("\u2013", "\u2013"),
        (" -eq", "-eq"),
        (" \u2013eq", "-eq"),
        (" plain", " plain"),
    ],
)
def test_typographic_dash_becomes_the_dash_that_was_meant(typed, meant):
    assert plain_dashes(typed, PRUNE) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--dataset-export-spec", "--dataset_export_spec"),
        ("--dataset-export_spec=a-b", "--dataset_export_spec=a-b"),
        ("-el", "-el"),
        ("a-b", "a-b"),
    ],
)
def test_hyphens_in_long_names_become_underscores(typed, meant):
    assert underscored(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["-el", "a", "b", "-pth", "0.7"], ["-el", "a", "-el", "b", "-pth", "0.7"]),
        (["--excluded-layers", "a", "b"], ["--excluded_layers", "a", "--excluded_layers", "b"]),
        (["-nf=16"], ["-nf", "16"]),
        (["\u2013eq", "union"], ["-eq", "union"]),
        (["-v", "-n", "max"], ["-v", "-n", "max"]),
        (["--gpu_index", "0", "1"], ["--gpu_index", "0", "--gpu_index", "1"]),
        (["--gpu_index=0,1"], ["--gpu_index", "0", "--gpu_index", "1"]),
        (["-el", "a, b,", "c"], ["-el", "a", "-el", "b", "-el", "c"]),
        (["-el", "a,b", "-n", "max"], ["-el", "a", "-el", "b", "-n", "max"]),
        (["--gpu_index", "0, 1"], ["--gpu_index", "0", "--gpu_index", "1"]),
        (["--gpu_index", "[0,1]"], ["--gpu_index", "[0,1]"]),
        (["-m", "a,b.tlt"], ["-m", "a,b.tlt"]),
        (["--set", "a=1,2", "--set=b=[3, 4]"], ["--set", "a=1,2", "--set", "b=[3, 4]"]),
    ],
)
def test_words_of_prune_are_brought_into_form(typed, meant):
    assert option_words(typed, PRUNE) == meant


def test_word_after_the_number_of_a_gpu_is_no_number_of_a_gpu():
    words = ["--gpu_index", "0", "model.onnx", "-p", "a,1x1,1x1,1x1", "b.onnx"]
    assert option_words(words, ENGINE) == words


@pytest.mark.parametrize("help_word", ["-h", "--help", "\u2014help", "--help=x"])
@pytest.mark.parametrize("words", [["-k", "{}", "-r", "x"], ["-e", "a", "b", "{}"], ["--no", "{}"]])
def test_help_is_shown_whatever_else_is_wrong(words, help_word):
    assert option_words([word.format(help_word) for word in words], TRAIN) == ["--help"]


def test_value_that_begins_with_a_dash_stays_a_value():
    assert option_words(["-np", "-1"], TRAIN) == ["-np", "-1"]
    assert option_words(["-r", "\u2013folder"], TRAIN) == ["-r", "\u2013folder"]


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["-k", "-r", "results"], "the next word is -r"),
        (["-r", "results", "-k"], "it is the last word"),
        (["-k", "--results-dir=out"], "the next word is --results-dir=out"),
    ],
)
def test_option_without_its_value_is_reported(typed, hint):
    with pytest.raises(click.UsageError, match=rf"-k needs a value, but {hint}.*variable"):
        option_words(typed, TRAIN)


@pytest.mark.parametrize(
    ("kind", "spelling", "value", "meant"),
    [
        ("file", "-o", "small", "small"),
        ("file", "-o", "small/", "small/"),
        ("file", "--output_dir", "small", "small/"),
        ("file", "--output_dir", "small.tlt", "small.tlt/"),
        ("file", "--output_dir", "small/", "small/"),
        ("file", "--output_file", "small", "small"),
        ("folder", "-o", "small", "small/"),
        ("folder", "-o", "small.tlt", "small.tlt"),
        ("folder", "-o", "small.v2", "small.v2/"),
        ("folder", "--output", "small", "small/"),
        ("folder", "--output_file", "small", "small"),
        ("folder", "--output_filename", "small", "small"),
        ("", "--output_dir", "small", "small"),
    ],
)
def test_output_is_a_folder_when_spelling_or_detector_say_so(kind, spelling, value, meant):
    option = Option(name="output", spellings=(spelling,), output=kind, file_suffixes=(".tlt",))
    assert option_words([spelling, value], {spelling: option}) == [spelling, meant]


def test_only_words_before_the_command_belong_to_the_group():
    words = ["\u2014help-me", "ssd", "\u2014key", "a-b"]
    assert command_words(words) == ["--help_me", "ssd", "\u2014key", "a-b"]


@given(st.lists(st.text(min_size=1)))
def test_any_words_are_read_or_refused_without_a_crash(words):
    with contextlib.suppress(click.UsageError):
        assert all(isinstance(word, str) for word in option_words(words, PRUNE))
    assert len(command_words(words)) == len(words)


VALUES = st.text(min_size=1).filter(lambda text: text.strip(" ,"))


@given(st.dictionaries(st.sampled_from(["-k", "-o", "-m", "--key", "--log_file"]), VALUES))
def test_plain_words_with_joined_values_keep_name_and_value(options):
    typed = [f"{name}={value}" for name, value in options.items()]
    meant = [word for pair in options.items() for word in pair]
    assert option_words(typed, PRUNE) == meant
