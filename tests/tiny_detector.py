"""A detector of two convolutions, registered as any other, for tests of what the core does.

One anchor in each cell of a grid, no background channel. It finds whatever its random weights
find; that is enough to compare two ways of running it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pluggy

from detforge import hookimpl, hookspecs
from detforge.files import Checkpoint
from detforge.model import DetectionModel, Detections
from detforge.plugins import Detector
from detforge.protos import experiment_pb2
from detforge.recipe import (
    Checkpoints,
    Classes,
    Data,
    DataSource,
    Inference,
    InputFormat,
    Recipe,
    SoftStartAnnealing,
)
from detforge.spec import Spec, parse_spec
from detforge.weights import collect_weights

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("car", "traffic light", "Fußgänger")
FORM = InputFormat(
    height=32, width=48, color_order="bgr", mean=(103.9, 116.8, 123.7), scale=(0.02, 0.02, 0.02)
)
STRIDE = 4
SCORE_THRESHOLD, IOU_THRESHOLD, LIMIT, CANDIDATES = 0.5, 0.3, 20, 40
VARIANCES = (0.1, 0.1, 0.2, 0.2)
SPEC_TEXT = "batch_size: 4\n"


def make_recipe(
    *,
    names: tuple[str, ...] = NAMES,
    form: InputFormat = FORM,
    validation: tuple[DataSource, ...] = (),
    batch_size: int = 4,
) -> Recipe:
    """Return a recipe of the tiny detector."""
    schedule = SoftStartAnnealing(
        min_learning_rate=0.01, max_learning_rate=0.1, soft_start=0.1, annealing=0.5
    )
    return Recipe(
        classes=Classes(names=names, mapping={name.lower(): name for name in names}),
        input=form,
        data=Data(training=(), validation=validation, workers=2),
        checkpoints=Checkpoints(name="tiny"),
        schedule=schedule,
        epochs=1,
        inference=Inference(batch_size=batch_size),
    )


def grid_anchors(form: InputFormat = FORM) -> np.ndarray:
    """Return float32 (A, 4), xyxy: a square of 12 pixels in each cell."""
    rows, columns = np.mgrid[: form.height // STRIDE, : form.width // STRIDE]
    centres = np.stack([columns, rows], axis=-1).reshape(-1, 2) * STRIDE + STRIDE / 2
    return np.concatenate([centres - 6, centres + 6], axis=1).astype(np.float32)


class TinyModel(DetectionModel):
    """Two convolutions and NMS."""

    def __init__(self, recipe: Recipe) -> None:
        import keras
        from keras import layers

        form, classes = recipe.input, len(recipe.classes.names)
        images = keras.Input((form.height, form.width, form.channels), name="images")
        x = layers.Conv2D(8, 4, strides=4, activation="relu", name="stem")(images)
        outputs = []
        for name, width in (("scores", classes), ("deltas", 4)):
            # Spread out, so that no two scores tie.
            spread = keras.initializers.RandomNormal(stddev=0.5, seed=width)
            y = layers.Conv2D(width, 3, padding="same", kernel_initializer=spread, name=name)(x)
            outputs.append(layers.Reshape((-1, width), name=f"{name}_rows")(y))
        self.anchors = grid_anchors(form)
        self.parts = {"network": keras.Model(images, outputs, name="network")}

    def losses(self, batch: Any, *, training: bool) -> dict[str, Any]:
        """Not trained in any test."""
        raise NotImplementedError

    def detect(self, images: Any) -> Detections:
        """Return the best boxes."""
        from keras import ops

        from detforge.boxes.coding import decode_boxes
        from detforge.boxes.nms import multiclass_nms

        logits, deltas = self.parts["network"](images, training=False)
        return multiclass_nms(
            decode_boxes(deltas, self.anchors, VARIANCES),
            ops.sigmoid(logits),
            score_threshold=SCORE_THRESHOLD,
            iou_threshold=IOU_THRESHOLD,
            max_per_class=LIMIT,
            max_total=LIMIT,
            candidates=CANDIDATES,
        )


class TinyPluginWithoutExport:
    """The hooks of the tiny detector that every task but export needs."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    @hookimpl
    def spec_schema(self) -> type[experiment_pb2.EvalConfig]:
        return experiment_pb2.EvalConfig

    @hookimpl
    def recipe(self, spec: Any) -> Recipe:
        return self._recipe

    @hookimpl
    def build_model(self, spec: Any, mode: str) -> TinyModel:
        return TinyModel(self._recipe)


class TinyPlugin(TinyPluginWithoutExport):
    """All hooks of the tiny detector; options of NMS that only the exported graph gets."""

    def __init__(self, recipe: Recipe, **glue: Any) -> None:
        super().__init__(recipe)
        self._glue = glue

    @hookimpl
    def export_glue(self, model: TinyModel, graph: Any) -> None:
        from detforge.export.boxes import decode_boxes
        from detforge.export.nms import multiclass_nms

        logits, deltas = graph.part("network", graph.images)
        options = {"score_threshold": SCORE_THRESHOLD, "iou_threshold": IOU_THRESHOLD}
        found = multiclass_nms(
            graph,
            decode_boxes(graph, deltas, model.anchors, VARIANCES),
            graph.node("Sigmoid", [logits]),
            max_per_class=LIMIT,
            max_total=LIMIT,
            candidates=CANDIDATES,
            **{**options, **self._glue},
        )
        graph.detections(*found)


def make_detector(
    recipe: Recipe | None = None, name: str = "tiny", plugin: Any = TinyPlugin, **glue: Any
) -> Detector:
    """Return the tiny detector.

    Args:
        recipe: what its `recipe` hook answers.
        name: its name.
        plugin: class of its hooks.
        glue: options of NMS that only the exported graph gets, for graphs that are wrong.
    """
    manager = pluggy.PluginManager("detforge")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin(recipe or make_recipe(), **glue))
    return Detector(name, "detforge-tiny", "1.2.3", manager)


def make_spec(text: str = SPEC_TEXT) -> Spec:
    """Return a spec; the tiny detector does not read it."""
    return parse_spec(text, experiment_pb2.EvalConfig, "tiny.txt")


def make_checkpoint(model: DetectionModel, **changes: Any) -> Checkpoint:
    """Return a checkpoint with the weights of a model."""
    fields: dict[str, Any] = {
        "detector": "tiny",
        "plugin_version": "1.2.3",
        "class_names": NAMES,
        "spec_text": SPEC_TEXT,
        "epoch": 1,
        "step": 10,
        "weights": collect_weights(model),
    }
    return Checkpoint(**{**fields, **changes})


def make_images(count: int, seed: int = 0, form: InputFormat = FORM) -> np.ndarray:
    """Return network inputs, float32 (B, H, W, C)."""
    generator = np.random.default_rng(seed)
    shape = (count, form.height, form.width, form.channels)
    return generator.normal(0, 1.5, shape).astype(np.float32)


def write_images(folder: Path, names: tuple[str, ...], block: int = 8) -> None:
    """Write images of coloured noise, 12 x 8 blocks of some pixels."""
    import cv2

    generator = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cells = generator.integers(0, 256, (8, 12, 3), dtype=np.uint8)
        suffix = "." + name.rsplit(".", 1)[-1]
        encoded = cv2.imencode(suffix, cells.repeat(block, axis=0).repeat(block, axis=1))[1]
        (folder / name).write_bytes(encoded.tobytes())
