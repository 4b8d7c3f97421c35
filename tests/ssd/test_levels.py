import pytest

from tests.ssd.test_model import build


@pytest.mark.parametrize("network", ["ssd", "dssd"])
@pytest.mark.parametrize("extra", ["", "pred_num_channels: 256"])
def test_levels_are_the_maps_that_heads_look_at(network, extra):
    model = build(10, 128, 128, network=network, extra=extra)
    part = model.parts["detector"]
    found = [part.get_layer(level.layer).output for level in model.levels]
    wanted = [part.get_layer(f"ssd_conf_{k}").input for k in range(6)]
    assert all(x is y for x, y in zip(found, wanted, strict=True))
    assert [level.anchors for level in model.levels] == [4, 6, 6, 6, 4, 4]
