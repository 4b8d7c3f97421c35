"""The same pixels enter the network in training, evaluation and inference.

What an export says of its input is in `test_dssd.py`.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from detforge.data.batches import TrainingBatches, evaluation_batches
from detforge.data.sources import open_training
from detforge.inference import run as inference_run
from detforge.model import Detections
from detforge.plugins import load_detector
from detforge.requests import InferRequest
from detforge.spec import load_spec

BGR = "".join(
    f'image_mean {{ key: "{key}" value: {value} }} '
    for key, value in (("r", 11.5), ("b", 33.25), ("g", 22.0))
)
FORMATS = {
    "colour": ("", (103.939, 116.779, 123.68)),
    "colour-mean": (BGR, (33.25, 22.0, 11.5)),
    "grey": ("output_channel: 1", (117.3786,)),
    "grey-mean": ('output_channel: 1 image_mean { key: "l" value: 44.5 }', (44.5,)),
}


class Watching:
    """A predictor that finds nothing and keeps what it was shown."""

    class_names = ("circle", "square", "triangle")

    def __init__(self):
        self.seen = []

    def predict(self, images):
        self.seen += list(images)
        n = len(images)
        return Detections(
            boxes=np.zeros((n, 1, 4), np.float32),
            scores=np.zeros((n, 1), np.float32),
            labels=np.zeros((n, 1), np.int32),
            count=np.zeros(n, np.int32),
        )


def documented(path, mean):
    """Return the network input as the documents describe it: stretched, BGR or grey, less mean."""
    bgr = cv2.imread(str(path))
    assert bgr.shape[:2] == (128, 128)  # drawn at the size of the network: nothing to stretch
    bgr = bgr.astype(np.float64)
    if len(mean) == 1:
        return ((bgr - mean) @ [0.1140, 0.5870, 0.2990])[..., None]
    return bgr - mean


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    from detforge.data.scenes import draw_scenes

    folder = tmp_path_factory.mktemp("small")
    draw_scenes(folder, images=4, seed=8, size=(128, 128))
    return folder


@pytest.mark.parametrize(("fields", "mean"), FORMATS.values(), ids=FORMATS)
def test_every_task_shows_the_network_the_same_pixels(
    spec_file, images, tmp_path, monkeypatch, fields, mean
):
    path = spec_file(data=images)
    path.write_text(path.read_text().replace("output_height: 128", f"output_height: 128 {fields}"))
    detector = load_detector("ssd")
    spec = load_spec(path, detector.spec_schema())
    recipe = detector.recipe(spec)
    paths = sorted((images / "images").iterdir())
    wanted = np.stack([documented(one, mean) for one in paths])
    source = open_training(recipe, detector)

    batch = TrainingBatches(source, recipe, seed=0).batch(0)
    assert recipe.augmentation == ()
    trained = batch["images"][np.argsort(batch["row"])]
    evaluated = np.concatenate([b.images for b in evaluation_batches(source, recipe)])[:4]

    watching = Watching()
    monkeypatch.setattr(inference_run, "load_predictor", lambda *_, **__: watching)
    request = InferRequest(
        detector=detector,
        spec=spec,
        model=tmp_path / "any",
        images=images / "images",
        annotated_dir=tmp_path / "drawn",
    )
    inference_run.run_inference(request)

    for found in (trained, evaluated, np.stack(watching.seen)):
        np.testing.assert_allclose(found, wanted, atol=1e-3)
        np.testing.assert_array_equal(found, trained)
