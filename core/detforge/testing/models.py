"""Checks of a detector's models, built with random weights: nothing is trained or read.

Shape legend: B images, H x W network input, C channels, N boxes (padded), K detections,
h x w mask.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detforge.errors import DetforgeError, ExportError
from detforge.model import DetectionModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from detforge.model import Detections, Mode
    from detforge.plugins import Detector
    from detforge.recipe import InputFormat, Recipe
    from detforge.spec import Spec

MODES: tuple[Mode, ...] = ("train", "evaluate", "infer")
_IMAGES = 2
_BLOCK = 8  # pixels


def check_models(detector: Detector, spec: Spec, recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with the models of a spec; seeds Keras, so that it stays the same.

    Args:
        detector: builds them.
        spec: a checked spec.
        recipe: the same in neutral terms.
    """
    import keras

    keras.utils.set_random_seed(0)
    models: dict[Mode, DetectionModel] = {mode: detector.build_model(spec, mode) for mode in MODES}
    wrong = [finding for mode in MODES for finding in part_findings(models[mode], mode)]
    wrong = wrong or list(weight_findings(models))
    if wrong:  # what follows would only repeat them
        yield from dict.fromkeys(wrong)
        return
    checks: list[Callable[[], Iterator[str]]] = [
        lambda: detection_findings(models["infer"], recipe),
        lambda: loss_findings(models["train"], recipe),
        lambda: export_findings(detector, spec, recipe, models["infer"]),
        lambda: cost_findings(models["infer"]),
        lambda: pruning_findings(detector, spec, recipe, models["evaluate"]),
    ]
    for check in checks:
        try:
            yield from check()
        except DetforgeError as err:
            yield str(err)


def part_findings(model: Any, mode: Mode) -> Iterator[str]:
    """Yield what is wrong with the parts of a model, and with its blocks."""
    import keras

    if not isinstance(model, DetectionModel):
        yield f"build_model returns {model!r} for mode {mode!r}, not a DetectionModel"
        return
    names: list[str] = []
    for name, part in model.parts.items():
        if not (isinstance(part, keras.Model) and isinstance(part, keras.Function)):
            yield f"the part {name!r} is {part!r}, not a functional keras.Model"
            continue
        names += [layer.name for layer in part.layers]
        for layer in part.layers:
            if isinstance(layer, keras.Model):
                yield f"the part {name!r} holds the model {layer.name!r}; put its layers in flat"
    for block, prefixes in model.blocks.items():
        for prefix in prefixes:
            if not any(name.startswith(prefix) for name in names):
                yield f"no layer's name begins with {prefix!r}, as block {block} says"


def cost_findings(model: DetectionModel) -> Iterator[str]:
    """Yield where a model names layers that it lacks as its levels.

    Raises:
        PluginError: what the model costs cannot be counted.
    """
    from detforge.graph.cost import layer_costs

    named = {(cost.part, cost.layer) for cost in layer_costs(model)}
    for level in model.levels:
        if (level.part, level.layer) not in named:
            yield f"the part {level.part!r} has no layer {level.layer!r}, as levels say"


def weight_findings(models: Mapping[Mode, DetectionModel]) -> Iterator[str]:
    """Yield where the weights of a mode differ in name or shape; makes all of them equal."""
    from detforge.weights import collect_weights, restore_weights

    weights = collect_weights(models["train"])
    for mode, model in models.items():
        if set(model.parts) != set(models["train"].parts):
            parts = ", ".join(sorted(model.parts))
            yield f"the parts of mode {mode!r} ({parts}) are not those of 'train'"
        elif any(unmatched := restore_weights(model, weights, strict=False)):
            yield f"the weights of 'train' do not fit the model of mode {mode!r} ({unmatched})"


