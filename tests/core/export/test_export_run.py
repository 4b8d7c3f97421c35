"""The task export from a checkpoint to a file, with the tiny detector."""

import json
import logging
import re
from dataclasses import replace

import keras
import numpy as np
import onnx
import pytest
from tests.core.data.data_builders import make_sample
from tests.core.data.record_builders import od_api_example, write_shard
from tests.tiny_detector import (
    NAMES,
    TinyModel,
    TinyPluginWithoutExport,
    make_checkpoint,
    make_detector,
    make_images,
    make_recipe,
    make_spec,
)

from detforge.deployment import NEWEST_OPSET, OLDEST_OPSET, OPSET
from detforge.errors import CheckpointError, ExportError
from detforge.export.build import build_onnx
from detforge.export.run import run_export
from detforge.files import is_encrypted, save_checkpoint
from detforge.inference.predictors import KerasPredictor, OnnxPredictor, load_predictor
from detforge.recipe import DataSource, InputFormat
from detforge.requests import ExportRequest
from detforge.roadmap import arrival
from detforge.tasks.export import export


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    return TinyModel(make_recipe())


@pytest.fixture
def request_of(tmp_path, model):
    save_checkpoint(tmp_path / "tiny.detforge", make_checkpoint(model))

    def make(**changes):
        given = {
            "detector": make_detector(),
            "spec": make_spec(),
            "model": tmp_path / "tiny.detforge",
        }
        return ExportRequest(**{**given, **changes})

    return make


def test_exported_model_finds_what_the_checkpoint_finds(model):
    recipe = make_recipe()
    proto = build_onnx(make_detector(), make_spec(), recipe, model)
    exported = OnnxPredictor(proto.SerializeToString())
    original = KerasPredictor(model, NAMES)
    for batch in (1, 3):
        images = make_images(batch, seed=batch)
        found, wanted = exported.predict(images), original.predict(images)
        assert wanted.count.min() > 0
        np.testing.assert_array_equal(found.count, wanted.count)
        np.testing.assert_array_equal(found.labels, wanted.labels)
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-3)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)


def test_comparison_rounds_nothing_to_shorter_floats(request_of, monkeypatch):
    import tensorflow as tf

    enabled = tf.config.experimental.tensor_float_32_execution_enabled
    during = []

    class Watched(TinyModel):
        def detect(self, images):
            during.append(enabled())
            return super().detect(images)

    monkeypatch.setattr("tests.tiny_detector.TinyModel", Watched)
    assert enabled()
    export(request_of())
    assert set(during) == {False}
    assert enabled()


def test_export_writes_beside_the_checkpoint_and_reports_the_comparison(request_of, tmp_path):
    report = export(request_of())
    assert report.model == tmp_path / "tiny.onnx"
    assert report.target == "onnx"
    assert report.compared_images == 8
    assert report.max_box_difference < 1e-3
    assert report.max_score_difference < 1e-5
    onnx.checker.check_model(str(report.model), full_check=True)


def test_exported_file_says_what_it_is(request_of, tmp_path):
    model = onnx.load(export(request_of()).model)
    found = {prop.key: prop.value for prop in model.metadata_props}
    assert found["detector"] == "tiny"
    assert found["plugin_version"] == "1.2.3"
    assert json.loads(found["class_names"]) == list(NAMES)
    form = json.loads(found["input"])
    assert (form["height"], form["width"], form["color_order"]) == (32, 48, "bgr")
    assert (form["mean"], form["layout"]) == ([103.9, 116.8, 123.7], "NCHW")
    assert len(found["spec_sha256"]) == 64
    assert {node.domain for node in model.graph.node} == {""}
    external = onnx.TensorProto.EXTERNAL
    assert not any(tensor.data_location == external for tensor in model.graph.initializer)


def test_equal_checkpoints_give_equal_files(request_of, tmp_path):
    first = export(request_of(output=tmp_path / "a.onnx")).model.read_bytes()
    assert export(request_of(output=tmp_path / "b.onnx")).model.read_bytes() == first


