from __future__ import annotations

import numpy as np
import pytest

from detforge.errors import SpecError
from detforge_ssd import spec_pb2
from detforge_ssd.anchor_config import AnchorConfig, anchor_config, anchors_per_cell
from detforge_ssd.anchors import generate_anchors

MAPS_300 = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (2, 2)]
RATIOS = "[[1.0,2.0,0.5], [1.0,2.0,0.5,3.0,1.0/3.0], [1.0,2.0,0.5,3.0,1.0/3.0], [1.0,2.0,0.5,3.0,1.0/3.0], [1.0,2.0,0.5], [1.0,2.0,0.5]]"  # noqa: E501


def message(**changes):
    fields = {
        "aspect_ratios": RATIOS,
        "scales": "[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]",
        "two_boxes_for_ar1": True,
        "variances": "[0.1, 0.1, 0.2, 0.2]",
    }
    return spec_pb2.SsdConfig(**(fields | changes))


def one_map(**changes):
    """Return the anchors of a 2 x 3 map on an image of 40 x 60 pixels."""
    options = {"aspect_ratios": ((1.0,),), "scales": (0.5, 0.5)} | changes
    return generate_anchors(AnchorConfig(**options), [(2, 3)], 40, 60)


def problems(config):
    with pytest.raises(SpecError) as caught:
        anchor_config(config)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_documented_sample_has_the_documented_anchors():
    config = anchor_config(message())
    anchors = generate_anchors(config, MAPS_300, 300, 300) / 300
    assert anchors.shape == (8744, 4)
    assert anchors_per_cell(config) == (4, 6, 6, 6, 4, 4)
    want = [
        (-0.021842, -0.021842, 0.048158, 0.048158),
        (-0.038077, -0.038077, 0.064393, 0.064393),
        (-0.036340, -0.011591, 0.062655, 0.037907),
        (-0.011591, -0.036340, 0.037907, 0.062655),
        (0.004474, -0.021842, 0.074474, 0.048158),
    ]
    np.testing.assert_allclose(anchors[:5], want, atol=1e-6)
    np.testing.assert_allclose(anchors[-1], (0.442409, 0.134817, 1.057591, 1.365183), atol=1e-6)


def test_anchors_run_along_rows_first():
    anchors = one_map()
    assert anchors.dtype == np.float32
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    want = [[10, 10], [30, 10], [50, 10], [10, 30], [30, 30], [50, 30]]
    np.testing.assert_allclose(centres, want)
    np.testing.assert_allclose(anchors[0], [0, 0, 20, 20])


def test_aspect_ratio_is_width_over_height():
    anchors = one_map(aspect_ratios=((4.0,),))
    np.testing.assert_allclose(anchors[0], [10 - 20, 10 - 5, 10 + 20, 10 + 5])


def test_the_second_square_follows_the_first():
    anchors = one_map(aspect_ratios=((4.0, 1.0),), scales=(0.4, 0.9), two_boxes_for_ar1=True)
    assert len(anchors) == 2 * 3 * 3
    sides = (anchors[:, 2:] - anchors[:, :2])[:3]
    np.testing.assert_allclose(sides, [[32, 8], [16, 16], [24, 24]], rtol=1e-6)


def test_without_ratio_1_there_is_no_second_square():
    config = AnchorConfig(
        aspect_ratios=((2.0, 0.5), (1.0, 2.0)), scales=(0.2, 0.4, 0.8), two_boxes_for_ar1=True
    )
    assert anchors_per_cell(config) == (2, 3)
    assert len(generate_anchors(config, [(2, 2), (1, 1)], 30, 30)) == 2 * 4 + 3


def test_steps_and_offsets_are_vertical_then_horizontal():
    anchors = one_map(steps=((8.0, 16.0),), offsets=((0.25, 0.5),))
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_allclose(centres, [[8, 2], [24, 2], [40, 2], [8, 10], [24, 10], [40, 10]])


