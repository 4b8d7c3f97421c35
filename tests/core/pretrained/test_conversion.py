"""Weights changed in form compute the same; evaluated here as what they are, sums of products."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detforge.pretrained.conversion import (
    EPSILON,
    ConvNorm,
    Pixels,
    embed,
    fold_input,
    identity,
    to_slots,
)
from detforge.recipe import InputFormat

CHANNELS = 5
SEEDS = st.integers(0, 2**32 - 1)


def drawn(generator, kernel=(3, 3, 3, CHANNELS), *, norm=True, epsilon=1e-5):
    slots = {
        "gamma": generator.uniform(-2, 2, CHANNELS),
        "beta": generator.normal(size=CHANNELS),
        "moving_mean": generator.normal(size=CHANNELS),
        "moving_variance": generator.uniform(0, 2, CHANNELS),
    }
    conv = {"kernel": generator.normal(size=kernel), "bias": generator.normal(size=CHANNELS)}
    return ConvNorm.of(conv, slots if norm else {}, epsilon)


def response(patch, kernel, bias=0.0):
    return np.einsum("hwi,hwio->o", patch, kernel) + bias


def normalised(x, gamma, beta, mean, variance, epsilon):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("has_norm", [True, False])
@pytest.mark.parametrize("source_has_norm", [True, False])
@given(seed=SEEDS)
def test_convolution_computes_the_same_whatever_we_have_behind_it(
    source_has_norm, has_norm, has_bias, seed
):
    generator = np.random.default_rng(seed)
    conv = drawn(generator, norm=source_has_norm)
    patch = generator.normal(size=(3, 3, 3))
    wanted = response(patch, conv.kernel, conv.bias)
    if source_has_norm:
        wanted = normalised(wanted, *conv.norm)
    has_bias = has_bias or not has_norm
    slots, norm = to_slots(conv, has_bias=has_bias, has_norm=has_norm)
    assert ("bias" in slots) == has_bias
    found = response(patch, slots["kernel"], slots.get("bias", 0.0))
    if has_norm:
        order = ("gamma", "beta", "moving_mean", "moving_variance")
        found = normalised(found, *(norm[slot] for slot in order), EPSILON)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_projection_that_was_none_changes_nothing():
    x = np.random.default_rng(0).normal(size=(1, 1, CHANNELS))
    slots, norm = to_slots(identity(CHANNELS), has_bias=False, has_norm=True)
    found = normalised(
        response(x, slots["kernel"]),
        *(norm[slot] for slot in ("gamma", "beta", "moving_mean", "moving_variance")),
        EPSILON,
    )
    np.testing.assert_allclose(found, x[0, 0], rtol=1e-6)


def test_kernel_in_the_middle_of_a_larger_one_sees_what_it_saw():
    generator = np.random.default_rng(0)
    conv, patch = drawn(generator, norm=False), generator.normal(size=(5, 5, 3))
    larger = embed(conv, 5)
    np.testing.assert_allclose(
        response(patch, larger.kernel), response(patch[1:4, 1:4], conv.kernel)
    )


NUMBERS = st.tuples(*[st.floats(0, 255)] * 3)
SCALES = st.tuples(*[st.floats(0.01, 1)] * 3)


@given(
    seed=SEEDS,
    wanted=st.builds(Pixels, st.sampled_from(["rgb", "bgr"]), NUMBERS, SCALES),
    order=st.sampled_from(["rgb", "bgr", "grey"]),
    mean=NUMBERS,
    scale=SCALES,
)
def test_first_convolution_answers_to_our_pixels_as_to_those_it_was_trained_on(
    seed, wanted, order, mean, scale
):
    generator = np.random.default_rng(seed)
    conv, channels = drawn(generator, norm=False), 1 if order == "grey" else 3
    image = InputFormat(
        height=8, width=8, color_order=order, mean=mean[:channels], scale=scale[:channels]
    )
    rgb = generator.uniform(0, 255, (3, 3, 3))
    if order == "grey":
        rgb[:] = rgb[..., :1]
    theirs = (rgb[..., ["rgb".index(c) for c in wanted.order]] - wanted.mean) * wanted.scale
    seen = rgb[..., :1] if order == "grey" else rgb[..., ["rgb".index(c) for c in order]]
    ours = (seen - np.array(image.mean)) * np.array(image.scale)
    folded, _ = fold_input(conv, wanted, image)
    found = response(ours, folded.kernel, folded.bias)
    expected = response(theirs, conv.kernel, conv.bias)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("color_order", "mean", "same"),
    [("bgr", (3.0, 2.0, 1.0), True), ("rgb", (3.0, 2.0, 1.0), False), ("grey", (2.0,), False)],
)
def test_border_is_as_it_was_only_where_the_mean_colour_is(color_order, mean, same):
    conv = drawn(np.random.default_rng(0), norm=False)
    image = InputFormat(
        height=8, width=8, color_order=color_order, mean=mean, scale=(1.0,) * len(mean)
    )
    folded, found = fold_input(conv, Pixels("rgb", (1.0, 2.0, 3.0), (0.5,) * 3), image)
    assert found == same
    # Zeros all around the image add nothing but the bias.
    assert np.allclose(folded.bias, conv.bias) == same