def detection_findings(model: DetectionModel, recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with the detections in images of noise."""
    from detforge.inference.predictors import KerasPredictor

    names = recipe.classes.names
    found = KerasPredictor(model, names).predict(noise(recipe.input))
    wrong = list(_layout_findings(found))
    yield from wrong
    if wrong:
        return
    limit = found.scores.shape[1]
    is_real = np.arange(limit) < found.count[:, None]
    if np.any((found.count < 0) | (found.count > limit)):
        yield f"detect counts {found.count.tolist()} detections of {limit}"
    if not np.all((found.scores >= 0) & (found.scores <= 1)):
        yield "detect gives scores outside [0, 1]"
    if np.any(found.scores[~is_real] != 0):
        yield "detect gives scores above 0 where it is padded"
    if np.any(np.diff(found.scores, axis=1) > 0):
        yield "detect does not give the best detections first"
    if np.any((found.labels[is_real] < 0) | (found.labels[is_real] >= len(names))):
        yield f"detect gives labels that are no index into the {len(names)} class names"
    if not np.all(np.isfinite(found.boxes[is_real])):
        yield "detect gives boxes that are not finite"
    if found.masks is not None and not np.all((found.masks >= 0) & (found.masks <= 1)):
        yield "detect gives masks outside [0, 1]"


def _layout_findings(found: Detections) -> Iterator[str]:
    """Yield wrong shapes and dtypes of detections (see `detforge.model.Detections`)."""
    limit = found.scores.shape[-1]
    wanted = {
        "boxes": ((_IMAGES, limit, 4), "float32"),
        "scores": ((_IMAGES, limit), "float32"),
        "labels": ((_IMAGES, limit), "int32"),
        "count": ((_IMAGES,), "int32"),
    }
    if found.masks is not None:
        wanted["masks"] = ((_IMAGES, limit, *found.masks.shape[2:4]), "float32")
    for name, (shape, dtype) in wanted.items():
        array = getattr(found, name)
        if (array.shape, str(array.dtype)) != (shape, dtype):
            yield f"detect gives {name} {array.dtype} {array.shape}, not {dtype} {shape}"


def loss_findings(model: DetectionModel, recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with the losses, with objects and without any."""
    import keras

    names = set()
    for objects in (True, False):
        arrays = fabricated_batch(recipe, objects=objects)
        batch: Any = {name: keras.ops.convert_to_tensor(array) for name, array in arrays.items()}
        what = "a batch with objects" if objects else "a batch without an object"
        for training in (True, False):
            losses = model.losses(batch, training=training)
            values = {name: _array(loss) for name, loss in losses.items()}
            names.add(tuple(sorted(values)))
            for name, value in values.items():
                if value.shape != ():
                    yield f"the loss {name!r} has the shape {value.shape}; it must be a scalar"
                elif not np.isfinite(value):
                    yield f"the loss {name!r} of {what} is {value}"
    if len(names) > 1 or names == {()}:
        yield f"losses must always have the same names, and one at least; found {sorted(names)}"


def _array(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))


def export_findings(
    detector: Detector, spec: Spec, recipe: Recipe, model: DetectionModel
) -> Iterator[str]:
    """Yield where the exported model differs from Keras on noise.

    Nothing for a detector without the hook `export_glue`, nor on a backend that cannot export.
    """
    import keras

    if keras.backend.backend() != "tensorflow" or not detector.hook.export_glue.get_hookimpls():
        return
    from detforge.export.build import build_onnx
    from detforge.export.compare import check_agreement, compare
    from detforge.inference.predictors import KerasPredictor, OnnxPredictor

    try:
        exported = build_onnx(detector, spec, recipe, model).SerializeToString()
        pair = KerasPredictor(model, recipe.classes.names), OnnxPredictor(exported)
        check_agreement(compare(*pair, [noise(recipe.input)]), recipe.input)
    except ExportError as err:
        yield str(err)


