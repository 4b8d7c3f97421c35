"""Training without augmentation, evaluation, inference and export look at the same pixels."""

from dataclasses import replace

import numpy as np
import pytest
from tests.tiny_detector import NAMES, make_detector, make_recipe, make_spec

from detforge.data.batches import TrainingBatches, evaluation_batches
from detforge.data.sources import open_training
from detforge.export.run import comparison_images
from detforge.inference import run as inference_run
from detforge.model import Detections
from detforge.recipe import Classes, DataSource, InputFormat
from detforge.requests import ExportRequest, InferRequest

COLOUR = {"color_order": "bgr", "mean": (103.9, 116.8, 123.7), "scale": (0.02, 0.03, 0.04)}
FORMATS = {
    "stretched": InputFormat(height=64, width=112, **COLOUR),
    "grey": InputFormat(height=64, width=112, color_order="grey", mean=(117.4,), scale=(1.0,)),
    "fitted": InputFormat(height=96, width=64, resize="fit", **COLOUR),
    "padded": InputFormat(height=200, width=100, resize="pad", **COLOUR),
    "of a window": InputFormat(height=48, width=48, window=(10, 20, 90, 150), **COLOUR),
}


class Watching:
    """A predictor that finds nothing and keeps what it is shown."""

    class_names = NAMES

    def __init__(self):
        self.seen = []

    def predict(self, images):
        self.seen.append(images)
        none = np.zeros((len(images), 1), np.float32)
        return Detections(none[..., None].repeat(4, 2), none, none.astype(int), none[:, 0])


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_network_input_of_an_image_is_the_same_in_every_task(tmp_path, scenes, monkeypatch, form):
    source = DataSource(images=str(scenes / "images"), labels=str(scenes / "labels"))
    base = make_recipe(form=form, validation=(source,), batch_size=5)
    names = ("circle", "square", "triangle")
    recipe = replace(
        base,
        classes=Classes(names=names, mapping={name: name for name in names}),
        data=replace(base.data, training=(source,), batch_size=6),
    )
    detector = make_detector(recipe)

    data = open_training(recipe, detector)
    batches = [TrainingBatches(data, recipe, seed=0).batch(step) for step in (0, 1)]
    rows = np.concatenate([batch["row"] for batch in batches])
    trained = np.concatenate([batch["images"] for batch in batches])[np.argsort(rows)]
    evaluated = np.concatenate([batch.images for batch in evaluation_batches(data, recipe)])

    watching = Watching()
    monkeypatch.setattr(inference_run, "load_predictor", lambda *_: watching)
    inference_run.run_inference(
        InferRequest(
            detector=detector,
            spec=make_spec(),
            model=tmp_path / "any",
            images=scenes / "images",
            labels_dir=tmp_path / "labels",
        )
    )
    export = ExportRequest(detector=detector, spec=make_spec(), model=tmp_path / "any")
    compared, _ = comparison_images(export, recipe)

    assert trained.std() > 0.1
    assert [len(batch) for batch in watching.seen] == [5, 5, 2]
    for seen in (evaluated[:12], np.concatenate(watching.seen)):
        np.testing.assert_array_equal(seen, trained)
    np.testing.assert_array_equal(compared, trained[: len(compared)])
