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

from detforge.errors import CheckpointError, ExportError
from detforge.export.build import build_onnx
from detforge.export.run import run_export
from detforge.files import is_encrypted, save_checkpoint
from detforge.inference.predictors import KerasPredictor, OnnxPredictor
from detforge.recipe import DataSource
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


def test_equal_checkpoints_give_equal_files(request_of, tmp_path):
    first = export(request_of(output=tmp_path / "a.onnx")).model.read_bytes()
    assert export(request_of(output=tmp_path / "b.onnx")).model.read_bytes() == first


def test_existing_file_is_kept_unless_forced(request_of, tmp_path):
    (tmp_path / "tiny.onnx").write_text("precious")
    with pytest.raises(ExportError, match=r"tiny\.onnx exists"):
        export(request_of())
    assert (tmp_path / "tiny.onnx").read_text() == "precious"
    assert export(request_of(force=True)).model.stat().st_size > 1000


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
def test_validation_images_are_compared_where_they_exist(request_of, tmp_path, caplog, is_fold):
    records = _write_records(tmp_path, 0, 2)
    if is_fold:
        _write_records(tmp_path, 1, 5)
        data = {"training": (records,), "validation_fold": 0}
    else:
        data = {"validation": (records,)}
    recipe = replace(make_recipe(), data=replace(make_recipe().data, **data))
    with caplog.at_level(logging.INFO, logger="detforge"):
        report = run_export(request_of(detector=make_detector(recipe)))
    assert report.compared_images == 2
    assert "2 validation images" in caplog.text


def test_noise_is_compared_where_validation_images_are_absent(request_of, tmp_path, caplog):
    absent = DataSource(images=str(tmp_path / "no"), labels=str(tmp_path / "no"))
    recipe = replace(make_recipe(), data=replace(make_recipe().data, validation=(absent,)))
    with caplog.at_level(logging.INFO, logger="detforge"):
        report = run_export(request_of(detector=make_detector(recipe)))
    assert report.compared_images == 8
    assert "images of noise" in caplog.text