def test_existing_file_is_kept_unless_forced(request_of, tmp_path):
    (tmp_path / "tiny.onnx").write_text("precious")
    with pytest.raises(ExportError, match=r"tiny\.onnx exists"):
        export(request_of())
    assert (tmp_path / "tiny.onnx").read_text() == "precious"
    assert export(request_of(force=True)).model.stat().st_size > 1000


def test_name_without_an_ending_gets_one(request_of, tmp_path):
    assert export(request_of(output=tmp_path / "tiny")).model == tmp_path / "tiny.onnx"


@pytest.mark.parametrize("name", ["tiny.detforge", "tiny.tlt", "tiny.uff"])
def test_name_of_another_kind_of_file_is_refused_even_when_forced(request_of, tmp_path, name):
    with pytest.raises(ExportError, match=r"export writes no \..*call it \.onnx, or \.etlt"):
        export(request_of(output=tmp_path / name, key="secret", force=True))
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.detforge"]


@pytest.mark.parametrize("name", ["tiny.engine", "tiny.TRT", "tiny.plan"])
def test_name_of_an_engine_is_refused_and_names_its_release(request_of, tmp_path, name):
    with pytest.raises(ExportError, match=f"{name} is a TensorRT engine by its name; building one"):
        export(request_of(output=tmp_path / name))
    assert not (tmp_path / name).exists()


def test_tensorrt_flavour_names_its_release(request_of, tmp_path):
    with pytest.raises(ExportError, match=re.escape(arrival("tensorrt"))):
        export(request_of(target="tensorrt-plugins"))
    assert not (tmp_path / "tiny.onnx").exists()


def test_etlt_with_a_key_is_encrypted_with_a_remark(request_of, tmp_path, caplog):
    output = tmp_path / "tiny.etlt"
    with caplog.at_level(logging.WARNING, logger="detforge"):
        export(request_of(output=output, key="secret"))
    assert is_encrypted(output.read_bytes())
    assert "need the plain .onnx file" in caplog.text
    assert "secret" not in caplog.text


