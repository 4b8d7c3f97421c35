"""Exported files of SSD: what they find, what they say, and that tasks take them."""

from __future__ import annotations

import keras
import onnx
import pytest

from detforge.files import Checkpoint, is_encrypted, read_unlocked, save_checkpoint
from detforge.plugins import load_detector
from detforge.requests import EvaluateRequest, ExportRequest
from detforge.spec import parse_spec
from detforge.weights import collect_weights
from tests.ssd.conftest import SPEC


@pytest.fixture(scope="module")
def ssd(tmp_path_factory, scenes):
    """The detector, a spec of a wide input and Cyrillic names, and an encrypted checkpoint."""
    text = SPEC.format(data=scenes, batch=4, epochs=1, rate=1e-2, interval=1)
    text = text.replace("output_width: 128", "output_width: 192")
    text = text.replace('value: "circle"', 'value: "круг"')
    detector = load_detector("ssd")
    spec = parse_spec(text, detector.spec_schema())
    recipe = detector.recipe(spec)
    keras.utils.set_random_seed(6)
    model = detector.build_model(spec, "infer", recipe)
    # Random layers in a row make huge numbers; without this every score would be 0 or 1.
    for layer in model.parts["detector"].layers:
        if layer.name.startswith(("ssd_conf", "ssd_loc")):
            layer.set_weights([1e-3 * weight for weight in layer.get_weights()])
    path = tmp_path_factory.mktemp("ssd") / "ssd.tlt"
    checkpoint = Checkpoint(
        detector="ssd",
        plugin_version=detector.version,
        class_names=recipe.classes.names,
        spec_text=text,
        epoch=1,
        step=1,
        weights=collect_weights(model),
    )
    save_checkpoint(path, checkpoint, "a key")
    return detector, spec, path


@pytest.fixture(scope="module")
def exported(ssd):
    """The report of an export for batches of five and the oldest operators, encrypted."""
    detector, spec, path = ssd
    request = ExportRequest(
        detector=detector,
        spec=spec,
        model=path,
        output=path.with_suffix(".etlt"),
        static_batch_size=5,
        target_opset=13,
        key="a key",
    )
    return detector.hook.export(request=request)


def test_export_is_compared_on_the_validation_images(exported):
    assert exported.compared_on == "validation images"
    assert exported.compared_images == 8
    assert exported.max_box_difference < 0.01
    assert exported.max_score_difference < 1e-4


def test_encrypted_static_export_scores_as_the_checkpoint(ssd, exported):
    detector, spec, path = ssd
    assert is_encrypted(exported.model.read_bytes())

    def score(model):
        request = EvaluateRequest(detector=detector, spec=spec, model=model, key="a key")
        return detector.hook.evaluate(request=request)

    wanted, found = score(path), score(exported.model)
    assert wanted.images == found.images == 12
    assert wanted.mean_ap > 0
    assert found.ap == pytest.approx(wanted.ap, abs=1e-3)


def test_oldest_operators_suffice_and_every_output_has_its_shape(exported):
    model = onnx.load_from_string(read_unlocked(exported.model, "a key"))
    onnx.checker.check_model(model, full_check=True)
    assert [(known.domain, known.version) for known in model.opset_import] == [("", 13)]
    lengths = {
        value.name: [length.dim_value for length in shape.dim]
        for value in (*model.graph.input, *model.graph.output)
        for shape in [value.type.tensor_type.shape]
    }
    assert lengths == {
        "images": [5, 3, 128, 192],
        "num_detections": [5, 1],
        "detection_boxes": [5, 50, 4],
        "detection_scores": [5, 50],
        "detection_classes": [5, 50],
    }
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert said["class_names"] == '["square", "triangle", "круг"]'
