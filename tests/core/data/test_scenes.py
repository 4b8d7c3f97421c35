from __future__ import annotations

import json

import numpy as np
import pytest
from tests.core.data.data_builders import SHAPES

from detforge.data.coco import CocoFile
from detforge.data.kitti import KittiFolder
from detforge.data.masks import decode_mask
from detforge.data.scenes import draw_scenes
from detforge.errors import DatasetError


def _files(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_draws_the_same_files(tmp_path):
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        draw_scenes(tmp_path / name, images=2, seed=seed)
    assert _files(tmp_path / "one") == _files(tmp_path / "same")
    assert _files(tmp_path / "one") != _files(tmp_path / "other")


def test_more_images_begin_with_the_same_ones(tmp_path):
    draw_scenes(tmp_path / "few", images=1, seed=3)
    draw_scenes(tmp_path / "more", images=2, seed=3)
    first = [tmp_path / name / "images" / "000000.jpg" for name in ("few", "more")]
    assert first[0].read_bytes() == first[1].read_bytes()


def test_every_image_has_one_to_six_objects_inside_it(tmp_path):
    scenes = draw_scenes(tmp_path, images=40, seed=9, size=(160, 120))
    source = KittiFolder(scenes.images, scenes.labels)
    counts = set()
    for row in range(40):
        sample = source[row]
        counts.add(len(sample.boxes))
        assert sample.image().shape == (120, 160, 3)
        assert not sample.dropped
        sides = sample.boxes[:, 2:] - sample.boxes[:, :2]
        assert (sides > 8).all()
        assert (sample.boxes >= 0).all()
        assert (sample.boxes <= [160, 120, 160, 120]).all()
    assert counts <= {1, 2, 3, 4, 5, 6}
    assert {1, 6} <= counts
    assert set(source.class_counts()) == set(SHAPES)


def test_no_object_is_hidden(tmp_path):
    scenes = draw_scenes(tmp_path, images=20, seed=2, size=(160, 120))
    source = CocoFile(scenes.annotations, scenes.images)
    for row in range(20):
        masks = [decode_mask(png, 160, 120, "").astype(bool) for png in source[row].masks]
        for index, mask in enumerate(masks):
            nearer = np.any(masks[index + 1 :], axis=0)
            assert (mask & ~nearer).sum() > 0.6 * mask.sum()


def test_pixels_of_an_object_differ_from_what_is_around_it(tmp_path):
    scenes = draw_scenes(tmp_path, images=20, seed=6)
    source = CocoFile(scenes.annotations, scenes.images)
    contrasts = []
    for row in range(20):
        sample = source[row]
        image = sample.image().astype(float)
        nearest = decode_mask(sample.masks[-1], sample.width, sample.height, "").astype(bool)
        x1, y1, x2, y2 = (int(v) for v in sample.boxes[-1])
        around = np.zeros_like(nearest)
        around[max(y1 - 6, 0) : y2 + 6, max(x1 - 6, 0) : x2 + 6] = True
        inside, outside = image[nearest].mean(axis=0), image[around & ~nearest].mean(axis=0)
        contrasts.append(np.abs(inside - outside).max())
    assert np.median(contrasts) > 60


def test_coco_areas_are_those_of_the_shapes(tmp_path):
    scenes = draw_scenes(tmp_path, images=10, seed=1)
    content = json.loads(scenes.annotations.read_text())
    source = CocoFile(scenes.annotations, scenes.images)
    drawn = [decode_mask(png, 320, 240, "").sum() for row in range(10) for png in source[row].masks]
    areas = [annotation["area"] for annotation in content["annotations"]]
    np.testing.assert_allclose(drawn, areas, rtol=0.1)


@pytest.mark.parametrize("name", ["images", "labels", "instances.json"])
def test_data_set_that_is_there_is_never_drawn_over(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "000000.jpg").write_text("mine")
    with pytest.raises(DatasetError, match=f"holds a data set already \\({name}\\).*empty folder"):
        draw_scenes(tmp_path, images=1, seed=1)
    assert list(_files(tmp_path).values()) == [b"mine"]


@pytest.mark.parametrize("size", [(64, 64), (97, 61)])
def test_any_size_can_be_drawn(tmp_path, size):
    scenes = draw_scenes(tmp_path, images=3, seed=1, size=size)
    sample = KittiFolder(scenes.images, scenes.labels)[0]
    assert (sample.width, sample.height) == size
