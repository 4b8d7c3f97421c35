"""What stays of small graphs whose norms are known."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from detforge.errors import CheckpointError, PluginError, UsageError
from detforge.graph.prune import apply_pruning, plan_pruning
from detforge.graph.selection import Selection
from detforge.model import Join

SIDE = 4
FREE = {"granularity": 1, "min_filters": 1, "threshold": 0.5}


def image(width=3, name="images"):
    return keras.Input((SIDE, SIDE, width), name=name)


def conv(x, norms, name, **settings):
    """Return a 1 x 1 convolution whose filters have these norms."""
    layer = layers.Conv2D(len(norms), 1, name=name, **settings)
    y = layer(x)
    kernel = np.zeros(layer.kernel.shape, "float32")
    kernel[0, 0, 0] = norms
    layer.kernel.assign(kernel)
    return y


def model_of(inputs, outputs, joins=(), **parts):
    parts = parts or {"network": keras.Model(inputs, outputs)}
    return SimpleNamespace(parts=parts, joins=joins)


def headed(x, inputs):
    """Return a model that ends in a head, which is whole."""
    return model_of(inputs, conv(x, [1.0, 0.0], "head"))


def kept(model, **changes):
    plan = plan_pruning(model, Selection(**{**FREE, **changes}))
    return {layer: found.tolist() for part in plan.kept.values() for layer, found in part.items()}


def test_weak_filters_go_and_what_they_fed_is_narrower():
    images = image()
    x = conv(images, [0.9, 0.1, 1.0, 0.5], "a")
    model = headed(layers.ReLU()(layers.BatchNormalization(name="norm")(x)), images)
    plan = plan_pruning(model, Selection(**FREE))
    kernel = np.asarray(model.parts["network"].get_layer("a").kernel)
    apply_pruning(model, plan)
    part = model.parts["network"]
    np.testing.assert_array_equal(part.get_layer("a").kernel, kernel[..., [0, 2]])
    assert part.get_layer("norm").gamma.shape == (2,)
    assert part.get_layer("head").kernel.shape == (1, 1, 2, 2)
    assert plan.widths == {"network": {"a": 2}}
    assert plan.channels == {"a": (4, 2), "head": (2, 2)}
    # 3 * 4 + 4, 4 * 4, 4 * 2 + 2; then with two filters.
    assert plan.parameters == (42, 8 + 8 + 6)


def test_output_of_the_model_stays_whole():
    images = image()
    assert kept(model_of(images, conv(images, [1.0, 0.0], "a")))["a"] == [0, 1]


@pytest.mark.parametrize(
    ("equalization", "both"),
    [("union", [0, 1]), ("intersection", [0]), ("arithmetic_mean", [0, 1])],
)
def test_layers_that_are_added_keep_the_same(equalization, both):
    images = image()
    a, b = conv(images, [1.0, 0.2, 0.1], "a"), conv(images, [1.0, 1.0, 0.3], "b")
    model = headed(layers.Add()([a, b]), images)
    found = kept(model, equalization=equalization)
    assert found["a"] == found["b"] == both


def test_ties_reach_over_several_additions():
    images = image()
    a, b, c = (
        conv(images, n, f"c{i}") for i, n in enumerate([[1.0, 0, 0], [0, 0, 1.0], [1.0, 0, 0]])
    )
    x = layers.Add()([layers.ReLU()(layers.Add()([a, b])), c])
    assert kept(headed(x, images))["c1"] == [0, 2]


def test_concatenated_layers_are_judged_alone():
    images = image()
    a, b = conv(images, [1.0, 0.2], "a"), conv(images, [0.1, 2.0, 0.3], "b")
    model = headed(layers.Concatenate(name="both")([a, b]), images)
    found = kept(model)
    assert (found["a"], found["b"], found["both"]) == ([0], [1], [0, 3])


def test_tied_in_pieces_each_piece_has_its_granularity():
    """Ten channels of a, and six of b, lie side by side and are added to the sixteen of c."""
    images = image()
    a = conv(images, [1.0] * 3 + [0.0] * 7, "a")
    b = conv(images, [1.0] * 6, "b")
    c = conv(images, [0.0] * 12 + [1.0] * 4, "c")
    model = headed(layers.Add()([layers.Concatenate()([a, b]), c]), images)
    found = kept(model, granularity=4, equalization="intersection", threshold=0.0)
    assert found["a"] == [0, 1, 2, 3]
    assert found["b"] == [2, 3, 4, 5]
    assert found["c"] == [0, 1, 2, 3, 12, 13, 14, 15]


def test_channel_that_is_repeated_goes_everywhere():
    images = image()
    a, b = conv(images, [1.0, 0.0], "a"), conv(images, [1.0, 0.0, 0.1, 0.0], "b")
    model = headed(layers.Add()([layers.Concatenate()([a, a]), b]), images)
    found = kept(model)
    assert (found["a"], found["b"]) == ([0], [0, 2])


def test_depthwise_convolution_is_judged_with_what_it_filters():
    images = image()
    depthwise = layers.DepthwiseConv2D(1, name="deep")
    model = headed(depthwise(conv(images, [0.1, 1.0, 0.1], "a")), images)
    depthwise.kernel.assign(np.array([1.0, 0.2, 0.3], "float32").reshape(1, 1, 3, 1))
    assert kept(model)["a"] == [0, 1]
    assert kept(model, equalization="arithmetic_mean", threshold=0.56)["deep"] == [1]


def test_flattened_channels_go_at_every_place():
    images = image()
    flat = layers.Flatten(name="flat")(conv(images, [1.0, 0.0, 1.0], "a"))
    model = model_of(images, layers.Dense(2, name="dense")(flat))
    found = kept(model)
    assert found["flat"] == [i for i in range(SIDE * SIDE * 3) if i % 3 != 1]
    apply_pruning(model, plan_pruning(model, Selection(**FREE)))
    assert model.parts["network"].get_layer("dense").kernel.shape == (SIDE * SIDE * 2, 2)


def test_reshape_that_mixes_channels_keeps_them():
    images = image()
    rows = layers.Reshape((-1, 2))(conv(images, [1.0, 0.0, 0.0, 0.0], "a"))
    model = model_of(images, layers.Dense(2)(rows))
    assert kept(model)["a"] == [0, 1, 2, 3]


def test_reshape_that_says_its_channels_says_fewer():
    images = image()
    rows = layers.Reshape((SIDE * SIDE, 3), name="rows")(conv(images, [1.0, 0.0, 1.0], "a"))
    model = model_of(images, layers.Dense(2)(rows))
    plan = plan_pruning(model, Selection(**FREE))
    assert plan.widths == {"network": {"a": 2, "rows": 2}}
    apply_pruning(model, plan)
    assert model.parts["network"].get_layer("rows").target_shape == (SIDE * SIDE, 2)


def test_factor_of_one_channel_is_left_alone():
    images = image()
    a, one = conv(images, [1.0, 0.1], "a"), conv(images, [0.0], "one")
    found = kept(headed(layers.Multiply()([a, one]), images))
    assert (found["a"], found["one"]) == ([0], [0])


def test_squeeze_and_excite_is_judged_with_what_it_weighs():
    images = image()
    x = conv(images, [1.0, 0.0, 0.0], "a")
    y = layers.Reshape((1, 1, 3))(layers.GlobalAveragePooling2D()(x))
    y = conv(y, [0.0, 1.0, 0.0], "expand", activation="sigmoid")
    model = headed(layers.Multiply()([x, y]), images)
    assert kept(model)["a"] == kept(model)["expand"] == [0, 1]
    assert kept(model, excluded=("expand",))["a"] == [0, 1, 2]


@pytest.mark.parametrize("between", [layers.Softmax(), layers.Activation("softmax")])
def test_softmax_over_channels_needs_all_of_them(between):
    images = image()
    model = headed(between(conv(images, [1.0, 0.0], "a")), images)
    assert kept(model)["a"] == [0, 1]


def test_head_on_several_maps_ties_what_feeds_it():
    images = image()
    a, b = conv(images, [1.0, 0.0, 0.0], "a"), conv(images, [0.0, 0.0, 1.0], "b")
    shared, head = layers.Conv2D(4, 1, name="shared"), layers.Conv2D(1, 1)
    model = model_of(images, [head(layers.ReLU()(shared(x))) for x in (a, b)])
    shared.kernel.assign(np.array([1, 0, 0, 1] * 3, "float32").reshape(1, 1, 3, 4))
    found = kept(model)
    assert (found["a"], found["b"], found["shared"]) == ([0, 2], [0, 2], [0, 3])


def test_layer_without_weights_ties_nothing_when_it_is_shared():
    images, relu = image(), layers.ReLU()
    a, b = relu(conv(images, [1.0, 0.0], "a")), relu(conv(images, [0.0, 1.0, 0.0], "b"))
    found = kept(headed(layers.Concatenate()([a, b]), images))
    assert (found["a"], found["b"]) == ([0], [1])


def test_excluded_layer_keeps_its_channels_and_those_tied_to_it():
    images = image()
    a, b, c = (conv(images, [1.0, 0.0], name) for name in "abc")
    model = headed(layers.Concatenate()([layers.Add()([a, b]), c]), images)
    found = kept(model, excluded=("b",))
    assert (found["a"], found["b"], found["c"]) == ([0, 1], [0, 1], [0])


def test_unknown_excluded_layer_is_refused_with_the_nearest():
    images = image()
    model = headed(conv(images, [1.0, 0.0], "block_1a_conv_1"), images)
    with pytest.raises(UsageError, match=r"no layer 'block_1a_conv1' .* mean 'block_1a_conv_1'\?"):
        kept(model, excluded=("block_1a_conv1",))
    with pytest.raises(UsageError, match=r"no layer 'zzz' .* summary lists those .* has\.$"):
        kept(model, excluded=("zzz",))


def joined_parts(joins):
    images, regions = image(), image(4, "regions")
    backbone = keras.Model(images, [conv(images, [1.0, 0.0, 1.0, 0.0], "a")])
    head = keras.Model(regions, conv(layers.ReLU()(regions), [1.0, 0.0], "head"))
    return model_of(None, None, joins, backbone=backbone, head=head)


def test_joined_parts_are_narrowed_together():
    model = joined_parts([Join("backbone", 0, "head", 0)])
    plan = plan_pruning(model, Selection(**FREE))
    assert plan.widths == {"backbone": {"a": 2}, "head": {"regions": 2}}
    apply_pruning(model, plan)
    assert model.parts["head"].input_shape == (None, SIDE, SIDE, 2)
    x = np.ones((1, SIDE, SIDE, 3), "float32")
    assert model.parts["head"](model.parts["backbone"](x)).shape == (1, SIDE, SIDE, 2)


def test_parts_that_nothing_joins_stay_as_they_are():
    model = joined_parts([])
    before = dict(model.parts)
    apply_pruning(model, plan_pruning(model, Selection(**FREE)))
    assert model.parts == before


@pytest.mark.parametrize(
    "join", [Join("backbone", 1, "head", 0), Join("neck", 0, "head", 0)], ids=["output", "part"]
)
def test_join_of_nothing_is_refused(join):
    with pytest.raises(PluginError, match="an output or an input that the model does not have"):
        kept(joined_parts([join]))


def test_unknown_layer_is_refused_by_name_and_class():
    class Odd(layers.Layer):
        def call(self, inputs):
            return inputs[..., ::-1]

    images = image()
    model = headed(Odd(name="odd")(conv(images, [1.0], "a")), images)
    with pytest.raises(PluginError, match=r"'odd' \(Odd\) of the part 'network' .*channel_flow"):
        kept(model)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: layers.BatchNormalization(axis=1), "normalises axis 1"),
        (lambda: layers.Activation(lambda x: x), "activation function"),
        (lambda: layers.Activation("glu"), "activation function"),
    ],
    ids=["axis", "function", "glu"],
)
def test_layer_that_treats_channels_oddly_is_refused(make, reason):
    images = image()
    with pytest.raises(PluginError, match=reason):
        kept(headed(make()(conv(images, [1.0, 1.0], "a")), images))


def test_threshold_that_nothing_reaches_is_refused():
    images = image()
    model = headed(conv(images, [1.0, 0.5], "a"), images)
    with pytest.raises(UsageError, match=r"threshold is 1, but no channel .* score above 1"):
        kept(model, threshold=1.0)


def test_granularity_above_every_width_is_refused():
    images = image()
    x = conv(conv(images, [1.0, 0.5], "a"), [1.0] * 6, "b")
    with pytest.raises(UsageError, match="granularity is 7, but no layer has more than 6"):
        kept(headed(x, images), granularity=7)


def test_weights_that_are_no_numbers_are_refused():
    images = image()
    with pytest.raises(CheckpointError, match="weights of the layer 'a' are no numbers"):
        kept(headed(conv(images, [1.0, np.nan], "a"), images))