def test_etlt_finds_what_the_plain_file_finds(request_of, tmp_path):
    plain = export(request_of()).model
    locked = export(request_of(output=tmp_path / "tiny.etlt", key="secret")).model
    arguments = make_detector(), make_spec(), make_recipe()
    one = load_predictor(*arguments, plain).predict(make_images(3))
    other = load_predictor(*arguments, locked, "secret").predict(make_images(3))
    assert one.count.min() > 0
    for found, wanted in zip(other[:4], one[:4], strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_etlt_without_a_key_is_refused_before_any_work(request_of, tmp_path):
    with pytest.raises(ExportError, match="no key was given"):
        export(request_of(output=tmp_path / "tiny.etlt", model=tmp_path / "absent"))


def test_onnx_stays_plain_when_the_key_only_opens_the_checkpoint(request_of, tmp_path, model):
    save_checkpoint(tmp_path / "tiny.tlt", make_checkpoint(model), "secret")
    report = export(request_of(model=tmp_path / "tiny.tlt", key="secret"))
    assert not is_encrypted(report.model.read_bytes())


def test_graph_that_finds_something_else_is_not_written(request_of, tmp_path):
    wrong = make_detector(iou_threshold=0.95)
    with pytest.raises(ExportError, match="does not agree with the checkpoint"):
        export(request_of(detector=wrong))
    assert not (tmp_path / "tiny.onnx").exists()


def _lengths(value):
    return [length.dim_param or length.dim_value for length in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize("size", [-1, 0])
def test_batch_is_free_unless_asked_for(request_of, size):
    report = export(request_of(static_batch_size=size))
    assert report.batch_size is None
    graph = onnx.load(report.model).graph
    assert [_lengths(value)[0] for value in (*graph.input, *graph.output)] == ["batch"] * 5


def test_static_batch_is_declared_and_any_number_of_images_is_predicted(request_of, model):
    report = export(request_of(static_batch_size=3))
    assert report.batch_size == 3
    assert report.compared_images == 8  # as 3 + 1 and 3 + 1
    graph = onnx.load(report.model).graph
    assert [_lengths(value) for value in graph.input] == [[3, 3, 32, 48]]
    assert [_lengths(value) for value in graph.output] == [[3, 1], [3, 20, 4], [3, 20], [3, 20]]
    predictor, original = OnnxPredictor(report.model.read_bytes()), KerasPredictor(model, NAMES)
    for count in (1, 3, 4, 7):
        images = make_images(count, seed=count)
        found, wanted = predictor.predict(images), original.predict(images)
        assert wanted.count.min() > 0
        np.testing.assert_array_equal(found.count, wanted.count)
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-3)


OPSETS = [
    OLDEST_OPSET,
    *(pytest.param(opset, marks=pytest.mark.slow) for opset in range(OLDEST_OPSET + 1, OPSET)),
    NEWEST_OPSET,
]


@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset_that_can_be_asked_for_agrees_with_the_checkpoint(request_of, opset):
    report = export(request_of(target_opset=opset))
    assert report.opset == opset
    model = onnx.load(report.model)
    assert [(known.domain, known.version) for known in model.opset_import] == [("", opset)]
    assert report.max_box_difference < 1e-3


def test_grey_input_and_wide_class_names_are_exported(tmp_path):
    form = InputFormat(height=24, width=64, color_order="grey", mean=(117.4,), scale=(0.02,))
    names = ("自転車", "Fußgänger", "car")
    recipe = make_recipe(form=form, names=names)
    keras.utils.set_random_seed(5)
    checkpoint = make_checkpoint(TinyModel(recipe), class_names=names)
    save_checkpoint(tmp_path / "grey.detforge", checkpoint)
    request = ExportRequest(
        detector=make_detector(recipe), spec=make_spec(), model=tmp_path / "grey.detforge"
    )
    report = export(request)
    assert report.max_box_difference < 1e-3
    predictor = OnnxPredictor(report.model.read_bytes())
    assert predictor.class_names == names
    assert predictor.info.input == form
    assert predictor.predict(make_images(2, form=form)).count.min() > 0


def test_detector_without_glue_is_told(request_of):
    with pytest.raises(ExportError, match="declared no outputs"):
        export(request_of(detector=make_detector(plugin=TinyPluginWithoutExport)))


def test_checkpoint_of_another_detector_is_refused(request_of):
    with pytest.raises(CheckpointError, match="a model of tiny, not of giant"):
        export(request_of(detector=make_detector(name="giant")))


def _write_records(folder, fold, images):
    samples = (make_sample([[1, 1, 9, 9]], ["disc"]) for _ in range(images))
    name = f"set-fold-{fold:03}-of-002-shard-00000-of-00001"
    write_shard(folder / name, [od_api_example(sample, {"disc": 1}) for sample in samples])
    return DataSource(records=str(folder / "set*"))


@pytest.mark.parametrize("is_fold", [False, True], ids=["a set of their own", "a fold"])
def test_validation_images_are_compared_where_they_exist(request_of, tmp_path, is_fold):
    records = _write_records(tmp_path, 0, 2)
    if is_fold:
        _write_records(tmp_path, 1, 5)
        data = {"training": (records,), "validation_fold": 0}
    else:
        data = {"validation": (records,)}
    recipe = replace(make_recipe(), data=replace(make_recipe().data, **data))
    report = run_export(request_of(detector=make_detector(recipe)))
    assert (report.compared_images, report.compared_on) == (2, "validation images")


def test_noise_is_compared_where_validation_images_are_absent(request_of, tmp_path, caplog):
    absent = DataSource(images=str(tmp_path / "no"), labels=str(tmp_path / "no"))
    recipe = replace(make_recipe(), data=replace(make_recipe().data, validation=(absent,)))
    with caplog.at_level(logging.INFO, logger="detforge"):
        report = run_export(request_of(detector=make_detector(recipe)))
    assert (report.compared_images, report.compared_on) == (8, "noise")
    assert "the validation images cannot be used here" in caplog.text
