"""What an exported model says about itself."""

from __future__ import annotations

import pytest

from detforge.files.metadata import ModelInfo, from_metadata, to_metadata
from detforge.recipe import InputFormat

FORMS = {
    "stretched": InputFormat(height=384, width=1248, mean=(0.1, 1 / 3, 2.0), scale=(0.5, 1.0, 0.1)),
    "cut and padded": InputFormat(height=8, width=16, resize="pad", window=(20, 10, 36, 18)),
    "grey": InputFormat(height=8, width=8, color_order="grey", mean=(117.3786,), scale=(1.0,)),
    "of any shape": InputFormat(height=0, width=0, shorter_side=600, longer_side=1000),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_written_into_a_model_is_read_back(form):
    info = ModelInfo(
        detector="ssd",
        plugin_version="0.2.0",
        detforge_version="0.2.0",
        class_names=("car", "Fußgänger"),
        input=form,
        spec_sha256="0" * 64,
    )
    assert from_metadata(to_metadata(info), "model.onnx") == info
