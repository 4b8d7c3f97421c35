from dataclasses import replace

import numpy as np
import pytest

from detforge.errors import CheckpointError, UsageError
from detforge.files import load_checkpoint, save_checkpoint
from detforge.plugins import load_detector
from detforge.requests import EvaluateRequest, TrainRequest
from detforge.spec import load_spec
from tests.ssd.conftest import SPEC


@pytest.fixture
def train(spec_file, tmp_path):
    detector = load_detector("ssd")

    def start(results, epochs=3, **options):
        spec = load_spec(spec_file(epochs=epochs), detector.spec_schema())
        request = TrainRequest(
            detector=detector, spec=spec, results_dir=tmp_path / results, **options
        )
        return detector.hook.train(request=request)

    return start


@pytest.fixture(scope="module")
def trained(scenes, tmp_path_factory):
    """Return the checkpoint of a run of one epoch, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("trained")
    path = folder / "spec.txt"
    path.write_text(SPEC.format(data=scenes, batch=4, epochs=1, rate=1e-2, interval=1))
    detector = load_detector("ssd")
    spec = load_spec(path, detector.spec_schema())
    request = TrainRequest(detector=detector, spec=spec, results_dir=folder)
    return detector.hook.train(request=request).checkpoint


@pytest.mark.slow
def test_run_that_goes_on_from_epoch_2_ends_where_the_uninterrupted_one_does(train, tmp_path):
    straight = load_checkpoint(train("straight").checkpoint)
    middle = tmp_path / "straight" / "weights" / "ssd_resnet10_epoch_002.detforge"
    resumed = train("resumed", resume_model_weights=middle, initial_epoch=3)
    resumed = load_checkpoint(resumed.checkpoint)
    assert resumed.step == straight.step == 9
    for name, value in straight.weights.items():
        # Threads add in any order, so the last digits differ from run to run.
        np.testing.assert_allclose(resumed.weights[name], value, rtol=1e-2, atol=1e-3, err_msg=name)
    # The comparison can fail: without its optimiser's momentum the run ends elsewhere.
    forgetful = load_checkpoint(middle)
    zeroed = {
        key: value if value.ndim == 0 else np.zeros_like(value)
        for key, value in forgetful.optimizer.items()
    }
    save_checkpoint(tmp_path / "zeroed.detforge", replace(forgetful, optimizer=zeroed))
    other = train("other", resume_model_weights=tmp_path / "zeroed.detforge", initial_epoch=3)
    other = load_checkpoint(other.checkpoint)
    assert not all(
        np.allclose(other.weights[name], value, rtol=1e-2, atol=1e-3)
        for name, value in straight.weights.items()
    )


def test_weights_only_start_begins_the_schedule_anew(train, trained, caplog):
    caplog.set_level("INFO")
    second = load_checkpoint(train("second", epochs=1, resume_model_weights=trained).checkpoint)
    assert (second.epoch, second.step) == (1, 3)
    assert "a new run from the weights of" in caplog.text
    assert "optimiser and position not" in caplog.text


def test_wrong_initial_epoch_names_the_right_one(train, trained):
    with pytest.raises(UsageError, match="--initial_epoch 2"):
        train("other", epochs=3, resume_model_weights=trained, initial_epoch=3)


def test_going_on_without_a_checkpoint_is_refused(train):
    with pytest.raises(UsageError, match="-m FILE"):
        train("run", initial_epoch=2)


def test_results_folder_of_unreadable_checkpoints_is_not_overwritten(train, tmp_path):
    folder = tmp_path / "run" / "weights"
    folder.mkdir(parents=True)
    (folder / "ssd_resnet10_epoch_001.detforge").write_bytes(b"precious")
    with pytest.raises(CheckpointError, match=r"is a text file.*none of the 1 can be read"):
        train("run")
    assert (folder / "ssd_resnet10_epoch_001.detforge").read_bytes() == b"precious"


def test_forced_run_removes_an_earlier_one_once_it_has_a_checkpoint_of_its_own(train, tmp_path):
    folder = tmp_path / "run" / "weights"
    folder.mkdir(parents=True)
    kept = {"other_epoch_007.onnx", "notes.txt"}
    for name in ("other_epoch_007.detforge", "ssd_resnet10_epoch_001.detforge", *kept):
        (folder / name).write_bytes(b"earlier")
    checkpoint = train("run", epochs=1, force=True).checkpoint
    assert {path.name for path in folder.iterdir()} == {checkpoint.name, *kept}
    assert load_checkpoint(checkpoint).epoch == 1


def test_forced_run_that_fails_leaves_the_earlier_one(train, tmp_path):
    folder = tmp_path / "run" / "weights"
    folder.mkdir(parents=True)
    (folder / "other_epoch_007.detforge").write_bytes(b"earlier")
    with pytest.raises(CheckpointError):
        train("run", force=True, resume_model_weights=folder / "other_epoch_007.detforge")
    assert (folder / "other_epoch_007.detforge").read_bytes() == b"earlier"


@pytest.mark.slow
def test_forced_run_keeps_what_it_started_from_and_what_it_goes_on_from(train, tmp_path):
    folder = tmp_path / "run" / "weights"
    train("run", epochs=3)
    second = folder / "ssd_resnet10_epoch_002.detforge"
    train("run", epochs=1, force=True, resume_model_weights=second)
    numbers = [load_checkpoint(path).epoch for path in sorted(folder.iterdir())]
    assert numbers == [1, 2]
    first = folder / "ssd_resnet10_epoch_001.detforge"
    train("run", epochs=2, force=True, resume_model_weights=first, initial_epoch=2)
    assert [path.name for path in sorted(folder.iterdir())] == [first.name, second.name]


def test_checkpoint_of_another_detector_is_refused_for_going_on(train, trained, tmp_path):
    checkpoint = load_checkpoint(trained)
    path = tmp_path / "other.detforge"
    save_checkpoint(path, replace(checkpoint, detector="retina"))
    with pytest.raises(CheckpointError, match="retina"):
        train("second", resume_model_weights=path, initial_epoch=2)


def test_checkpoint_of_other_classes_is_refused_for_going_on(train, trained, tmp_path):
    checkpoint = load_checkpoint(trained)
    path = tmp_path / "other.detforge"
    save_checkpoint(path, replace(checkpoint, class_names=("square", "circle", "triangle")))
    with pytest.raises(CheckpointError, match="was trained on the classes"):
        train("second", resume_model_weights=path, initial_epoch=2)


def test_checkpoint_of_another_batch_size_is_refused_for_going_on(train, trained, tmp_path):
    checkpoint = load_checkpoint(trained)
    path = tmp_path / "other.detforge"
    save_checkpoint(path, replace(checkpoint, step=6))
    with pytest.raises(CheckpointError, match="saved after 6 steps"):
        train("second", resume_model_weights=path, initial_epoch=2)


def test_weights_of_which_none_fits_are_refused(train, trained, tmp_path):
    checkpoint = load_checkpoint(trained)
    path = tmp_path / "other.detforge"
    weights = {
        f"detector/other_{name.partition('/')[2]}": value
        for name, value in checkpoint.weights.items()
    }
    save_checkpoint(path, replace(checkpoint, weights=weights))
    with pytest.raises(
        CheckpointError,
        match=r"none of its weights fits the model.*has other_block_1a_.*model has conv1",
    ):
        train("second", resume_model_weights=path)


def test_spec_with_other_anchors_than_the_checkpoint_is_noticed(
    trained, spec_file, tmp_path, caplog
):
    detector = load_detector("ssd")
    changed = tmp_path / "changed.txt"
    changed.write_text(spec_file(epochs=1).read_text().replace("0.15, 0.25", "0.1, 0.2"))
    spec = load_spec(changed, detector.spec_schema())
    request = EvaluateRequest(detector=detector, spec=spec, model=trained)
    detector.hook.evaluate(request=request)
    assert "another value of ssd_config.scales" in caplog.text


def test_spec_with_another_input_than_the_checkpoint_is_refused(trained, spec_file, tmp_path):
    detector = load_detector("ssd")
    changed = tmp_path / "changed.txt"
    mean = 'output_height: 128 image_mean { key: "b" value: 1 } image_mean { key: "g" value: 2 }'
    mean += ' image_mean { key: "r" value: 3 }'
    changed.write_text(spec_file(epochs=1).read_text().replace("output_height: 128", mean))
    spec = load_spec(changed, detector.spec_schema())
    request = EvaluateRequest(detector=detector, spec=spec, model=trained)
    with pytest.raises(CheckpointError, match="another network input"):
        detector.hook.evaluate(request=request)
