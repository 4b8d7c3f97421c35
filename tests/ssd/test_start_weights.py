"""SSD trains on from weights that others trained."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from detforge.errors import CheckpointError, UsageError
from detforge.files import load_checkpoint, save_checkpoint
from detforge.plugins import load_detector
from detforge.pretrained import imagenet
from detforge.pretrained.reading import read_weights
from detforge.pretrained.start import find_start, load_start, prepare_start
from detforge.requests import EvaluateRequest, TrainRequest
from detforge.spec import load_spec
from tests.core.checkpoint_builders import make_checkpoint
from tests.core.pretrained.keras2_files import write_keras2


@pytest.fixture
def request_of(spec_file, tmp_path):
    detector = load_detector("ssd")

    def make(*changes, **options):
        path = spec_file(epochs=1)
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        spec = load_spec(path, detector.spec_schema())
        return TrainRequest(
            detector=detector, spec=spec, results_dir=tmp_path / "results", **options
        )

    return make


def backbone_file(path, request):
    """Write the backbone of the spec, every weight 0.01, as Keras 2 does."""
    recipe = request.detector.recipe(request.spec)
    model = request.detector.build_model(request.spec, "train", recipe)
    in_backbone = {name for names in model.blocks.values() for name in names}
    layers = {
        layer.name: {w.name: np.full(w.shape, 0.01, np.float32) for w in layer.weights}
        for layer in model.parts["detector"].layers
        if layer.name in in_backbone
    }
    return write_keras2(path, layers)


def test_training_starts_from_a_file_of_keras_2(request_of, tmp_path, caplog):
    path = backbone_file(tmp_path / "resnet_10.hdf5", request_of())
    caplog.set_level("INFO")
    request = request_of(
        ("nlayers: 10", "nlayers: 10 freeze_blocks: 0 freeze_blocks: 1"),
        resume_model_weights=path,
    )
    report = request.detector.hook.train(request=request)
    weights = load_checkpoint(report.checkpoint).weights
    assert (weights["detector/conv1/kernel"] == np.float32(0.01)).all()  # frozen
    assert "block_4a_bn_shortcut(BatchNormalization)" in caplog.text
    assert "layers loaded from" in caplog.text
    assert "left at random: ssd_" in caplog.text
    # The same command goes on; one with another file would be another run.
    caplog.clear()
    assert request.detector.hook.train(request=request).checkpoint == report.checkpoint
    assert "this run is finished" in caplog.text
    other = write_keras2(tmp_path / "other.hdf5", {"conv1": {"kernel": np.ones(3)}})
    with pytest.raises(UsageError, match="did not start from the weights that -m"):
        request.detector.hook.train(request=replace(request, resume_model_weights=other))


def test_file_of_another_architecture_is_refused_by_its_layers(request_of, tmp_path):
    path = tmp_path / "darknet.hdf5"
    write_keras2(path, {f"b{i}_conv1_1": {"kernel": np.ones((1, 1, 8, 4))} for i in range(3)})
    request = request_of(resume_model_weights=path)
    with pytest.raises(CheckpointError, match=r"The file has b0_conv1_1.*the model has conv1"):
        request.detector.hook.train(request=request)
    assert not list((tmp_path / "results" / "weights").iterdir())


def test_a_file_that_cannot_be_read_is_told_before_the_data_are_looked_at(request_of, tmp_path):
    (tmp_path / "empty.h5").write_bytes(b"")
    request = request_of(
        ('label_directory_path: "', 'label_directory_path: "/nowhere'),
        resume_model_weights=tmp_path / "empty.h5",
    )
    with pytest.raises(CheckpointError, match="is empty"):
        request.detector.hook.train(request=request)


@pytest.mark.slow
def test_run_from_imagenet_keeps_what_its_weights_need_of_the_network(
    request_of, tmp_path, monkeypatch
):
    published = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(96, 96, 3)
    )
    monkeypatch.setattr(
        imagenet, "fetch", lambda arch, depth: imagenet.weights_of(published, f"{arch}{depth}")
    )
    request = request_of(
        ('arch: "resnet"\n  nlayers: 10', 'arch: "mobilenet_v2"'),
        resume_model_weights=Path("imagenet"),
    )
    report = request.detector.hook.train(request=request)
    checkpoint = load_checkpoint(report.checkpoint)
    assert checkpoint.variant.backbone == {"asymmetric_padding": True, "activation": "relu6"}
    assert checkpoint.extra["run"]["start"] == {"weights": "imagenet", "initial_epoch": 1}
    evaluate = EvaluateRequest(
        detector=request.detector, spec=request.spec, model=report.checkpoint
    )
    assert request.detector.hook.evaluate(request=evaluate) is not None
    # A transfer from it builds the same network.
    again = replace(request, resume_model_weights=report.checkpoint, results_dir=tmp_path / "again")
    second = load_checkpoint(request.detector.hook.train(request=again).checkpoint)
    assert second.variant == checkpoint.variant


def test_weights_of_another_detector_are_taken_by_layer(request_of, tmp_path, caplog):
    path = backbone_file(tmp_path / "a.hdf5", request_of())
    caplog.set_level("INFO")
    weights = {
        f"backbone/{layer}/{slot}": array
        for layer, slots in read_weights(path).layers.items()
        for slot, array in slots.items()
    }
    path = tmp_path / "rcnn.detforge"
    save_checkpoint(path, make_checkpoint(detector="faster_rcnn", weights=weights))
    request = request_of(resume_model_weights=path)
    recipe = request.detector.recipe(request.spec)
    model = request.detector.build_model(request.spec, "train", recipe)
    start = find_start(request, recipe)
    load_start(model, prepare_start(start, request, recipe), start, request, recipe)
    kernel = model.parts["detector"].get_layer("block_3a_conv_1").kernel
    assert (np.asarray(kernel) == np.float32(0.01)).all()
    assert "a model of faster_rcnn" in caplog.text
