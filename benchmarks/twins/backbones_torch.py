"""ResNet-18, MobileNet V2 and EfficientNet-B0 in plain PyTorch, in the form SSD builds them in.

A layer with weights is the last part of its module's path under the name that ours has.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn


class ConvNorm(nn.Sequential):
    """A convolution, padded on both sides unless told otherwise, and its normalisation."""

    def __init__(
        self,
        names: tuple[str, str],
        cin: int,
        cout: int,
        k: int,
        stride: int = 1,
        *,
        groups: int = 1,
        padding: int | None = None,
        momentum: float = 0.01,
    ) -> None:
        super().__init__()
        half = (k - 1) // 2 if padding is None else padding
        conv = nn.Conv2d(cin, cout, k, stride, half, groups=groups, bias=False)
        self.add_module(names[0], conv)
        self.add_module(names[1], nn.BatchNorm2d(cout, eps=1e-3, momentum=momentum))


class Unit(nn.Module):
    """Two 3x3 convolutions and a projected shortcut."""

    def __init__(self, name: str, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.first = ConvNorm((f"{name}_conv_1", f"{name}_bn_1"), cin, cout, 3, stride)
        self.second = ConvNorm((f"{name}_conv_2", f"{name}_bn_2"), cout, cout, 3)
        shortcut = (f"{name}_conv_shortcut", f"{name}_bn_shortcut")
        self.shortcut = ConvNorm(shortcut, cin, cout, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ResNet18(nn.Module):
    """Without pooling, with all projections: strides 4, 8, 16 and 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(("conv1", "bn_conv1"), 3, 64, 7, 2)
        widths, strides = (64, 64, 128, 256, 512), (2, 2, 2, 1)
        self.stages = nn.ModuleList(
            nn.Sequential(
                Unit(f"block_{i + 1}a", widths[i], widths[i + 1], strides[i]),
                Unit(f"block_{i + 1}b", widths[i + 1], widths[i + 1], 1),
            )
            for i in range(4)
        )

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of each stage."""
        x, found = F.relu(self.stem(x)), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.maps(x)[-1]


class Inverted(nn.Module):
    """Widen, convolve each channel, narrow; the shortcut is projected where there is one."""

    def __init__(self, k: int, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        name, wide = (f"block_{k}_", 6 * cin) if k else ("expanded_conv_", cin)

        def conv(layer: str, *sizes: int, groups: int = 1) -> ConvNorm:
            names = (f"{name}{layer}", f"{name}{layer}_bn")
            return ConvNorm(names, *sizes, groups=groups, momentum=0.001)

        self.expand = conv("expand", cin, wide, 1) if k else None
        self.depthwise = conv("depthwise", wide, wide, 3, stride, groups=wide)
        self.project = conv("project", wide, cout, 1)
        self.shortcut = None
        if stride == 1 and cin == cout:
            projected = nn.Conv2d(cin, cout, 1, bias=False)
            self.shortcut = nn.ModuleDict({f"{name}projected_inputs": projected})

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.expand(x)) if self.expand else x
        y = self.project(F.relu(self.depthwise(y)))
        if self.shortcut:
            for projected in self.shortcut.values():
                y = y + projected(x)
        return y


class MobileNetV2(nn.Module):
    """Down to stride 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(("conv1", "bn_conv1"), 3, 32, 3, 2, momentum=0.001)
        widths = (32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96)
        self.units = nn.Sequential(
            *(
                Inverted(k, cin, cout, 2 if k in (1, 3, 6) else 1)
                for k, (cin, cout) in enumerate(pairwise(widths))
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.units(F.relu(self.stem(x)))


class Padded(nn.Module):
    """A strided convolution that pads an even side less in front, as TensorFlow's SAME does."""

    def __init__(self, side: int, names: tuple[str, str], cin: int, cout: int, k: int, **more: int):
        super().__init__()
        half, even = (k - 1) // 2, side % 2 == 0
        self.padding = (half - 1, half, half - 1, half) if even else None
        self.body = ConvNorm(names, cin, cout, k, 2, padding=0 if even else half, **more)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(F.pad(x, self.padding) if self.padding else x)


class Excited(nn.Module):
    """`Inverted` with swish, squeeze and excitation, and branches that drop out in training."""

    def __init__(self, name: str, side: int, *sizes: int, drop: float) -> None:
        super().__init__()
        cin, cout, k, stride, widen = sizes
        wide = widen * cin
        expand = (f"{name}expand_conv", f"{name}expand_bn")
        self.expand = ConvNorm(expand, cin, wide, 1) if widen > 1 else None
        names = (f"{name}dwconv", f"{name}bn")
        if stride == 1:
            self.depthwise = ConvNorm(names, wide, wide, k, groups=wide)
        else:
            self.depthwise = Padded(side, names, wide, wide, k, groups=wide)
        squeezed = max(1, cin // 4)
        self.squeeze = nn.Sequential()
        self.squeeze.add_module(f"{name}se_reduce", nn.Conv2d(wide, squeezed, 1))
        self.squeeze.add_module("swish", nn.SiLU())
        self.squeeze.add_module(f"{name}se_expand", nn.Conv2d(squeezed, wide, 1))
        self.squeeze.add_module("sigmoid", nn.Sigmoid())
        self.project = ConvNorm((f"{name}project_conv", f"{name}project_bn"), wide, cout, 1)
        self.adds, self.drop = stride == 1 and cin == cout, drop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.silu(self.expand(x)) if self.expand else x
        y = F.silu(self.depthwise(y))
        y = self.project(y * self.squeeze(F.adaptive_avg_pool2d(y, 1)))
        if not self.adds:
            return y
        if self.training and self.drop:
            kept = y.new_empty(len(y), 1, 1, 1).bernoulli_(1 - self.drop)
            y = y * (kept / (1 - self.drop))
        return y + x


class EfficientNetB0(nn.Module):
    """Down to stride 32; 0.2 is the drop-connect rate."""

    # kernel, stride, expansion, filters, repeats: table 1 of arXiv:1905.11946
    STAGES = (
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 2),
        (5, 2, 6, 40, 2),
        (3, 2, 6, 80, 3),
        (5, 1, 6, 112, 3),
        (5, 2, 6, 192, 4),
        (3, 1, 6, 320, 1),
    )

    def __init__(self, side: int = 300) -> None:
        super().__init__()
        self.stem = Padded(side, ("stem_conv", "stem_bn"), 3, 32, 3)
        side, cin, units = (side + 1) // 2, 32, []
        for number, (k, first, widen, cout, repeats) in enumerate(self.STAGES, 1):
            for letter, stride in zip("abcd"[:repeats], (first, 1, 1, 1), strict=False):
                name, drop = f"block{number}{letter}_", 0.2 * len(units) / 16
                units.append(Excited(name, side, cin, cout, k, stride, widen, drop=drop))
                side, cin = -(-side // stride), cout
        self.units = nn.Sequential(*units)
        self.top = ConvNorm(("top_conv", "top_bn"), cin, 1280, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(self.top(self.units(F.silu(self.stem(x)))))


TWINS = {
    "resnet18": ResNet18,
    "mobilenet_v2": MobileNetV2,
    "efficientnet_b0": EfficientNetB0,
}


def load_weights(twin: nn.Module, arrays: dict[str, dict[str, object]]) -> None:
    """Give a twin the weights of our layers.

    Args:
        twin: changed in place.
        arrays: layer -> variable -> numpy array, as Keras names and lays them out.

    Raises:
        ValueError: a layer of one side that the other does not have.
    """
    found = {path.rpartition(".")[2]: m for path, m in twin.named_modules() if _has_weights(m)}
    if found.keys() != arrays.keys():
        raise ValueError(f"layers of one side only: {sorted(found.keys() ^ arrays.keys())}")
    for name, module in found.items():
        of = {variable: torch.from_numpy(array) for variable, array in arrays[name].items()}
        if isinstance(module, nn.BatchNorm2d):
            of = {theirs: of[ours] for ours, theirs in _NORM.items()}
            of["num_batches_tracked"] = torch.tensor(0)
        else:
            order = (2, 3, 0, 1) if module.groups > 1 else (3, 2, 0, 1)
            of["weight"] = of.pop("kernel").permute(order)
        module.load_state_dict(of)


_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _has_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


class TorchForward:
    """The features of a constant batch, in inference mode."""

    def __init__(self, name: str, images, *, threads: int, last: bool) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(threads)
        layout = torch.channels_last if last else torch.contiguous_format
        self.model = TWINS[name]().to(memory_format=layout).eval()
        images = torch.from_numpy(images).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=layout)

    def __call__(self) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(self.images)


class TorchStep(TorchForward):
    """A step of SGD on a constant batch, down the mean square of the features."""

    def __init__(self, name: str, images, *, threads: int, last: bool) -> None:
        super().__init__(name, images, threads=threads, last=last)
        self.model.train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)

    def __call__(self) -> float:
        loss = self.model(self.images).square().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
