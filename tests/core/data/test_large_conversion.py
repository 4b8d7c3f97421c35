from __future__ import annotations

import pytest
from benchmarks.large_coco import measure, write_images, write_large_coco


@pytest.mark.slow
def test_a_million_annotations_are_converted_within_a_gibibyte(tmp_path):
    path, images = tmp_path / "instances.json", tmp_path / "images"
    write_large_coco(path, 1_000_000, per_image=500)
    write_images(images, 2000)
    found = measure(path, images)
    assert found["objects"] == 1_000_000
    assert found["peak_mib"] < 1024