def test_clipped_anchors_end_at_the_last_pixel():
    anchors = one_map(scales=(1.5, 1.5), clip_boxes=True)
    np.testing.assert_allclose(anchors[0], [0, 0, 40, 39])
    np.testing.assert_allclose(anchors[5], [20, 0, 59, 39])


def test_numbers_and_pairs_may_be_mixed():
    config = anchor_config(message(steps="[8, [16, 18], 32, 64, 100, 150]", offsets="0.5," * 6))
    assert config.steps[:2] == ((8.0, 8.0), (16.0, 18.0))
    assert config.offsets == ((0.5, 0.5),) * 6


def test_absent_steps_and_offsets_follow_the_maps():
    config = anchor_config(message())
    assert config.steps is None
    assert config.offsets is None


def test_global_ratios_and_scale_ends_serve_all_maps():
    config = anchor_config(
        message(
            aspect_ratios="",
            aspect_ratios_global="[1.0, 2.0]",
            scales="",
            min_scale=0.25,
            max_scale=1.0,
        )
    )
    assert config.aspect_ratios == ((1.0, 2.0),) * 6
    np.testing.assert_allclose(config.scales, np.linspace(0.25, 1.0, 7))
    assert config.variances == (0.1, 0.1, 0.2, 0.2)


def test_lists_of_their_own_win_over_what_serves_all_maps():
    config = anchor_config(message(aspect_ratios_global="[3.0]", min_scale=0.5, max_scale=0.6))
    assert config == anchor_config(message())


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        pytest.param({"aspect_ratios": ""}, "aspect_ratios", "is missing", id="no-ratios"),
        pytest.param(
            {"aspect_ratios": "[[1.0], [2.0]]"}, "aspect_ratios", "2 items; it needs 6", id="2-maps"
        ),
        pytest.param(
            {"aspect_ratios": "[1, 2, 3, 4, 5, 6]"}, "aspect_ratios", "a list of", id="flat-ratios"
        ),
        pytest.param(
            {"aspect_ratios": "", "aspect_ratios_global": "[[1.0]]"},
            "aspect_ratios_global",
            "without inner lists",
            id="nested-global-ratios",
        ),
        pytest.param(
            {"aspect_ratios": "", "aspect_ratios_global": "[]"},
            "aspect_ratios_global",
            "empty",
            id="empty-global-ratios",
        ),
        pytest.param(
            {"scales": "[0.1, 0.2, 0.3, 0.4, 0.5, 1.05, 1.05]"},
            "scales",
            "has 1.05 among the first 6",
            id="larger-than-the-image",
        ),
        pytest.param({"scales": "[0.1, 0.2]"}, "scales", "2 items; it needs 7", id="2-scales"),
        pytest.param({"scales": ""}, "scales", "min_scale", id="no-scales"),
        pytest.param(
            {"scales": "", "min_scale": 0.75, "max_scale": 0.5}, "min_scale", "swap", id="swapped"
        ),
        pytest.param({"scales": "[0.1, 0.2"}, "scales", "character", id="open-bracket"),
        pytest.param({"steps": "[8]"}, "steps", "1 items; it needs 6", id="1-step"),
        pytest.param({"offsets": "[[1, 2, 3], 1, 1, 1, 1, 1]"}, "offsets", "vertical", id="triple"),
        pytest.param({"variances": "[0.1]"}, "variances", "cx, cy, w and h", id="1-variance"),
    ],
)
def test_a_wrong_list_is_named(changes, path, text):
    found = problems(message(**changes))
    assert list(found) == [f"ssd_config.{path}"]
    assert text in found[f"ssd_config.{path}"]


def test_all_wrong_lists_are_named_at_once():
    found = problems(message(scales="[0.1]", steps="[1]", variances="[1]"))
    assert set(found) == {"ssd_config.scales", "ssd_config.steps", "ssd_config.variances"}


def test_the_number_of_maps_is_the_models():
    ratios = anchor_config(message(aspect_ratios="[[1.0], [2.0]]", scales="1, 1, 1"), n_maps=2)
    assert ratios.aspect_ratios == ((1.0,), (2.0,))
