from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from detforge.boxes.cropping import crop_and_resize, sample_grid


def crop(features, boxes, size, height=64, width=96):
    found = crop_and_resize(features, boxes, size=size, height=height, width=width)
    return ops.convert_to_numpy(found)


def features(images=2, rows=4, columns=6, channels=3):
    return np.random.default_rng(1).normal(size=(images, rows, columns, channels)).astype("f4")


def boxes(images=2, count=7):
    rng = np.random.default_rng(2)
    sides = np.sort(rng.uniform(0, 1, (images, count, 2, 2)), axis=2)
    return (sides * [96, 64]).reshape(images, count, 4).astype("f4")


@pytest.mark.parametrize("size", [1, 2, 7])
def test_crops_equal_those_of_tensorflow(size):
    import tensorflow

    maps, regions = features(), boxes()
    relative = regions[..., [1, 0, 3, 2]] / [64, 96, 64, 96]
    wanted = tensorflow.image.crop_and_resize(
        maps, relative.reshape(-1, 4), np.repeat([0, 1], 7), (size, size)
    )
    found = crop(maps, regions, size).reshape(14, size, size, 3)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_the_whole_image_sampled_once_a_cell_is_the_map():
    maps = features(rows=5, columns=5)
    whole = np.tile(np.array([0, 0, 96, 64], np.float32), (2, 1, 1))
    np.testing.assert_allclose(crop(maps, whole, 5)[:, 0], maps, atol=1e-5)


def test_a_region_of_padding_gives_finite_features():
    assert np.isfinite(crop(features(), np.zeros((2, 1, 4), np.float32), 7)).all()


def test_places_outside_the_map_take_its_border():
    maps = features(images=1)
    outside = np.array([[[-3.0, 9.0]]], np.float32)
    found = ops.convert_to_numpy(sample_grid(maps, outside, outside))[0, 0]
    np.testing.assert_allclose(found[0, 0], maps[0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[1, 1], maps[0, 3, 5], atol=1e-6)
