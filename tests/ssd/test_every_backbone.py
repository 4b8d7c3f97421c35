"""SSD on every backbone, and DSSD on some: one step of training, saved, loaded and exported."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from detforge.backbones.layers import BatchNormalization
from detforge.export.build import build_onnx
from detforge.export.compare import check_agreement, compare
from detforge.files import Checkpoint, load_checkpoint, save_checkpoint
from detforge.inference.predictors import KerasPredictor, OnnxPredictor
from detforge.plugins import load_detector
from detforge.spec import parse_spec
from detforge.testing.models import fabricated_batch
from detforge.training.schedules import RunLength
from detforge.training.trainer import Trainer, compile_trainer
from detforge.weights import collect_weights, load_model
from tests.ssd.test_backbones import ALL
from tests.ssd.test_model import spec_text

pytestmark = pytest.mark.slow

# Those whose first map becomes narrower or wider first, and one whose maps round down.
DSSD = [
    ("resnet", 10),
    ("mobilenet_v1", 0),
    ("mobilenet_v2", 0),
    ("squeezenet", 0),
    ("darknet", 19),
]


def trained(detector, spec, recipe):
    """Return a model behind one step of training."""
    model = detector.build_model(spec, "train", recipe)
    for layer in model.parts["detector"].layers:
        # Statistics of the newest step alone: they keep the numbers of random layers small.
        if isinstance(layer, BatchNormalization):
            layer.momentum = 0.0
    batch = fabricated_batch(recipe, objects=True)
    trainer = Trainer(model)
    compile_trainer(trainer, recipe, RunLength(1, 1), batch)
    before = collect_weights(model)
    trainer.run_eagerly = True  # for a single step faster than compiling
    assert np.isfinite(trainer.train_on_batch(batch, return_dict=True)["loss"])
    after = collect_weights(model)
    still = [name for name in before if np.array_equal(before[name], after[name])]
    assert all("ssd_" in name for name in still), still  # heads of maps without an object
    model.parts["detector"](batch["images"], training=True)  # statistics of the new weights
    for layer in model.parts["detector"].layers:
        # A hundred random layers make the last digits coarse, and boxes exponents of them.
        if layer.name.startswith(("ssd_conf", "ssd_loc")) and layer.weights:
            layer.set_weights([0.01 * weight for weight in layer.get_weights()])
    return model


@pytest.mark.parametrize(
    ("network", "arch", "depth"),
    [("ssd", *backbone) for backbone in ALL] + [("dssd", *backbone) for backbone in DSSD],
)
def test_step_of_training_is_saved_loaded_and_exported(network, arch, depth, tmp_path):
    keras.utils.set_random_seed(5)
    detector = load_detector(network)
    text = spec_text(depth, 145, 131, network=network, arch=arch)
    spec = parse_spec(text, detector.spec_schema())
    recipe = detector.recipe(spec)
    model = trained(detector, spec, recipe)
    path = tmp_path / "model.detforge"
    checkpoint = Checkpoint(
        detector=network,
        plugin_version=detector.version,
        class_names=recipe.classes.names,
        spec_text=text,
        epoch=1,
        step=1,
        weights=collect_weights(model),
    )
    save_checkpoint(path, checkpoint)
    loaded = load_model(detector, spec, recipe, load_checkpoint(path), "infer", path.name)
    images = fabricated_batch(recipe, objects=False)["images"]
    for mine, theirs in zip(model.detect(images), loaded.detect(images), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    exported = OnnxPredictor(build_onnx(detector, spec, recipe, loaded).SerializeToString())
    agreement = compare(KerasPredictor(loaded, recipe.classes.names), exported, [images])
    assert agreement.matched > 20
    check_agreement(agreement, recipe.input)
