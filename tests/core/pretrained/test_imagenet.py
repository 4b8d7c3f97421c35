"""ImageNet weights by Keras' download, which no test starts."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from detforge.errors import CheckpointError
from detforge.pretrained.imagenet import _NETWORKS, fetch

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("network", sorted(_NETWORKS.values()))
def test_keras_has_the_networks_that_we_ask_it_for(network):
    assert callable(getattr(keras.applications, network))


@pytest.mark.parametrize(
    ("arch", "depth", "advice"),
    [
        ("resnet", 18, "state dict of torchvision's resnet18 with safetensors.torch.save_file"),
        ("resnet", 10, "torchvision's resnet18, a warm start,"),
        ("squeezenet", 0, "torchvision's squeezenet1_0"),
        ("darknet", 19, "start from a checkpoint, or from random weights"),
    ],
)
def test_backbone_without_weights_of_keras_names_what_to_take_instead(arch, depth, advice):
    with pytest.raises(CheckpointError, match="Keras publishes no ImageNet weights") as caught:
        fetch(arch, depth)
    assert advice in str(caught.value)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*HDF5 file")
def test_without_network_what_lies_in_the_cache_is_used_and_the_rest_explained(tmp_path):
    model = keras.applications.MobileNetV2(weights=None, include_top=False)
    model.get_layer("Conv1").set_weights([model.get_layer("Conv1").get_weights()[0] * 0 + 0.5])
    (tmp_path / "models").mkdir()
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    model.save(tmp_path / "models" / name)
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.pretrained.fetch_offline", "mobilenet_v2:0", "vgg:16"],
        cwd=ROOT,
        env={**os.environ, "KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, found, failed = done.stdout.splitlines()
    assert found == f"mobilenet_v2 of Keras Applications {0.5 * 27 * 32}"
    assert failed.startswith("the ImageNet weights of vgg 16 could not be fetched: ")
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in failed
    assert failed.endswith(
        f"bring the file from there into {tmp_path / 'models'}, where Keras looks first, or give "
        "it with -m FILE"
    )
