"""The body of the task `export`: build, compare with the checkpoint, and only then write."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

from detforge.data.images import to_network_input
from detforge.data.sources import open_set
from detforge.errors import DatasetError, ExportError
from detforge.export.build import build_onnx
from detforge.export.compare import check_agreement, compare
from detforge.files import encrypt, load_checkpoint, remove_leftovers, write_atomically
from detforge.files.reading import ENGINES
from detforge.inference.predictors import CPU, KerasPredictor, OnnxPredictor
from detforge.requests import ExportReport
from detforge.roadmap import arrival
from detforge.weights import load_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from detforge.export.compare import Agreement
    from detforge.recipe import Recipe
    from detforge.requests import ComparedOn, ExportRequest

log = logging.getLogger(__name__)

_PLAIN_SUFFIX, _ENCRYPTED_SUFFIX = ".onnx", ".etlt"
_COMPARED_IMAGES = 8
_BATCH_SIZE = 4


def run_export(request: ExportRequest) -> ExportReport:
    """Write the checkpoint of a request as ONNX.

    Raises:
        CheckpointError: the checkpoint cannot be used, or the file cannot be written.
        ExportError: the file exists, the flavour is not there yet, or the exported model does
            not find what the checkpoint finds.
    """
    output, batch_size = _output(request), max(request.static_batch_size, 0) or None
    recipe = request.detector.recipe(request.spec)
    checkpoint = load_checkpoint(request.model, request.key)
    model = load_model(
        request.detector, request.spec, recipe, checkpoint, "infer", str(request.model)
    )
    exported = build_onnx(
        request.detector,
        request.spec,
        recipe,
        model,
        request.target,
        opset=request.target_opset,
        batch_size=batch_size,
    ).SerializeToString()
    images, compared_on = comparison_images(request, recipe)
    agreement = _agreement(KerasPredictor(model, recipe.classes.names), exported, images)
    check_agreement(agreement, recipe.input)
    if not agreement.matched:
        log.warning("nothing was found in the compared images, so that they prove little")
    write_model(output, exported, request.key)
    return ExportReport(
        model=output,
        target=request.target,
        max_box_difference=agreement.box,
        max_score_difference=agreement.score,
        compared_images=agreement.images,
        compared_on=compared_on,
        batch_size=batch_size,
        opset=request.target_opset,
    )


def _agreement(original: KerasPredictor, exported: bytes, images: np.ndarray) -> Agreement:
    """Return how close the exported model is on images (B, H, W, C)."""
    batches = [images[start : start + _BATCH_SIZE] for start in range(0, len(images), _BATCH_SIZE)]
    with _full_float32():
        return compare(original, OnnxPredictor(exported, providers=[CPU]), batches)


@contextmanager
def _full_float32() -> Iterator[None]:
    """Keep TensorFlow from rounding to 10 bits, which it does on GPUs and calls float32."""
    import tensorflow as tf

    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        config.enable_tensor_float_32_execution(before)


def comparison_images(request: ExportRequest, recipe: Recipe) -> tuple[np.ndarray, ComparedOn]:
    """Return network inputs to compare on, float32 (B, H, W, C), and what they are.

    The first validation images of the spec; where there are none on this machine, noise.
    """
    what: ComparedOn = "validation images"
    try:
        source = open_set(recipe, request.detector, "validation")
        rows = range(min(_COMPARED_IMAGES, len(source))) if source is not None else range(0)
        images = [source[row].image() for row in rows] if source is not None else []
    except DatasetError as err:
        log.info("the validation images cannot be used here (%s)", err)
        images = []
    if not images:
        what, images = "noise", _noise(recipe.seed)
    return np.stack([to_network_input(image, recipe.input) for image in images]), what


def _noise(seed: int) -> list[np.ndarray]:
    """Return images of coloured blotches of every size, uint8 (H, W, 3)."""
    generator = np.random.default_rng(seed)
    images = []
    for _ in range(_COMPARED_IMAGES):
        layers = [
            cv2.resize(generator.uniform(0, 255, (cells, cells, 3)).astype(np.float32), (256, 256))
            for cells in (2, 8, 32, 128)
        ]
        images.append(np.clip(np.mean(layers, axis=0) * 2 - 128, 0, 255).astype(np.uint8))
    return images


def _output(request: ExportRequest) -> Path:
    """Return the file to write; refuses before any work is done."""
    output = request.output or request.model.with_suffix(_PLAIN_SUFFIX)
    if not output.suffix:
        output = output.with_suffix(_PLAIN_SUFFIX)
    suffix = output.suffix.lower()
    if suffix in ENGINES:
        raise ExportError(
            f"{output} is a TensorRT engine by its name; building one {arrival('tensorrt')}. Until "
            "then export writes .onnx"
        )
    if suffix not in (_PLAIN_SUFFIX, _ENCRYPTED_SUFFIX):
        raise ExportError(
            f"{output}: export writes no {output.suffix}; call it {_PLAIN_SUFFIX}, or "
            f"{_ENCRYPTED_SUFFIX} to have it encrypted with the key"
        )
    if output.exists() and not request.force:
        raise ExportError(f"{output} exists; choose another name with -o, or replace it (--force)")
    if suffix == _ENCRYPTED_SUFFIX and not request.key:
        raise ExportError(
            f"{output} would be encrypted, and no key was given; pass -k KEY, or write .onnx"
        )
    return output


def write_model(output: Path, exported: bytes, key: str | None = None) -> None:
    """Write an exported model so that a crash leaves the previous file or this one.

    Args:
        output: where to; ``.etlt`` with a key is encrypted, everything else is plain.
        exported: the plain ONNX model.
        key: for ``.etlt``.

    Raises:
        CheckpointError: the file cannot be written.
    """
    if key and output.suffix.lower() == _ENCRYPTED_SUFFIX:
        log.warning(
            "%s is encrypted: detforge opens it with the key; DeepStream, trtexec and converters "
            "need the plain .onnx file",
            output,
        )
        exported = encrypt(exported, key)
    write_atomically(output, exported)
    remove_leftovers(output.parent)
