"""The layouts of timm's state dicts, where they are not those of torchvision."""

from __future__ import annotations

from dataclasses import replace

from detforge.pretrained.layouts import IMAGENET, SYMMETRIC, Layout, by_rules, letter
from detforge.pretrained.torch_names import EFFICIENT_STEPS, residual

# The units of each stage of MobileNet V2, table 2 of arXiv:1801.04381.
_REPEATS = (1, 2, 3, 4, 3, 3, 1)
_STEPS = {
    "conv_pw": "expand",
    "bn1": "expand_bn",
    "conv_dw": "depthwise",
    "bn2": "depthwise_bn",
    "conv_pwl": "project",
    "bn3": "project_bn",
}
_FIRST_STEPS = {
    "conv_dw": "depthwise",
    "bn1": "depthwise_bn",
    "conv_pw": "project",
    "bn2": "project_bn",
}


def _residual(stage: str, unit: str, module: str) -> str | None:
    s, i = int(stage), int(unit)
    step = (_STEPS if s else _FIRST_STEPS).get(module)
    if step is None or i >= _REPEATS[s]:
        return None
    return residual(sum(_REPEATS[:s]) + i, step)


_MOBILENET_V2 = by_rules(
    ("conv_stem", "conv1"),
    ("bn1", "bn_conv1"),
    ("conv_head", "conv_1"),
    ("bn2", "conv_1_bn"),
    (r"blocks\.([0-6])\.(\d+)\.(\w+)", _residual),
)


def _efficient_unit(stage: str, unit: str, module: str) -> str | None:
    step = (_STEPS if stage != "0" else _FIRST_STEPS).get(module)
    return step and f"block{int(stage) + 1}{letter(unit)}_{EFFICIENT_STEPS[step]}"


_EFFICIENTNET = by_rules(
    ("conv_stem", "stem_conv"),
    ("bn1", "stem_bn"),
    ("conv_head", "top_conv"),
    ("bn2", "top_bn"),
    (
        r"blocks\.([0-6])\.(\d+)\.se\.conv_(reduce|expand)",
        lambda stage, unit, which: f"block{int(stage) + 1}{letter(unit)}_se_{which}",
    ),
    (r"blocks\.([0-6])\.(\d+)\.(\w+)", _efficient_unit),
)


def _darknet(name: str, kind: str) -> str:
    return name if kind == "conv" else f"{name}_bn"


_DARKNET = by_rules(
    (r"stem\.conv1\.(conv|bn)", lambda kind: _darknet("conv1", kind)),
    (
        r"stages\.(\d)\.conv_down\.(conv|bn)",
        lambda stage, kind: _darknet(f"conv{int(stage) + 2}", kind),
    ),
    (
        r"stages\.(\d)\.blocks\.(\d+)\.conv([12])\.(conv|bn)",
        lambda stage, unit, n, kind: _darknet(f"b{int(stage) + 1}_conv{int(unit) + 1}_{n}", kind),
    ),
)

_EFFICIENTNETS = Layout(
    source="timm",
    family="efficientnet",
    mark=r"blocks\.0\.0\.se\.conv_reduce",
    trunk=r"(conv_stem|conv_head|bn[12]|blocks\..*)",
    rename=_EFFICIENTNET,
    epsilon=1e-5,
    pixels=IMAGENET,
    options={"asymmetric_padding": False},
    remark="taken for weights trained in PyTorch; those that timm took over from TensorFlow have "
    "the same names and need a file name with 'tf_efficientnet' in it",
)
_TF_EFFICIENTNETS = replace(
    _EFFICIENTNETS,
    epsilon=1e-3,
    options={"asymmetric_padding": True},
    file_mark="tf_efficientnet",
    remark="trained in TensorFlow, as the file's name says",
)

# Of layouts with the same layers the first fits whose `file_mark` the file's name holds: the
# recipes "ap" and "ra4" have an input of their own.
LAYOUTS = (
    replace(_TF_EFFICIENTNETS, pixels=SYMMETRIC, file_mark=r"tf_efficientnet.*[._]ap_"),
    _TF_EFFICIENTNETS,
    replace(_EFFICIENTNETS, pixels=SYMMETRIC, file_mark=r"efficientnet.*[._]ra4_"),
    _EFFICIENTNETS,
    Layout(
        source="timm",
        family="mobilenet_v2",
        mark=r"blocks\.0\.0\.conv_dw",
        trunk=r"(conv_stem|conv_head|bn[12]|blocks\..*)",
        rename=_MOBILENET_V2,
        epsilon=1e-5,
        pixels=IMAGENET,
        options={"asymmetric_padding": False, "activation": "relu6"},
    ),
    Layout(
        source="timm",
        family="darknet",
        mark=r"stages\.0\.conv_down\.conv",
        trunk=r"stem\..*|stages\..*",
        rename=_DARKNET,
        epsilon=1e-5,
        pixels=IMAGENET,
        differences=("its leaky ReLU has slope 0.01",),
    ),
)
