"""Predictors: a network input goes in, detections come out, whatever runs the model.

Shape legend: B images, H x W network input, C channels.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from detforge.errors import CheckpointError
from detforge.files import is_checkpoint, read_unlocked, unpack_checkpoint
from detforge.files.metadata import ModelInfo, from_metadata, spec_hash
from detforge.files.reading import explain_foreign, looks_like_onnx
from detforge.model import Detections
from detforge.weights import check_origin, load_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from detforge.model import DetectionModel, Mode
    from detforge.plugins import Detector
    from detforge.recipe import InputFormat, Recipe
    from detforge.spec import Spec

log = logging.getLogger(__name__)

CPU = "CPUExecutionProvider"
_PREFERRED_PROVIDERS = ("CUDAExecutionProvider", CPU)
# A tensor kept in another file names it under this key (onnx.proto, StringStringEntryProto).
_EXTERNAL_DATA = b"\n\x08location"


class Predictor(Protocol):
    """Anything that finds objects.

    Attributes:
        class_names: in label order.
    """

    class_names: tuple[str, ...]

    def predict(self, images: np.ndarray) -> Detections:
        """Return what is found.

        Args:
            images: float32 (B, H, W, C), preprocessed as the recipe's input says; any B.

        Returns:
            Detections of NumPy arrays, network-input pixels.
        """
        ...


class KerasPredictor:
    """Runs a `DetectionModel` compiled on whatever backend Keras has."""

    def __init__(self, model: DetectionModel, class_names: tuple[str, ...]) -> None:
        """Wrap a model.

        Args:
            model: built for "infer" or "evaluate".
            class_names: in label order.
        """
        self.class_names = class_names
        self._step = _compiled_step(model)
        self._batch_size = 0

    def predict(self, images: np.ndarray) -> Detections:
        """See `Predictor.predict`."""
        count = len(images)
        # A new batch size compiles anew, so that a last, smaller batch is filled up instead.
        self._batch_size = max(self._batch_size, count)
        filling = [(0, self._batch_size - count)] + [(0, 0)] * (images.ndim - 1)
        found = self._step.predict_on_batch(np.pad(images, filling))
        return Detections(**{name: np.asarray(value)[:count] for name, value in found.items()})


class OnnxPredictor:
    """Runs an exported model with ONNX Runtime; needs neither Keras nor TensorFlow.

    Attributes:
        info: what the model says about itself.
    """

    def __init__(
        self,
        model: bytes,
        file: str = "the model",
        *,
        providers: Sequence[str] = _PREFERRED_PROVIDERS,
    ) -> None:
        """Open a model.

        Args:
            model: a plain ONNX model, exported by detforge.
            file: its name, for messages.
            providers: of ONNX Runtime, best first; those that are not installed are left out.

        Raises:
            CheckpointError: ONNX Runtime is not installed, or cannot open the model.
        """
        self._session = _open_session(model, file, providers)
        properties = self._session.get_modelmeta().custom_metadata_map
        self.info: ModelInfo = from_metadata(properties, file)
        self.class_names = self.info.class_names
        if self.info.target != "onnx":
            raise CheckpointError(
                f"{file} was exported for {self.info.target}, which ONNX Runtime cannot run; "
                "export it with --target onnx"
            )
        images = self._session.get_inputs()[0]
        self._input = images.name
        # A word or None stands for any batch size.
        self._batch_size = images.shape[0] if isinstance(images.shape[0], int) else 0
        self._outputs = [output.name for output in self._session.get_outputs()]

    def predict(self, images: np.ndarray) -> Detections:
        """See `Predictor.predict`."""
        channels_first = np.ascontiguousarray(np.moveaxis(images, -1, 1), dtype=np.float32)
        found = dict(zip(self._outputs, self._run(channels_first), strict=True))
        return Detections(
            boxes=found["detection_boxes"],
            scores=found["detection_scores"],
            labels=found["detection_classes"],
            count=found["num_detections"][:, 0],
            masks=found.get("detection_masks"),
        )

    def _run(self, images: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for images (B, C, H, W), in batches of the size that the model takes.

        A last batch that is smaller is filled up with zeros.
        """
        count, size = len(images), self._batch_size or len(images)
        if count % size:
            images = np.pad(images, [(0, -count % size), (0, 0), (0, 0), (0, 0)])
        batches = [
            self._session.run(self._outputs, {self._input: images[start : start + size]})
            for start in range(0, len(images), size)
        ]
        return [np.concatenate(values)[:count] for values in zip(*batches, strict=True)]


