"""The three parts that hold the weights: features, proposals, and the classifier of regions.

Shape legend: B images, A anchors of all cells, n anchors of a cell, R regions of all images, P
samples a side of a region, C classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from detforge.backbones import find_backbone
from detforge.backbones.features import add_backbone
from detforge.backbones.layers import conv, max_pool
from detforge_faster_rcnn.architectures import FAMILIES, family_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detforge.backbones import Backbone
    from detforge_faster_rcnn import spec_pb2

_RPN_FILTERS = 512
_DENSE_UNITS = 4096


class _Cut(NamedTuple):
    """Where a family is divided.

    Attributes:
        last_block: of the features, which have stride 16.
        last_of_regions: last block that looks at each region; None where none does.
        pool: name of the layer that halves large regions; empty where a block does it.
    """

    last_block: int
    last_of_regions: int | None = None
    pool: str = ""


_CUTS = {
    "resnet": _Cut(3, 4),
    "vgg": _Cut(5, pool="classifier_pool"),
    "googlenet": _Cut(7, 9, pool="pool4"),
    "mobilenet_v1": _Cut(11, 13),
    "mobilenet_v2": _Cut(13, 18),
    "darknet": _Cut(4, 5),
    "efficientnet": _Cut(5, 8),
}


class Network(NamedTuple):
    """The parts of a model.

    Attributes:
        parts: "backbone", "rpn" and "roi_head".
        blocks: number of each block of the backbone -> names of its layers, also where they look
            at regions.
        backbone: what was built.
    """

    parts: dict[str, keras.Model]
    blocks: Mapping[int, tuple[str, ...]]
    backbone: Backbone


def build_network(
    config: spec_pb2.ModelConfig,
    *,
    image_shape: tuple[int | None, int | None, int],
    n_anchors: int,
    n_classes: int,
    variant: Mapping[str, Any],
) -> Network:
    """Return the parts with random weights.

    Args:
        config: of the spec.
        image_shape: (H, W, channels) of the network input; None where it depends on the image.
        n_anchors: n.
        n_classes: C.
        variant: options of the backbone that weights decide.

    Raises:
        SpecError: no such backbone.
    """
    backbone = _backbone(config, variant)
    cut = _CUTS[family_of(config.arch)]
    images = keras.Input(image_shape, name="images")
    features = add_backbone(images, backbone, last_block=cut.last_block)
    shape = features.output.shape[1:]
    roi_head, blocks = _roi_head(config, backbone, cut, shape[2], n_classes)
    parts = {
        "backbone": keras.Model(images, features.output, name="backbone"),
        "rpn": _rpn(shape, n_anchors),
        "roi_head": roi_head,
    }
    return Network(parts, {**features.blocks, **blocks}, backbone)


def _backbone(config: spec_pb2.ModelConfig, variant: Mapping[str, Any]) -> Backbone:
    name, switches = family_of(config.arch), FAMILIES[family_of(config.arch)].switches
    arch, depth = name, config.arch.partition(":")[2]
    if name == "efficientnet":
        arch, depth = f"{name}_{depth}", ""
    options: dict[str, Any] = {"use_bias": config.use_bias}
    if not _CUTS[name].pool:
        options["max_stride"] = 32 if config.roi_pooling_config.pool_size_2x else 16
    if "all_projections" in switches:
        options["all_projections"] = config.all_projections
    if "use_pooling" in switches:
        options["use_pooling"] = config.use_pooling
    if "drop_connect_rate" in switches:
        options["drop_connect"] = config.drop_connect_rate
    if "activation" in switches:
        options["activation"] = config.activation.activation_type or "swish"
    return find_backbone(arch, int(depth or 0), field="model_config", **{**options, **variant})


def _rpn(shape: tuple[int | None, ...], n_anchors: int) -> keras.Model:
    """Return features -> logits (B, A) and deltas (B, A, 4), row by row, column, anchor."""
    features = keras.Input(shape, name="features")
    uniform = {"use_bias": True, "initializer": "glorot_uniform"}
    x = conv(features, _RPN_FILTERS, 3, "rpn_conv1", **uniform)
    x = keras.layers.ReLU(name="rpn_relu1")(x)
    logits = conv(x, n_anchors, 1, "rpn_out_class", **uniform)
    deltas = conv(x, 4 * n_anchors, 1, "rpn_out_regress", **uniform)
    # float32 under mixed precision: decoding and losses need the digits.
    outputs = (
        keras.layers.Reshape((-1,), dtype="float32", name="rpn_logits")(logits),
        keras.layers.Reshape((-1, 4), dtype="float32", name="rpn_deltas")(deltas),
    )
    return keras.Model(features, outputs, name="rpn")


def _roi_head(
    config: spec_pb2.ModelConfig, backbone: Backbone, cut: _Cut, channels: int, n_classes: int
) -> tuple[keras.Model, Mapping[int, tuple[str, ...]]]:
    """Return regions (R, P, P, channels) -> logits (R, C + 1) and deltas (R, C, 4); its blocks."""
    pooling, blocks = config.roi_pooling_config, {}
    side = pooling.pool_size * (2 if pooling.pool_size_2x else 1)
    x = regions = keras.Input((side, side, channels), name="regions")
    if cut.pool and pooling.pool_size_2x:
        x = max_pool(x, 2, cut.pool)
    if cut.last_of_regions is None:
        x = _dense_layers(keras.layers.Flatten(name="flatten")(x), config.dropout_rate)
    else:
        found = add_backbone(
            x, backbone, first_block=cut.last_block + 1, last_block=cut.last_of_regions
        )
        blocks = found.blocks
        x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(found.output)
        if config.dropout_rate and "dropout_rate" in FAMILIES[family_of(config.arch)].switches:
            x = keras.layers.Dropout(config.dropout_rate, name="top_dropout")(x)
    # Fast R-CNN, section 4.1: small numbers, so that at first no class is preferred.
    logits = keras.layers.Dense(n_classes + 1, kernel_initializer=_normal(0.01), name="dense_class")
    deltas = keras.layers.Dense(
        4 * n_classes, kernel_initializer=_normal(0.001), name="dense_regress"
    )
    outputs = (
        keras.layers.Reshape((n_classes + 1,), dtype="float32", name="class_logits")(logits(x)),
        keras.layers.Reshape((n_classes, 4), dtype="float32", name="class_deltas")(deltas(x)),
    )
    return keras.Model(regions, outputs, name="roi_head"), blocks


def _dense_layers(x: Any, dropout: float) -> Any:
    """Return what VGG makes of the samples of a region, (R, 4096)."""
    for name in ("fc1", "fc2"):
        x = keras.layers.Dense(_DENSE_UNITS, kernel_initializer="he_normal", name=name)(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return x


def _normal(deviation: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation)
