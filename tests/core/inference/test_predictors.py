"""One way to predict: checkpoints and ONNX files, told apart by their content."""

import builtins
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from tests.tiny_detector import (
    LIMIT,
    NAMES,
    TinyModel,
    TinyPlugin,
    make_checkpoint,
    make_detector,
    make_images,
    make_recipe,
    make_spec,
)

import detforge.inference
from detforge import hookimpl
from detforge.errors import CheckpointError
from detforge.export.build import build_onnx
from detforge.files import encrypt, save_checkpoint
from detforge.inference.predictors import KerasPredictor, OnnxPredictor, load_predictor
from detforge.model import Detections
from detforge.recipe import InputFormat


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    return TinyModel(make_recipe())


@pytest.fixture(scope="module")
def exported(model):
    return build_onnx(make_detector(), make_spec(), make_recipe(), model)


def load(path, key=None, **changes):
    return load_predictor(make_detector(), make_spec(), make_recipe(**changes), path, key)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, "infer"), ({"mode": "evaluate"}, "evaluate")],
    ids=["unless told otherwise", "for evaluation"],
)
def test_checkpoint_is_built_for_what_it_is_to_do(tmp_path, model, options, wanted):
    save_checkpoint(tmp_path / "a.detforge", make_checkpoint(model))
    modes = []

    class Watched(TinyPlugin):
        @hookimpl
        def build_model(self, spec, mode):
            modes.append(mode)
            return super().build_model(spec, mode)

    detector = make_detector(plugin=Watched)
    load_predictor(detector, make_spec(), make_recipe(), tmp_path / "a.detforge", **options)
    assert modes == [wanted]


def test_inference_needs_nothing_of_export():
    folder = Path(detforge.inference.__file__).parent
    for path in folder.glob("*.py"):
        assert "detforge.export" not in path.read_text(), path.name


def test_keras_predictor_finds_what_detect_finds_in_any_batch(model):
    predictor = KerasPredictor(model, NAMES)
    images = make_images(5)
    wanted = model.detect(images)
    whole = predictor.predict(images)
    parts = [predictor.predict(images[start : start + 2]) for start in (0, 2, 4)]
    for name in ("boxes", "scores", "labels", "count"):
        expected = np.asarray(getattr(wanted, name))
        np.testing.assert_allclose(getattr(whole, name), expected, atol=1e-4)
        pieces = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(pieces, expected, atol=1e-4)


def test_detections_are_numpy_arrays_of_the_documented_types(model):
    found = KerasPredictor(model, NAMES).predict(make_images(2))
    assert isinstance(found, Detections)
    assert (found.boxes.shape, found.boxes.dtype) == ((2, LIMIT, 4), np.float32)
    assert (found.scores.shape, found.scores.dtype) == ((2, LIMIT), np.float32)
    assert (found.labels.shape, found.labels.dtype) == ((2, LIMIT), np.int32)
    assert (found.count.shape, found.count.dtype) == ((2,), np.int32)
    assert found.masks is None


def test_smaller_last_batch_compiles_nothing_new(model):
    calls = []

    class Counting(TinyModel):
        def detect(self, images):
            calls.append(images.shape)
            return super().detect(images)

    predictor = KerasPredictor(Counting(make_recipe()), NAMES)
    predictor.predict(make_images(4))
    traced = len(calls)
    assert len(predictor.predict(make_images(1)).boxes) == 1
    assert len(calls) == traced


def test_content_and_not_the_name_decides_what_a_file_is(tmp_path, model, exported):
    save_checkpoint(tmp_path / "model.onnx", make_checkpoint(model))
    (tmp_path / "model.tlt").write_bytes(exported.SerializeToString())
    images = make_images(2)
    checkpoint, onnx_file = load(tmp_path / "model.onnx"), load(tmp_path / "model.tlt")
    assert isinstance(checkpoint, KerasPredictor)
    assert isinstance(onnx_file, OnnxPredictor)
    assert checkpoint.class_names == onnx_file.class_names == NAMES
    np.testing.assert_allclose(
        checkpoint.predict(images).boxes, onnx_file.predict(images).boxes, atol=1e-3
    )


