"""Pruning a checkpoint: what is written, what is said, what is refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from tests.tiny_detector import (
    make_checkpoint,
    make_detector,
    make_images,
    make_recipe,
    make_spec,
    write_images,
)

from detforge.cli.reports import describe, write_json
from detforge.errors import CheckpointError, DatasetError, UsageError
from detforge.files import is_encrypted, load_checkpoint, save_checkpoint
from detforge.inference.predictors import load_predictor
from detforge.pruning.history import PRUNED
from detforge.pruning.run import run_prune
from detforge.requests import PruneRequest


@pytest.fixture(scope="module")
def detector():
    return make_detector()


@pytest.fixture(scope="module")
def trained(detector, tmp_path_factory):
    """A checkpoint of the tiny detector, two of whose eight filters are weak."""
    import keras

    keras.utils.set_random_seed(3)
    model = detector.build_model(make_spec(), "infer")
    stem = model.parts["network"].get_layer("stem")
    kernel, bias = stem.get_weights()
    kernel[..., [2, 5]] *= 0.05
    stem.set_weights([kernel, bias])
    path = tmp_path_factory.mktemp("trained") / "model.detforge"
    state = {"0000/momentum": np.zeros(1000, np.float32)}
    save_checkpoint(path, make_checkpoint(model, epoch=7, step=70, optimizer=state))
    return path


@pytest.fixture
def request_of(detector, trained, tmp_path):
    """Return a function that makes a request, for filters in twos."""

    def make(**changes):
        fields = {"model": trained, "output": tmp_path / "out" / "pruned.detforge"}
        fields |= {"granularity": 2, "min_filters": 2}
        return PruneRequest(detector=detector, **{**fields, **changes})

    return make


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    write_images(folder, ("a.png", "b.jpg", "c.png"))
    return folder


def test_weak_filters_go_and_the_file_says_so(request_of, trained, tmp_path):
    report = run_prune(request_of(results_dir=tmp_path))
    assert report.channels["stem"] == (8, 6)
    assert report.checkpoint == tmp_path / "out" / "pruned.detforge"
    # 4 x 4 x 3 x 8 + 8 of the stem, 3 x 3 x 8 x 3 + 3 and 3 x 3 x 8 x 4 + 4 of the heads.
    assert report.parameters_before == 392 + 219 + 292
    assert report.parameters_after == 294 + 165 + 220
    assert report.pruning_ratio == pytest.approx(679 / 903)
    assert report.layer_parameters["scores"] == (219, 165)
    assert report.layer_multiply_adds["stem"] == (12 * 8 * 384, 12 * 8 * 288)
    assert report.file_bytes_before == trained.stat().st_size
    assert report.file_bytes_after == report.checkpoint.stat().st_size
    assert report.optimizer_bytes == 4000
    pruned = load_checkpoint(report.checkpoint)
    assert (pruned.epoch, pruned.step, pruned.optimizer) == (0, 0, {})
    assert pruned.variant.widths == {"network": {"stem": 6}}
    (entry,) = pruned.extra[PRUNED]
    assert (entry["threshold"], entry["granularity"], entry["quantized"]) == (0.1, 2, False)
    assert entry["parent"]["epoch"] == 7
    assert len(entry["parent"]["sha256"]) == 64


def test_pruned_model_finds_what_the_original_finds_without_those_filters(
    request_of, detector, trained
):
    original = load_checkpoint(trained)
    weights = dict(original.weights)
    for name in ("network/scores/kernel", "network/deltas/kernel"):
        weights[name] = weights[name].copy()
        weights[name][:, :, [2, 5]] = 0
    masked = trained.with_name("masked.detforge")
    save_checkpoint(masked, dataclasses.replace(original, weights=weights))
    pruned = run_prune(request_of()).checkpoint
    wanted, found = (
        load_predictor(detector, make_spec(), make_recipe(), path).predict(make_images(3))
        for path in (masked, pruned)
    )
    assert wanted.count.min() > 0
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-4)


def test_threshold_0_changes_nothing_that_is_found(request_of, images):
    report = run_prune(request_of(threshold=0.0, check_images=images))
    assert report.pruning_ratio == 1
    assert report.check["images"] == 3
    assert report.check["before"] == report.check["after"] == report.check["matched"] > 0
    assert report.check["largest_score_change"] < 1e-6
    assert report.check["least_iou"] > 1 - 1e-6


def test_nothing_to_remove_is_a_warning(request_of, caplog):
    assert run_prune(request_of(threshold=0.01)).channels["stem"] == (8, 8)
    assert "nothing is removed" in caplog.text


def test_change_in_images_is_that_of_their_objects(request_of, images):
    check = run_prune(request_of(threshold=0.99, check_images=images)).check
    assert 0 <= check["matched"] <= min(check["before"], check["after"])
    assert check["largest_score_change"] > 0
    one = run_prune(request_of(check_images=images / "a.png", force=True)).check
    assert one["images"] == 1


def test_images_that_cannot_be_read_are_refused(request_of, tmp_path):
    folder = tmp_path / "no_images"
    folder.mkdir()
    (folder / "a.png").write_text("not an image")
    with pytest.raises(DatasetError, match="there is no readable image"):
        run_prune(request_of(check_images=folder))
    assert not (tmp_path / "out").exists()


def test_dry_run_reports_and_writes_nothing(request_of, tmp_path):
    dry = run_prune(request_of(dry_run=True))
    assert not (tmp_path / "out").exists()
    assert dry.checkpoint is None
    real = run_prune(request_of())
    changing = ("checkpoint", "seconds", "seconds_to_build")
    same = [field.name for field in dataclasses.fields(dry) if field.name not in changing]
    assert [getattr(dry, name) for name in same] == [getattr(real, name) for name in same]
    assert "Checkpoint: none was written" in describe(dry)


def test_report_is_told_and_written(request_of, tmp_path):
    report = run_prune(request_of())
    text = describe(report)
    assert "stem                 8    6         392  294" in text
    assert "Pruning ratio (parameters of the pruned model / of the original): 0.7519" in text
    write_json(report, tmp_path / "prune.json", "tiny", "prune")
    written = json.loads((tmp_path / "prune.json").read_text())
    assert written["channels"]["stem"] == [8, 6]
    assert written["pruning_ratio"] == pytest.approx(0.7519, abs=1e-4)
    assert written["seconds"] > 0


def test_pruned_model_is_pruned_again(request_of, tmp_path):
    first = run_prune(request_of()).checkpoint
    again = run_prune(request_of(model=first, output=tmp_path / "second.tlt", threshold=0.99))
    before, after = again.channels["stem"]
    assert before == 6
    assert after < 6
    pruned = load_checkpoint(again.checkpoint)
    assert pruned.variant.widths == {"network": {"stem": after}}
    assert [entry["threshold"] for entry in pruned.extra[PRUNED]] == [0.1, 0.99]
    same = run_prune(request_of(model=first, force=True, output=tmp_path / "third.detforge"))
    assert same.pruning_ratio == 1
    assert load_checkpoint(same.checkpoint).variant.widths == {"network": {"stem": 6}}


def test_target_is_reached_by_the_lowest_threshold(request_of):
    report = run_prune(request_of(target_ratio=0.8, dry_run=True))
    assert report.channels["stem"] == (8, 6)
    assert run_prune(request_of(target_ratio=0.75, dry_run=True)).channels["stem"] == (8, 4)
    assert run_prune(request_of(target_ratio=1.0, dry_run=True)).threshold == 0
    told = run_prune(request_of(threshold=report.threshold, dry_run=True))
    assert told.channels == report.channels


def test_target_below_what_can_be_reached_says_the_least(request_of):
    with pytest.raises(UsageError, match=r"leaves 0\.1 .*: at least 0\.2558 stay"):
        run_prune(request_of(target_ratio=0.1))


def test_existing_file_is_kept_unless_forced(request_of, tmp_path):
    output = tmp_path / "mine.tlt"
    output.write_text("something of mine")
    with pytest.raises(UsageError, match=r"mine.tlt exists; choose another name with -o"):
        run_prune(request_of(output=output))
    assert output.read_text() == "something of mine"
    run_prune(request_of(output=output, force=True))
    assert load_checkpoint(output).epoch == 0


@pytest.mark.parametrize(
    ("name", "key", "written"),
    [
        ("small", None, "small.detforge"),
        ("small", "secret", "small.tlt"),
        ("small.TLT", None, "small.TLT"),
    ],
)
def test_name_of_the_file_and_the_key_decide_what_is_written(
    request_of, tmp_path, name, key, written
):
    report = run_prune(request_of(output=tmp_path / name, key=key))
    assert report.checkpoint == tmp_path / written
    assert is_encrypted(report.checkpoint.read_bytes()) is bool(key)
    assert load_checkpoint(report.checkpoint, key).variant.widths


def test_other_names_are_refused(request_of, tmp_path):
    with pytest.raises(UsageError, match=r"is no \.hdf5 file; call it \.detforge or \.tlt"):
        run_prune(request_of(output=tmp_path / "small.hdf5"))


# --- what cannot be pruned ------------------------------------------------------------------


def test_exported_model_is_called_that(request_of, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x09\x12\x08detforge")
    with pytest.raises(CheckpointError, match=r"is an ONNX model; this needs a checkpoint"):
        run_prune(request_of(model=path))


def test_wrong_key_is_said(request_of, tmp_path):
    run_prune(request_of(output=tmp_path / "locked.tlt", key="right"))
    with pytest.raises(CheckpointError, match="key"):
        run_prune(request_of(model=tmp_path / "locked.tlt", key="wrong"))


def test_checkpoint_of_another_detector_is_refused(request_of, trained, tmp_path):
    other = dataclasses.replace(load_checkpoint(trained), detector="retina")
    save_checkpoint(tmp_path / "other.detforge", other)
    with pytest.raises(CheckpointError, match="is a model of retina, not of tiny"):
        run_prune(request_of(model=tmp_path / "other.detforge"))


def test_spec_of_another_release_inside_asks_for_one_of_this(request_of, trained, tmp_path):
    old = dataclasses.replace(load_checkpoint(trained), spec_text="no_such_field: 3\n")
    save_checkpoint(tmp_path / "old.detforge", old)
    with pytest.raises(CheckpointError, match=r"not one of this release .*; give one that is"):
        run_prune(request_of(model=tmp_path / "old.detforge"))
    report = run_prune(request_of(model=tmp_path / "old.detforge", spec=make_spec()))
    assert load_checkpoint(report.checkpoint).spec_text == make_spec().text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"excluded_layers": ("stam",)}, "no layer 'stam' .* Did you mean 'stem'"),
        ({"granularity": 9}, "granularity is 9, but no layer has more than 8"),
        ({"threshold": 1.0}, "threshold is 1, but no channel of any layer has a score above 1"),
    ],
    ids=["layer", "granularity", "threshold"],
)
def test_selection_that_makes_no_sense_is_refused(request_of, tmp_path, changes, message):
    with pytest.raises(UsageError, match=message):
        run_prune(request_of(**changes))
    assert not (tmp_path / "out").exists()


def test_excluded_layer_stays_whole(request_of):
    report = run_prune(request_of(threshold=0.99, excluded_layers=("stem",), dry_run=True))
    assert report.channels["stem"] == (8, 8)
