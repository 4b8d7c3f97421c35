"""What a train command begins with: an earlier run of it, a given file, or random weights.

No model is trained here: that a run which goes on ends where it would have is for
`test_resume.py` and for `tests/core/training/test_killed_runs.py`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from detforge.errors import CheckpointError, UsageError
from detforge.files import Checkpoint, load_checkpoint, save_checkpoint
from detforge.plugins import load_detector
from detforge.pretrained.start import find_start
from detforge.requests import TrainRequest
from detforge.spec import load_spec
from detforge.training.beginning import find_beginning, report_finished
from detforge.training.earlier_run import FACTS
from detforge.training.start import open_training_data, with_options

STEPS = 3  # 12 images, 4 at a time


@pytest.fixture
def request_of(spec_file, tmp_path):
    """Return a function that reads the small spec, with text replaced, for a results folder."""
    detector = load_detector("ssd")

    def make(*changes, epochs=5, **options):
        text = spec_file(epochs=epochs).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "spec.txt"
        path.write_text(text)
        spec = load_spec(path, detector.spec_schema())
        (tmp_path / "run" / "weights").mkdir(parents=True, exist_ok=True)
        return TrainRequest(detector=detector, spec=spec, results_dir=tmp_path / "run", **options)

    return make


def begin(request):
    recipe = with_options(request.detector.recipe(request.spec), request)
    batches = open_training_data(request, recipe)
    start = find_start(request, recipe)
    return find_beginning(request, recipe, batches, request.results_dir / "weights", start)


@pytest.fixture
def leave(request_of):
    """Return a function that leaves checkpoints as a run of some command would."""

    def write(*epochs, request=None, ended=False, **changes):
        request = request or request_of()
        recipe = request.detector.recipe(request.spec)
        facts = {**begin(replace(request, force=True)).facts, "epochs": 5, "ended": ended}
        paths = []
        for epoch in epochs:
            checkpoint = Checkpoint(
                detector="ssd",
                plugin_version="1",
                class_names=recipe.classes.names,
                spec_text=request.spec.text,
                epoch=epoch,
                step=epoch * STEPS,
                weights={"w": np.zeros(3, np.float32)},
                extra={FACTS: facts},
            )
            name = f"ssd_resnet10_epoch_{epoch:03d}.detforge"
            paths.append(request.results_dir / "weights" / name)
            save_checkpoint(paths[-1], replace(checkpoint, **changes))
        return paths

    return write


def test_empty_folder_means_random_weights(request_of):
    found = begin(request_of())
    assert (found.path, found.epoch, found.resumes) == (None, 0, False)


def test_interrupted_run_goes_on_behind_its_newest_checkpoint(request_of, leave, caplog):
    paths = leave(1, 2, 3)
    caplog.set_level("INFO")
    found = begin(request_of())
    assert (found.path, found.epoch, found.resumes) == (paths[-1], 3, True)
    assert "resuming with epoch 4 of 5" in caplog.text
    assert "--force starts anew" in caplog.text


def test_damaged_checkpoint_is_named_and_the_one_before_is_taken(request_of, leave, caplog):
    paths = leave(1, 2, 3)
    damaged = bytearray(paths[2].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    paths[2].write_bytes(damaged)
    assert begin(request_of()).path == paths[1]
    assert paths[2].name in caplog.text
    assert "taking the checkpoint before it" in caplog.text


def test_exported_model_beside_a_checkpoint_is_none(request_of, leave):
    (path,) = leave(2)
    exported = path.with_suffix(".onnx")
    shutil.copy(path, exported)
    assert begin(request_of()).path == path
    exported.rename(path.with_suffix(".etlt"))
    assert begin(request_of()).path == path


def test_run_of_which_nothing_is_left_whole_is_not_replaced_unasked(request_of, leave):
    for path in leave(1, 2):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="none of the 2 can be read"):
        begin(request_of())
    assert begin(request_of(force=True)).path is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("random_seed: 7", "random_seed: 8"), "random_seed (7, now 8)"),
        (("max_learning_rate: 0.01", "max_learning_rate: 0.02"), "max_learning_rate (0.01, now"),
        (("size_per_gpu: 4", "size_per_gpu: 2"), "training_config.batch_size_per_gpu (4, now 2)"),
        (("hue: 0", "hue: 9"), "augmentation_config.hue (0, now 9)"),
        (("0.15, 0.25", "0.1, 0.2"), "ssd_config.scales"),
        (("nlayers: 10", "nlayers: 18"), "ssd_config.nlayers (10, now 18)"),
        (('value: "circle"', 'value: "square"'), "dataset_config.target_class_mapping"),
        (("checkpoint_interval", "regularizer { type: L2 weight: 1e-4 } checkpoint_interval"),
         "training_config.regularizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_run_of_another_spec_is_refused_by_the_fields_that_differ(request_of, leave, change, named):
    (path,) = leave(2)
    with pytest.raises(UsageError) as caught:
        begin(request_of(change, ("validation_period", "batch_size: 3 validation_period")))
    assert named in str(caught.value)
    assert "eval_config" not in str(caught.value)  # which may differ
    assert f"-m {path} --initial_epoch 3" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        ("checkpoint_interval: 1", "checkpoint_interval: 4"),
        ("checkpoint_interval", "n_workers: 3 max_queue_size: 2 checkpoint_interval"),
        ("checkpoint_interval", "use_multiprocessing: true checkpoint_interval"),
        ("top_k: 50", "top_k: 60"),
        ("INTEGRATE", "SAMPLE"),
        ("checkpoint_interval", "optimizer { sgd { momentum: 0.9 } } checkpoint_interval"),
    ],
    ids=lambda change: change[1],
)
def test_what_leaves_the_weights_as_they_are_may_change(request_of, leave, change):
    leave(2)
    assert begin(request_of(change)).epoch == 2


def test_more_epochs_go_on_over_the_new_length(request_of, leave, caplog):
    leave(5)
    caplog.set_level("INFO")
    request = request_of(epochs=9)
    found = begin(request)
    assert not found.is_finished(request.detector.recipe(request.spec))
    assert "num_epochs was 5 and is 9" in caplog.text


def test_other_data_under_the_same_name_are_another_run(request_of, leave, scenes, tmp_path):
    data = shutil.copytree(scenes, tmp_path / "data")
    moved = (str(scenes), str(data))
    leave(2, request=request_of(moved))
    first = sorted((data / "images").iterdir())[0]
    (data / "labels" / f"{first.stem}.txt").unlink()
    first.unlink()
    with pytest.raises(UsageError, match=r"other training images \(12, now 11\)"):
        begin(request_of(moved))


def test_finished_run_is_left_alone(request_of, leave, caplog):
    (path,) = leave(5)
    caplog.set_level("INFO")
    request = request_of()
    recipe = request.detector.recipe(request.spec)
    found = begin(request)
    assert found.is_finished(recipe)
    report = report_finished(found, request, recipe)
    assert (report.checkpoint, report.epochs) == (path, 5)
    assert "To train on, raise it; to start anew: --force" in caplog.text


def test_run_that_ended_early_is_finished_until_its_checkpoint_is_given(request_of, leave, caplog):
    (path,) = leave(3, ended=True)
    caplog.set_level("INFO")
    request = request_of()
    recipe = request.detector.recipe(request.spec)
    found = begin(request)
    assert found.is_finished(recipe)
    report_finished(found, request, recipe)
    assert f"-m {path} --initial_epoch 4" in caplog.text
    given = begin(request_of(resume_model_weights=path, initial_epoch=4))
    assert not given.is_finished(recipe)


def test_command_with_start_weights_goes_on_with_its_own_run_only(request_of, leave, tmp_path):
    (weights,) = leave(4)
    weights = weights.rename(tmp_path / "weights.detforge")
    leave(2, request=request_of(resume_model_weights=weights))
    assert begin(request_of(resume_model_weights=weights)).epoch == 2
    without = begin(request_of())
    assert without.epoch == 2
    leave(3, extra={FACTS: dict(without.facts)})  # by a command without -m
    assert begin(request_of(resume_model_weights=weights)).epoch == 3
    save_checkpoint(tmp_path / "other.detforge", replace(load_checkpoint(weights), step=99))
    with pytest.raises(UsageError, match="did not start from the weights that -m"):
        begin(request_of(resume_model_weights=tmp_path / "other.detforge"))


def test_given_epoch_does_not_overwrite_later_ones_of_another_beginning(request_of, leave):
    first, *_ = leave(1, 2, 3)
    with pytest.raises(UsageError, match=r"epoch_002.detforge to ssd_resnet10_epoch_003"):
        begin(request_of(resume_model_weights=first, initial_epoch=2))
    forced = begin(request_of(resume_model_weights=first, initial_epoch=2, force=True))
    assert (forced.path, forced.epoch) == (first, 1)


def test_command_that_goes_on_from_a_file_may_be_repeated_too(request_of, leave, tmp_path):
    (first,) = leave(1)
    first = first.rename(tmp_path / "given.detforge")
    options = {"resume_model_weights": first, "initial_epoch": 2}
    assert begin(request_of(**options)).epoch == 1
    leave(2, 3, request=request_of(**options))
    assert begin(request_of(**options)).epoch == 3


def test_folder_of_another_detector_is_refused(request_of, leave):
    leave(2, detector="retina")
    with pytest.raises(CheckpointError, match="a model of retina"):
        begin(request_of())
