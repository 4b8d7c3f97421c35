"""Families by name: those that there are, and those that plugins bring."""

from __future__ import annotations

import keras
import pluggy
import pytest
from tests.tiny_detector import make_recipe, make_spec

from detforge import hookimpl, hookspecs
from detforge.backbones import Family, find_backbone
from detforge.backbones.features import add_backbone
from detforge.backbones.layers import activation, conv_norm
from detforge.errors import PluginError, SpecError
from detforge.graph.freeze import apply_freeze
from detforge.model import DetectionModel
from detforge.plugins import Detector
from detforge.recipe import Freeze


@pytest.mark.parametrize(
    ("arch", "depth", "options", "message"),
    [
        ("resnext", 50, {}, r"a_config\.arch: no backbone 'resnext'; there is darknet, .*, vgg"),
        ("vgg", 18, {}, r"a_config\.nlayers: vgg has no depth 18; use 16 or 19"),
        ("squeezenet", 1, {}, r"a_config\.nlayers: squeezenet has no depth 1; it comes in one"),
        ("vgg", 16, {"drop_connect": 0.5}, r"a_config\.arch: vgg has no option drop_connect; it"),
        ("resnet", 18, {"activation": "swish"}, r"a_config\.arch: resnet has no option activation"),
        ("darknet", 53, {"activation": "swish"}, "has no activation 'swish'; use relu or leaky"),
    ],
)
def test_what_a_family_does_not_have_is_refused_with_what_there_is(arch, depth, options, message):
    with pytest.raises(SpecError, match=message):
        find_backbone(arch, depth, field="a_config", **options)


def pebbles(depth, options):
    """Return blocks of a convolution each, as many as the depth says."""

    def block(number):
        def add(x):
            x = conv_norm(x, 8, 3, f"pebble_{number}", options, norm=f"bn_{number}", stride=2)
            return activation(x, options.activation, f"pebble_{number}_relu")

        return add

    return {number: block(number) for number in range(depth)}


class Extension:
    """A plugin with backbones."""

    def __init__(self, *names):
        self._names = names

    @hookimpl
    def backbones(self):
        # New at each call: a plugin need not keep one.
        family = Family(
            blocks=lambda depth, options: pebbles(depth, options),
            depths=(2, 3),
            options=frozenset({"use_bias", "activation"}),
            activations=("relu", "relu6"),
            defaults={"activation": "relu6"},
        )
        return dict.fromkeys(self._names, family)


class OnPebbles(DetectionModel):
    """A backbone and nothing else."""

    def __init__(self):
        images = keras.Input((32, 48, 3))
        features = add_backbone(images, find_backbone("pebbles", 3, field="tiny"))
        self.parts = {"network": keras.Model(images, features.output)}
        self.blocks, self.backbone = features.blocks, features.backbone

    def losses(self, batch, *, training):
        raise NotImplementedError

    def detect(self, images):
        raise NotImplementedError


class Plugin:
    """A detector that takes the backbone of an extension."""

    @hookimpl
    def build_model(self):
        return OnPebbles()


def detector(*extensions):
    manager = pluggy.PluginManager("detforge")
    manager.add_hookspecs(hookspecs)
    for plugin in (Plugin(), *extensions):
        manager.register(plugin)
    return Detector("tiny", "detforge-tiny", "1.2.3", manager)


def test_family_of_a_plugin_is_built_and_frozen_like_the_others():
    with_pebbles = detector(Extension("pebbles"))
    with_pebbles.build_model(make_spec(), "train", make_recipe())
    model = with_pebbles.build_model(make_spec(), "infer", make_recipe())
    assert model.backbone.options.activation == "relu6"
    assert model.parts["network"].output_shape == (None, 4, 6, 8)
    apply_freeze(model, Freeze(blocks=(1,)))
    frozen = [x.name for x in model.parts["network"].layers if x.weights and not x.trainable]
    assert frozen == ["pebble_1", "bn_1"]
    with pytest.raises(SpecError, match=r"no backbone 'pebble'; there is .*mobilenet_v2, pebbles"):
        find_backbone("pebble", 0, field="tiny")


def test_family_is_gone_with_the_detector_that_brought_it():
    detector(Extension("pebbles")).build_model(make_spec(), "infer", make_recipe())
    with pytest.raises(SpecError, match="no backbone 'pebbles'"):
        detector().build_model(make_spec(), "infer", make_recipe())


@pytest.mark.parametrize(
    "extensions",
    [[Extension("vgg")], [Extension("pebbles"), Extension("pebbles")]],
    ids=["one of ours", "one of another plugin"],
)
def test_name_that_is_taken_is_refused(extensions):
    with pytest.raises(PluginError, match=r"a plugin brings a backbone '.*', but there is one"):
        detector(*extensions).build_model(make_spec(), "infer", make_recipe())
