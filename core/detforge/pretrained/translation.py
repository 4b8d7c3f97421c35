"""Published weights brought into the form of our backbones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from detforge.errors import CheckpointError
from detforge.pretrained import own_names
from detforge.pretrained.conversion import (
    EPSILON,
    ConvNorm,
    Slots,
    embed,
    fold_input,
    identity,
    to_slots,
)
from detforge.pretrained.public import backbone_name
from detforge.weights import few

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from detforge.backbones import Backbone
    from detforge.pretrained.public import PublicModel
    from detforge.pretrained.reading import WeightFile
    from detforge.recipe import InputFormat

_NORM_SLOTS = {"moving_mean", "moving_variance"}


class Translated(NamedTuple):
    """Published weights for a backbone of ours.

    Attributes:
        layers: our layer name -> slot -> float32 array, of the whole backbone.
        notes: what was done, a sentence each, for the log.
        options: name of a `BackboneOptions` -> value, that the weights need and the backbone does
            not have yet.
    """

    layers: Mapping[str, Slots]
    notes: tuple[str, ...]
    options: Mapping[str, Any]


def translate(
    found: PublicModel, file: WeightFile, backbone: Backbone, image: InputFormat
) -> Translated:
    """Return published weights as our backbone wants them.

    With the options that it names the backbone computes what the published network does, unless a
    note says otherwise.

    Args:
        found: what `public.recognise` said about the file.
        file: where the weights are from, for messages.
        backbone: what the spec describes.
        image: the pixels that the detector feeds it.

    Raises:
        CheckpointError: the weights are of another network.
    """
    _check_same(found, file, backbone)
    work = _Work(found, backbone, image)
    options = _options(found, backbone)
    why = [*_differences(found, backbone, image)]
    if work.incomplete:
        why.append("the file is incomplete")
    return Translated(work.layers, tuple(_notes(work, found, options, why)), options)


def _options(found: PublicModel, backbone: Backbone) -> dict[str, Any]:
    """Return the options that the weights need and the backbone does not have yet."""
    from detforge.backbones.resnet import BOTTLENECKS

    needed = dict(found.layout.options)
    if backbone.depth not in BOTTLENECKS:
        needed.pop("stride_in_middle", None)  # has an effect on bottlenecks only
    return {
        name: value
        for name, value in needed.items()
        if name in backbone.family.options and getattr(backbone.options, name) != value
    }


def _check_same(found: PublicModel, file: WeightFile, backbone: Backbone) -> None:
    wanted = (backbone.arch, backbone.depth)
    if wanted == (found.arch, found.depth) or (wanted, found.depth) == (("resnet", 10), 18):
        return
    raise CheckpointError(
        f"{file.path} holds weights of {found}, but the spec's backbone is "
        f"{backbone_name(*wanted)}; name weights of that, or change the spec's arch and nlayers"
    )


class _Work:
    """One translation, layer by layer.

    Attributes:
        layers: what there is so far.
        said: what was done, in order, each once.
        incomplete: normalisations that the file lacks or holds in part.
        differs_at_border: features there are not those of the published network.
    """

    def __init__(self, found: PublicModel, backbone: Backbone, image: InputFormat) -> None:
        self.layers: dict[str, Slots] = {}
        self.said: dict[str, None] = {}
        self.incomplete: list[str] = []
        self.differs_at_border = False
        self._found, self._backbone, self._image = found, backbone, image
        self._family = own_names.family_of(backbone.arch)
        self._first = own_names.FIRST.get(self._family, "conv1")
        self._source_has_norms = any("moving_mean" in slots for slots in found.layers.values())
        # The units of ResNet-10 are the first ones of ResNet-18's stages.
        beyond = r"block_\d[^a].*" if backbone.depth < found.depth else "(?!)"
        for name, slots in found.layers.items():
            if "kernel" in slots and not re.fullmatch(beyond, name):
                self._add(name)
        self._add_projections()

    def _say(self, sentence: str) -> None:
        self.said[sentence] = None

    def _add(self, name: str) -> None:
        """Add a convolution of the file, and its normalisation."""
        norm = own_names.norm_behind(self._family, name)
        slots = self._found.layers.get(norm, {})
        if norm and self._source_has_norms and not slots.keys() >= _NORM_SLOTS:
            self.incomplete.append(norm)
            return
        self._check_channels(name, slots)
        conv = ConvNorm.of(self._found.layers[name], slots, self._found.epsilon)
        if name == self._first:
            conv = self._with_our_input(conv)
        if name.endswith("_5x5") and conv.kernel.shape[0] == 3:
            conv = embed(conv, 5)
            self._say("its 3 x 3 kernels are the middle of our 5 x 5 ones")
        self._put(name, norm, conv)

    def _check_channels(self, name: str, norm: Mapping[str, np.ndarray]) -> None:
        conv = dict(self._found.layers[name])
        kernel = conv.pop("kernel")
        channels = kernel.shape[2 if own_names.is_depthwise(name) else 3]
        if any(len(array) != channels for array in (*conv.values(), *norm.values())):
            raise CheckpointError(
                f"the weights of {self._found} are damaged: what belongs to {name} is not of "
                f"{channels} channels throughout; get the file again from where it came from"
            )

    def _with_our_input(self, conv: ConvNorm) -> ConvNorm:
        """Return the first convolution for the pixels that the detector feeds it."""
        if conv.kernel.shape[2] != 3:
            self._say(
                "the first convolution does not see three colours, so what it was trained on is "
                "unknown and its weights stay as they are"
            )
            return conv
        layout = self._found.layout
        inside = layout.pixels_inside
        pixels = inside(self._found.layers) if inside else layout.pixels
        conv, same_border = fold_input(conv, pixels, self._image)
        self._say("its input normalisation is folded into the first convolution")
        if self._image.color_order == "grey":
            self._say("the image is grey: the first convolution's weights are summed over colours")
        if not same_border:
            self.differs_at_border = True
            self._say("zeros around the image are another colour than in its training")
        return conv

    def _put(self, name: str, norm: str, conv: ConvNorm) -> None:
        """Add what a convolution and its normalisation shall compute, as the spec has them."""
        options, epsilon = self._backbone.options, self._found.epsilon
        has_norm = bool(norm) and options.use_batch_norm
        plain = name.endswith(("_project_conv", "_projected_inputs"))
        has_bias = not plain and (not has_norm or options.use_bias)
        if has_norm and not self._source_has_norms:
            self._say("it has no batch normalisation: ours changes nothing until it is trained")
        if has_norm and conv.norm and epsilon != EPSILON:
            self._say(f"epsilon {epsilon} of its batch normalisation is folded in; ours: {EPSILON}")
        if conv.norm and not has_norm:
            self._say("its batch normalisation is folded into the convolutions")
        if conv.norm and not has_bias and "bias" in self._found.layers[name]:
            self._say("biases of its convolutions are in the moving means")
        slots, norm_slots = to_slots(conv, has_bias=has_bias, has_norm=has_norm)
        self.layers[name] = slots
        if norm_slots:
            self.layers[norm] = norm_slots

    def _add_projections(self) -> None:
        """Add the shortcuts that are convolutions here and nothing in the published network."""
        missing = {"resnet": self._resnet_shortcuts, "mobilenet_v2": self._mobilenet_shortcuts}
        shortcuts = missing[self._family]() if self._family in missing else {}
        for name, channels in shortcuts.items():
            self._put(name, own_names.norm_behind(self._family, name), identity(channels))
        if shortcuts:
            self._say(f"{len(shortcuts)} shortcuts that are convolutions here change nothing")

    def _resnet_shortcuts(self) -> dict[str, int]:
        found = {}
        for name, slots in self.layers.items():
            match = re.fullmatch(r"(block_\d(.))_conv_([123])", name)
            # The last convolution of a unit has no successor.
            if not match or f"{match[1]}_conv_{int(match[3]) + 1}" in self.layers:
                continue
            shortcut = f"{match[1]}_conv_shortcut"
            wanted = match[2] == "a" or self._backbone.options.all_projections
            if wanted and shortcut not in self.layers:
                found[shortcut] = slots["kernel"].shape[3]
        return found

    def _mobilenet_shortcuts(self) -> dict[str, int]:
        if not self._backbone.options.all_projections:
            return {}
        found = {}
        for k in range(1, 17):
            wide = self.layers.get(f"block_{k}_expand", {}).get("kernel")
            narrow = self.layers.get(f"block_{k}_project", {}).get("kernel")
            if wide is not None and narrow is not None and wide.shape[2] == narrow.shape[3]:
                found[f"block_{k}_projected_inputs"] = wide.shape[2]
        return found


def _notes(
    work: _Work, found: PublicModel, options: Mapping[str, Any], why: list[str]
) -> Iterator[str]:
    yield f"weights of {found}"
    if found.layout.remark:
        yield found.layout.remark
    if found.left_out:
        yield f"left out: {few(found.left_out)}"
    if work.incomplete:
        yield f"not in the file: {few(work.incomplete)}"
    if options:
        yield "the network is built with " + ", ".join(f"{k}={v}" for k, v in options.items())
    yield from work.said
    if why:
        yield "a warm start, not the published features: " + "; ".join(why)
    else:
        but = ", but for the border of the image" if work.differs_at_border else ""
        yield f"features are those of the published network{but}"


def _differences(found: PublicModel, backbone: Backbone, image: InputFormat) -> Iterator[str]:
    """Yield what the spec's network does otherwise than the published one."""
    options, family = backbone.options, own_names.family_of(backbone.arch)
    yield from found.layout.differences
    if backbone.depth != found.depth:
        yield "ours has only the first unit of each stage"
    if family in ("resnet", "vgg") and not options.use_pooling:
        yield "the spec's network strides where it pools"
    if options.max_stride:
        yield f"the spec's network halves no further than stride {options.max_stride}"
    if family == "efficientnet" and options.activation != "swish":
        yield f"it has swish where the spec has {options.activation}"
    odd = image.height % 32 or image.width % 32
    if family == "mobilenet_v1" and odd:
        yield "it pads odd sizes otherwise, which sides that are multiples of 32 pixels avoid"