def test_encrypted_files_of_both_kinds_open_with_the_key(tmp_path, model, exported):
    save_checkpoint(tmp_path / "a.tlt", make_checkpoint(model), "secret")
    (tmp_path / "a.etlt").write_bytes(encrypt(exported.SerializeToString(), "secret"))
    assert isinstance(load(tmp_path / "a.tlt", "secret"), KerasPredictor)
    assert isinstance(load(tmp_path / "a.etlt", "secret"), OnnxPredictor)
    with pytest.raises(CheckpointError, match="no key was given"):
        load(tmp_path / "a.etlt")


@pytest.mark.parametrize("kind", ["checkpoint", "onnx"])
def test_model_of_other_classes_is_refused_with_both_lists(tmp_path, model, exported, kind):
    path = tmp_path / "model"
    if kind == "onnx":
        path.write_bytes(exported.SerializeToString())
    else:
        save_checkpoint(path, make_checkpoint(model))
    with pytest.raises(CheckpointError) as caught:
        load(path, names=("Fußgänger", "car"))
    assert "[car, traffic light, Fußgänger]" in str(caught.value)
    assert "[Fußgänger, car]" in str(caught.value)


def test_exported_model_for_another_input_is_refused(tmp_path, exported):
    (tmp_path / "a.onnx").write_bytes(exported.SerializeToString())
    other = InputFormat(height=64, width=48, color_order="bgr", mean=(1.0, 2.0, 3.0))
    with pytest.raises(CheckpointError, match=r"48 x 32 bgr, mean 103\.9.*48 x 64 bgr, mean 1, 2"):
        load(tmp_path / "a.onnx", form=other)


def test_checkpoint_of_another_architecture_is_refused(tmp_path, model):
    weights = {"network/other/kernel": np.zeros(3, np.float32)}
    save_checkpoint(tmp_path / "a.detforge", make_checkpoint(model, weights=weights))
    with pytest.raises(CheckpointError, match="does not fit the model of this spec"):
        load(tmp_path / "a.detforge")


def without_metadata(proto):
    del proto.metadata_props[:]


def with_newer_format(proto):
    onnx.helper.set_model_props(
        proto, {"detforge_format": "2", "detforge_readable_from": "0.6", "detforge_version": "1"}
    )


def with_broken_metadata(proto):
    for prop in proto.metadata_props:
        if prop.key == "class_names":
            prop.value = "[car"


def for_tensorrt(proto):
    for prop in proto.metadata_props:
        if prop.key == "target":
            prop.value = "tensorrt-plugins"


def with_external_data(proto):
    tensor = proto.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def with_unknown_operator(proto):
    proto.graph.node[0].op_type = "Nonsense"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_metadata, "an ONNX model that detforge did not export"),
        (with_newer_format, r"format 2 by detforge 1; install detforge 0\.6 or newer"),
        (with_broken_metadata, "has incomplete metadata"),
        (for_tensorrt, "was exported for tensorrt-plugins"),
        (with_external_data, "keeps its weights in another file"),
        (with_unknown_operator, "cannot be opened by ONNX Runtime"),
    ],
)
def test_onnx_model_that_cannot_be_used_says_why(tmp_path, exported, change, message):
    proto = onnx.ModelProto()
    proto.CopyFrom(exported)
    change(proto)
    (tmp_path / "a.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(CheckpointError, match=message):
        load(tmp_path / "a.onnx")


def test_onnx_file_cut_short_says_what_to_do(tmp_path, exported):
    data = exported.SerializeToString()
    (tmp_path / "a.onnx").write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match=r"a\.onnx cannot be opened .*export it again"):
        load(tmp_path / "a.onnx")


def test_file_that_is_neither_is_explained(tmp_path):
    (tmp_path / "a.etlt").write_bytes(b"\0\0\0\0" + b"\x93" * 40)
    with pytest.raises(CheckpointError, match="file of an older toolkit"):
        load(tmp_path / "a.etlt")
    for name in ("a.txt", "a.onnx"):
        (tmp_path / name).write_text("text")
        with pytest.raises(CheckpointError, match="not a checkpoint or an ONNX model of detforge"):
            load(tmp_path / name)


def test_missing_onnxruntime_says_what_to_install(exported, monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *arguments, **options):
        if name == "onnxruntime":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(CheckpointError, match=r"pip install detforge\[onnx\]"):
        OnnxPredictor(exported.SerializeToString(), "a.onnx")
