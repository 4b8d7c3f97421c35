"""The pruning pass, without start-up: every SSD, a generated graph of 1,000 layers, and memory."""

from __future__ import annotations

import multiprocessing as mp
import statistics
import sys
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks.backbones import ssd_build, ssd_networks
from benchmarks.pairs import Pair, Side, pair_of

LARGEST = ("resnet", 101)


def run(turns: int) -> list[Pair]:
    """Return seconds of the pass over those of building, and its memory over the model's."""
    return [slowest_ssd(turns), thousand_layers(turns), memory(turns)]


def slowest_ssd(turns: int) -> Pair:
    """Return the SSD that takes longest to prune."""
    networks = ssd_networks()
    side = Side(by_turns, ssd_build, networks)
    seconds(side)  # the first one warms up
    found = {network: [] for network in networks}
    for _ in range(turns):
        for network in networks[1:] + networks[:1]:  # where the warming up ended
            found[network].append(seconds(side))
    side.close()
    medians = {
        network: statistics.median(pruning for _, pruning in times)
        for network, times in found.items()
    }
    for (arch, depth), median in medians.items():
        print(f"pruning SSD, {arch} {depth}: {median:.2f} s", file=sys.stderr)
    arch, depth = slowest = max(medians, key=medians.get)
    what = f"pruning the slowest SSD, {arch} {depth}, over building it (seconds)"
    return pair(what, found[slowest], "at most 3 s")


def thousand_layers(turns: int) -> Pair:
    """Return the times of the generated graph."""
    side = Side(by_turns, generated_build, [()])
    seconds(side)
    found = [seconds(side) for _ in range(turns)]
    side.close()
    what = "pruning a graph of 1,000 layers over building it (seconds)"
    return pair(what, found, "at most 30 s")


def memory(turns: int) -> Pair:
    """Return what a process grows by from before it builds the largest SSD to the peak of the pass.

    The model itself is part of it.
    """
    found = []
    for _ in range(turns):
        with mp.get_context("spawn").Pool(1) as process:
            found.append(process.apply(growth))
    arch, depth = LARGEST
    what = f"pruning the largest SSD, {arch} {depth}: memory over that of its weights (GB)"
    return pair_of(what, *map(list, zip(*found, strict=True)), aim="at most 3")


def seconds(side: Side) -> tuple[float, float]:
    """Return the seconds that the next model of `by_turns` takes to build and to prune."""
    building, _, pruning = (side.seconds(1) for _ in range(3))
    return building, pruning


def pair(what: str, found: list[tuple[float, float]], aim: str) -> Pair:
    """Return the seconds of pruning over those of building."""
    building, pruning = zip(*found, strict=True)
    return pair_of(what, list(pruning), list(building), aim)


def by_turns(build, networks):
    """Return a call that builds the next model, then scatters its weights, then prunes it."""

    def steps():
        for network in cycle(networks):
            model = build(*network)()
            yield
            scatter(model)
            yield
            prune(model)
            yield

    return steps().__next__


def prune(model) -> None:
    """Leave away the channels below half of the strongest: most, once scattered."""
    from detforge.graph.prune import apply_pruning, plan_pruning
    from detforge.graph.selection import Selection

    plan = plan_pruning(model, Selection(threshold=0.5, equalization="geometric_mean"))
    apply_pruning(model, plan)
    before, after = plan.parameters
    assert after < 0.7 * before, "next to nothing was pruned"


def scatter(model) -> None:
    """Scale each filter at random, so that some are strong and some are weak."""
    draw = np.random.default_rng(0)
    for part in model.parts.values():
        for layer in part.layers:
            for weight in layer.weights:
                if weight.name == "kernel":
                    # A depthwise kernel has its channels on the axis before.
                    *_, before, last = weight.shape
                    width = (before, 1) if last == 1 else last
                    weight.assign(np.asarray(weight) * draw.random(width, dtype="float32"))


def growth() -> tuple[float, float]:
    """Return the peak of a process while it prunes, less what it held before, and the weights."""
    once = by_turns(ssd_build, [("resnet", 10)])
    for _ in range(3):
        once()  # libraries, pools, the first use of everything
    before = resident("VmRSS")
    model = ssd_build(*LARGEST)()
    weights = sum(4 * part.count_params() for part in model.parts.values())
    scatter(model)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    prune(model)
    return (resident("VmHWM") - before) / 1e9, weights / 1e9


def resident(what: str) -> int:
    """Return memory of this process, in bytes, as Linux counts it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))


# --- the generated graph ----------------------------------------------------------------------

LAYERS, CELLS, WIDTH = 1000, 16, 128


def generated_build():
    """Return a call that builds pyramids over a backbone, and a head that all levels share."""
    from types import SimpleNamespace

    import keras
    from keras import layers

    from detforge.graph.rules import Flow, channel_flow

    class WeightedFusion(layers.Layer):
        def build(self, shapes):
            self.shares = self.add_weight(shape=(len(shapes),), initializer="ones")

        def call(self, inputs):
            return sum(self.shares[i] * x for i, x in enumerate(inputs))

    @channel_flow.register(WeightedFusion)
    def _flow(layer, incoming, shape, graph):
        return Flow(output=graph.tie(incoming))

    def normed(x, filters: int, kernel: int = 1, stride: int = 1):
        x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
        return layers.Activation("swish")(layers.BatchNormalization()(x))

    def unit(x, filters: int):
        y = normed(x, 4 * filters)
        y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
        y = layers.Activation("swish")(layers.BatchNormalization()(y))
        z = layers.GlobalAveragePooling2D(keepdims=True)(y)
        z = layers.Conv2D(filters, 1, activation="swish")(z)
        z = layers.Conv2D(4 * filters, 1, activation="sigmoid")(z)
        y = layers.Conv2D(filters, 1, use_bias=False)(layers.Multiply()([y, z]))
        return layers.Add()([x, layers.BatchNormalization()(y)])

    def fused(*inputs):
        x = layers.Activation("swish")(WeightedFusion()(inputs))
        x = layers.SeparableConv2D(WIDTH, 3, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def pyramid(maps):
        down = [maps[-1]]
        for x in reversed(maps[:-1]):
            down.insert(0, fused(x, layers.UpSampling2D()(down[0])))
        up = [down[0]]
        for x, between in zip(maps[1:], down[1:], strict=True):
            up.append(fused(x, between, layers.MaxPooling2D()(up[-1])))
        return up

    def head(maps, outputs: int):
        convs = [layers.SeparableConv2D(WIDTH, 3, padding="same") for _ in range(4)]
        last = layers.SeparableConv2D(outputs, 3, padding="same")
        found = []
        for x in maps:
            for conv in convs:
                x = layers.Activation("swish")(layers.BatchNormalization()(conv(x)))
            found.append(layers.Reshape((-1, 4))(last(x)))
        return layers.Concatenate(axis=1)(found)

    def build():
        images = keras.Input((256, 256, 3), name="images")
        x, maps = normed(images, 32, 3, 2), []
        for filters in (32, 64, 128, 256, 512):
            x = normed(x, filters, 3, 2)
            for _ in range(4):
                x = unit(x, filters)
            maps.append(normed(x, WIDTH))
        for _ in range(CELLS):
            maps = pyramid(maps)
        network = keras.Model(images, [head(maps, 9 * 4), head(maps, 9 * 8)])
        assert len(network.layers) >= LAYERS, len(network.layers)
        return SimpleNamespace(parts={"network": network}, joins=())

    return build