def pruning_findings(
    detector: Detector, spec: Spec, recipe: Recipe, model: DetectionModel
) -> Iterator[str]:
    """Yield what goes wrong when a model is pruned; it is narrower afterwards.

    With threshold 0 it must detect the same. Without half of its channels it must detect the same
    as a model that is built as narrow and takes its weights, as tasks do.
    """
    from detforge.graph.prune import apply_pruning, survey
    from detforge.graph.selection import Selection
    from detforge.weights import collect_weights, restore_weights

    selection, variant = Selection(threshold=0.0, granularity=1, min_filters=1), recipe.variant
    plan = survey(model).plan(selection)
    if plan.widths:  # filters that are zero from the start
        before = _detected(model, recipe)
        apply_pruning(model, plan)
        variant = variant.narrowed(plan.widths)
        if not _is_same(before, _detected(model, recipe)):
            yield "the model pruned with threshold 0 does not detect the same as before"
    surveyed = survey(model)
    scores = surveyed.scores(selection)
    if not scores.size:
        return
    plan = surveyed.plan(replace(selection, threshold=float(np.median(scores))))
    apply_pruning(model, plan)
    variant = variant.narrowed(plan.widths)
    narrow = detector.build_model(spec, "evaluate", replace(recipe, variant=variant))
    if any(unmatched := restore_weights(narrow, collect_weights(model), strict=False)):
        yield f"the weights of a pruned model do not fit one built as narrow ({unmatched})"
    elif not _is_same(_detected(model, recipe), _detected(narrow, recipe)):
        yield (
            "a pruned model does not detect the same as one built as narrow; look parts up in "
            "model.parts wherever they are called"
        )


def _detected(model: DetectionModel, recipe: Recipe) -> Detections:
    """Return what is found in images of noise, without compiling anything."""
    import keras

    found = model.detect(keras.ops.convert_to_tensor(noise(recipe.input)))
    return type(found)(*(None if part is None else _array(part) for part in found))


def _is_same(one: Detections, other: Detections) -> bool:
    return all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-3, atol=1e-4)
        for a, b in zip(one, other, strict=True)
        if a is not None and b is not None
    )


def fabricated_batch(recipe: Recipe, *, objects: bool) -> dict[str, np.ndarray]:
    """Return the arrays of a `detforge.model.Batch` on noise.

    Args:
        recipe: sizes and classes.
        objects: whether the first image has an object, and one to ignore; the second never has.
    """
    form, side = recipe.input, recipe.data.mask_size
    boxes = np.zeros((_IMAGES, 3, 4), np.float32)
    labels = np.full((_IMAGES, 3), -1, np.int32)
    ignore = np.zeros((_IMAGES, 3), bool)
    if objects:
        size = np.array([form.width, form.height] * 2, np.float32)
        boxes[0, :2] = np.array([[0.1, 0.2, 0.5, 0.7], [0.6, 0.6, 0.9, 0.8]]) * size
        labels[0, :2] = 0, len(recipe.classes.names) - 1
        ignore[0, 1] = True
    batch = {
        "images": noise(form),
        "boxes": boxes,
        "labels": labels,
        "ignore": ignore,
        "row": np.arange(_IMAGES, dtype=np.int32),
        "seed": np.arange(_IMAGES, dtype=np.int32),
    }
    if side:
        batch["masks"] = (boxes[..., :1, None] > 0) * np.ones((side, side), np.float32)
    return batch


def noise(form: InputFormat) -> np.ndarray:
    """Return network inputs of coloured squares, float32 (B, H, W, C); the same every time."""
    generator = np.random.default_rng(0)
    rows, columns = -(-form.height // _BLOCK), -(-form.width // _BLOCK)
    pixels = generator.uniform(0, 255, (_IMAGES, rows, columns, form.channels))
    pixels = pixels.repeat(_BLOCK, axis=1).repeat(_BLOCK, axis=2)[:, : form.height, : form.width]
    return ((pixels - form.mean) * form.scale).astype(np.float32)
