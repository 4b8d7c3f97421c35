"""Finding objects: ONNX Runtime against Keras, and a whole folder against the bare calls."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.pairs import Pair, Side, compare
from benchmarks.ssd import SPEC

IMAGES = 256  # so that loading the model, a sixth of a second, does not count
BATCH = 8


def run(turns: int) -> list[Pair]:
    """Return the comparisons; all sides run SSD-ResNet18 at 300 x 300 briefly trained."""
    from detforge.data.scenes import draw_scenes

    with tempfile.TemporaryDirectory() as folder:
        draw_scenes(Path(folder), images=IMAGES, seed=1, size=(640, 480))
        Side(train_and_export, folder).close()
        runtime, keras = Side(runtime_step, folder), Side(keras_step, folder)
        what = f"ONNX Runtime over Keras, network to final boxes, batch {BATCH}"
        pairs = [compare(what, runtime, keras, turns=turns, calls=8, units=BATCH, aim="1.25")]
        keras.close()
        runtime.close()
        whole, bare = Side(whole_folder, folder), Side(decode_and_run, folder)
        what = f"`inference` on {IMAGES} images over decoding and bare ONNX Runtime calls"
        pairs.append(compare(what, whole, bare, turns=turns, calls=1, units=IMAGES, aim="0.85"))
        whole.close()
        bare.close()
    return pairs


def _detector_and_spec(folder: str, *changes: str):
    from detforge.plugins import load_detector
    from detforge.spec import parse_spec

    detector = load_detector("ssd")
    text = SPEC.replace("FOLDER", folder)
    return detector, parse_spec(text, detector.spec_schema(), changes=changes)


def train_and_export(folder: str):
    """Train some hundred steps, so that few anchors look like objects; export; nothing to call."""
    from detforge.requests import ExportRequest, TrainRequest

    detector, spec = _detector_and_spec(folder, "training_config.num_epochs=3")
    trained = detector.hook.train(
        request=TrainRequest(detector=detector, spec=spec, results_dir=Path(folder) / "results")
    )
    trained.checkpoint.rename(_checkpoint(folder))
    detector.hook.export(
        request=ExportRequest(
            detector=detector, spec=spec, model=_checkpoint(folder), output=_onnx(folder)
        )
    )
    return lambda: None


def _checkpoint(folder: str) -> Path:
    return Path(folder) / "model.detforge"


def _onnx(folder: str) -> Path:
    return Path(folder) / "model.onnx"


def _step(folder: str, model: Path):
    import numpy as np

    from detforge.data.images import read_image, to_network_input
    from detforge.inference.predictors import load_predictor

    detector, spec = _detector_and_spec(folder)
    recipe = detector.recipe(spec)
    predictor = load_predictor(detector, spec, recipe, model)
    paths = sorted((Path(folder) / "images").iterdir())[:BATCH]
    batch = np.stack([to_network_input(read_image(path), recipe.input) for path in paths])
    return lambda: predictor.predict(batch)


def runtime_step(folder: str):
    """Return a call that runs the exported model on one constant batch."""
    return _step(folder, _onnx(folder))


def keras_step(folder: str):
    """Return a call that runs the checkpoint on one constant batch."""
    return _step(folder, _checkpoint(folder))


def whole_folder(folder: str):
    """Return a call of the task: read, resize, predict, draw, write drawings and labels."""
    from detforge.inference.run import run_inference
    from detforge.requests import InferRequest

    detector, spec = _detector_and_spec(folder)
    root = Path(folder)
    request = InferRequest(
        detector=detector,
        spec=spec,
        model=_onnx(folder),
        images=root / "images",
        annotated_dir=root / "annotated",
        labels_dir=root / "found",
    )
    return lambda: run_inference(request)


def decode_and_run(folder: str):
    """Return a call that decodes every image and runs a session on as many ready batches."""
    import cv2
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(_onnx(folder)), options, providers=["CPUExecutionProvider"]
    )
    paths = sorted((Path(folder) / "images").iterdir())
    ready = np.random.default_rng(0).normal(size=(BATCH, 3, 300, 300)).astype(np.float32)

    def call() -> None:
        for path in paths:
            cv2.imread(str(path))
        for _ in range(0, len(paths), BATCH):
            session.run(None, {"images": ready})

    return call