def load_predictor(
    detector: Detector,
    spec: Spec,
    recipe: Recipe,
    model: Path,
    key: str | None = None,
    *,
    mode: Mode = "infer",
) -> Predictor:
    """Return a predictor for a checkpoint or an exported model; the content decides which.

    Args:
        detector: rebuilds the model of a checkpoint.
        spec: the spec of this run.
        recipe: the same in neutral terms.
        model: the file, plain or encrypted.
        key: opens an encrypted file.
        mode: what to build the model of a checkpoint for; see `detforge.hookspecs.build_model`.
            An exported model is what it was exported as.

    Raises:
        CheckpointError: the file cannot be used, or is of another detector, other classes or
            another network input.
    """
    file = str(model)
    data = read_unlocked(model, key)
    if is_checkpoint(data):
        checkpoint = unpack_checkpoint(data, file)
        built = load_model(detector, spec, recipe, checkpoint, mode, file)
        return KerasPredictor(built, recipe.classes.names)
    if not looks_like_onnx(data):
        raise CheckpointError(explain_foreign(data, file, "a checkpoint or an ONNX model"))
    predictor = OnnxPredictor(data, file)
    info = predictor.info
    check_origin(detector.name, recipe.classes.names, info.detector, info.class_names, file)
    _check_input(info.input, recipe.input, file)
    if info.spec_sha256 != spec_hash(spec.text):
        log.info("%s was exported with another spec; the thresholds in it are those of then", file)
    return predictor


def _check_input(found: InputFormat, wanted: InputFormat, file: str) -> None:
    # Written as text and read back, a float keeps its value, so that equality is meant.
    if found != wanted:
        raise CheckpointError(
            f"{file} was exported for another network input ({_words(found)}) than the spec's "
            f"({_words(wanted)}); use the spec it was exported with, or export again"
        )


def _words(form: InputFormat) -> str:
    mean = ", ".join(f"{value:g}" for value in form.mean)
    scale = ", ".join(f"{value:g}" for value in form.scale)
    words = f"{form.width} x {form.height} {form.color_order}, mean {mean}, scale {scale}"
    words += f", resized to {form.resize}" if form.resize != "stretch" else ""
    return words + (f", window {form.window}" if form.window else "")


def _compiled_step(model: DetectionModel) -> Any:
    """Return a Keras model whose `predict_on_batch` runs `model.detect`."""
    import keras

    class Step(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="detect")
            self.parts = dict(model.parts)  # so that Keras sees the weights

        def call(self, images: Any) -> dict[str, Any]:
            found = model.detect(images)._asdict()
            return {name: value for name, value in found.items() if value is not None}

    step = Step()
    # With TensorFlow, XLA takes longer to compile and, on a CPU, to run; JAX has nothing else.
    use_xla = keras.backend.backend() == "jax"
    step.compile(jit_compile=use_xla)  # pyright: ignore[reportArgumentType]
    return step


def _open_session(model: bytes, file: str, providers: Sequence[str]) -> Any:
    try:
        import onnxruntime
    except ImportError as err:
        raise CheckpointError(
            f"{file} is an ONNX model and onnxruntime is not installed; install it with "
            "'pip install detforge[onnx]'"
        ) from err
    if _EXTERNAL_DATA in model:
        raise CheckpointError(
            f"{file} keeps its weights in another file; detforge opens models in one file only"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that wait would take the cores from those that read, draw and write images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    usable = [name for name in providers if name in available]
    try:
        return onnxruntime.InferenceSession(model, options, providers=usable)
    except Exception as err:
        # ONNX Runtime has a dozen exception types and no common base.
        raise CheckpointError(
            f"{file} cannot be opened by ONNX Runtime {onnxruntime.__version__} ({err}); it may be "
            "cut short or damaged: export it again"
        ) from err
