from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from detforge.graph.freeze import apply_freeze
from detforge.recipe import Freeze
from detforge.weights import collect_weights, restore_weights
from tests.faster_rcnn.small import SIZE, batch, build
from tests.faster_rcnn.specs import GREY


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return build()


def losses(model, arrays, *, training=False):
    return {name: float(loss) for name, loss in model.losses(arrays, training=training).items()}


def test_weights_are_in_layers_of_the_documented_names(model):
    layers = {name: [layer.name for layer in part.layers] for name, part in model.parts.items()}
    assert list(layers) == ["backbone", "rpn", "roi_head"]
    assert {"conv1", "bn_conv1", "block_3a_conv_shortcut"} <= set(layers["backbone"])
    assert {"rpn_conv1", "rpn_out_class", "rpn_out_regress"} <= set(layers["rpn"])
    assert {"block_4a_conv_1", "dense_class", "dense_regress"} <= set(layers["roi_head"])
    assert not any(name.startswith("block_4") for name in layers["backbone"])


def test_losses_are_finite_scalars_with_objects_and_without(model):
    arrays = batch()
    empty = {**arrays, "labels": np.full_like(arrays["labels"], -1)}
    for found in (losses(model, arrays, training=True), losses(model, empty, training=True)):
        assert list(found) == ["rpn_class", "rpn_box", "roi_class", "roi_box"]
        assert np.isfinite(list(found.values())).all()
    found = losses(model, empty)
    assert found["rpn_class"] > 0
    assert found["roi_class"] > 0  # images without objects train the background
    assert found["rpn_box"] == found["roi_box"] == 0


def test_the_same_seed_samples_the_same_and_another_one_something_else(model):
    arrays = batch()
    first, again = losses(model, arrays), losses(model, arrays)
    assert first == again
    other = losses(model, {**arrays, "seed": arrays["seed"] + 1})
    assert other["rpn_class"] != first["rpn_class"]
    assert other["roi_class"] != first["roi_class"]


def test_padded_objects_and_their_order_change_no_loss(model):
    arrays = batch()
    wanted = losses(model, arrays)
    order = [3, 1, 0, 2]
    turned = {name: arrays[name][:, order] for name in ("boxes", "labels", "ignore")}
    assert losses(model, {**arrays, **turned}) == pytest.approx(wanted, rel=1e-5)
    more = {
        "boxes": np.pad(arrays["boxes"], [(0, 0), (0, 3), (0, 0)]),
        "labels": np.pad(arrays["labels"], [(0, 0), (0, 3)], constant_values=-1),
        "ignore": np.pad(arrays["ignore"], [(0, 0), (0, 3)]),
    }
    assert losses(model, {**arrays, **more}) == pytest.approx(wanted, rel=1e-5)


def test_detections_lie_in_the_image_best_first(model):
    found = model.detect(batch()["images"])
    boxes, scores = ops.convert_to_numpy(found.boxes), ops.convert_to_numpy(found.scores)
    assert boxes.min() >= 0
    assert boxes.max() <= SIZE
    assert (np.diff(scores) <= 0).all()
    assert ((scores > 0).sum(axis=1) == ops.convert_to_numpy(found.count)).all()


def test_all_modes_have_the_same_weights_and_their_own_numbers_of_proposals(model):
    others = {mode: build(mode) for mode in ("evaluate", "infer")}
    for other in others.values():
        restore_weights(other, collect_weights(model))
    images = batch()["images"]
    wanted = ops.convert_to_numpy(model.detect(images).scores)  # as evaluation_config says
    for other in others.values():
        np.testing.assert_array_equal(ops.convert_to_numpy(other.detect(images).scores), wanted)
    assert model.settings.training.most == 100
    assert {other.settings.detecting.most for other in others.values()} == {50}


def test_frozen_blocks_and_statistics_reach_into_the_classifier_of_regions():
    model = build()
    apply_freeze(model, Freeze(blocks=(0, 1), batch_norm=True, field="model_config.freeze_blocks"))
    trainable = {layer.name for layer in model.parts["backbone"].layers if layer.trainable_weights}
    assert "conv1" not in trainable
    assert "block_1a_conv_1" not in trainable
    assert "block_2a_conv_1" in trainable
    head = model.parts["roi_head"]
    assert head.get_layer("block_4a_conv_1").trainable
    assert head.get_layer("block_4a_bn_1").frozen_statistics


def test_grey_images_have_one_channel():
    assert build(color=GREY).parts["backbone"].input.shape == (None, SIZE, SIZE, 1)


def test_regions_of_twice_the_size_are_halved_by_the_first_block_behind():
    head = build(model="roi_pooling_config { pool_size: 5 pool_size_2x: true }").parts["roi_head"]
    assert head.input.shape == (None, 10, 10, 256)
    assert head.get_layer("block_4a_relu").output.shape == (None, 5, 5, 512)


@pytest.mark.slow
def test_images_of_any_shape_have_the_losses_of_their_own_compiled_once():
    import tensorflow

    model = build(size=f"size_min {{ min: {SIZE} }}")
    arrays = batch(images=1)
    arrays["labels"][:, 0] = 1
    arrays["boxes"][:, 0] = [10, 20, 70, 60]
    free = tensorflow.TensorSpec((1, None, None, 3))
    compiled = tensorflow.function(
        lambda images: model.losses({**arrays, "images": images}, training=False),
        input_signature=[free],
    )
    for shape in ((128, 192), (160, 128)):
        images = np.random.default_rng(0).normal(0, 60, (1, *shape, 3)).astype("f4")
        found = {name: float(loss) for name, loss in compiled(images).items()}
        assert found == pytest.approx(losses(model, {**arrays, "images": images}), rel=1e-4)
        assert found["rpn_box"] > 0
