"""The contract: everything a detector or an extension may implement.

A detector is a module named by an entry point in the group ``detforge.detectors``; an
extension one in ``detforge.extensions``. Both implement hooks with `detforge.hookimpl`.

Only the detector the user asked for is loaded, so a hook never tests a detector's name.
Plugin modules are imported to print help: import Keras inside the hooks, never at the top.
Each hook has a heading in ``docs/hooks.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import keras
    from google.protobuf.message import Message

    from detforge.backbones import Family
    from detforge.cli.options import OptionChange
    from detforge.data.samples import SampleSource
    from detforge.deployment import Deployment, Target, TensorRTPlugin
    from detforge.export.graph import GlueGraph
    from detforge.model import DetectionModel, Mode
    from detforge.recipe import Recipe
    from detforge.requests import (
        ConvertReport,
        ConvertRequest,
        EvaluateReport,
        EvaluateRequest,
        ExportReport,
        ExportRequest,
        InferReport,
        InferRequest,
        PruneReport,
        PruneRequest,
        TrainReport,
        TrainRequest,
    )

hookspec = pluggy.HookspecMarker("detforge")
hookimpl = pluggy.HookimplMarker("detforge")


# --- what a detector registers -------------------------------------------------------------


@hookspec(firstresult=True)
def spec_schema() -> type[Message]:
    """Return the protobuf message class of the detector's experiment spec.

    Called before a spec file is read, also for `--help`; must not import Keras. A schema with
    the standard messages under their standard names (``detforge/protos/experiment.proto``)
    needs no `recipe` hook.
    """


@hookspec(firstresult=True)
def convert_schema() -> type[Message]:
    """Return the message class of the conversion spec.

    The core's answer is ``detforge.protos.convert_pb2.Convert`` (``kitti_config``,
    ``coco_config``, ``target_class_mapping``).
    """


@hookspec(firstresult=True)
def recipe(spec: Message) -> Recipe:
    """Return the spec in the core's neutral terms.

    Called once per task with a checked spec whose absent fields hold their defaults. This is
    the place for checks across fields; a field that has no effect beside another one goes into
    `Recipe.warnings`.

    Raises:
        SpecError: two fields disagree; each problem names a field path.
    """


@hookspec(firstresult=True)
def build_model(spec: Message, recipe: Recipe, mode: Mode) -> DetectionModel:
    """Return a new model with random weights.

    Args:
        spec: a checked spec.
        recipe: the same in neutral terms: classes, input format.
        mode: "train", "evaluate" or "infer". The modes may differ in what happens between the
            parts (proposal counts, say), never in the weights: the parts of all modes have the
            same names and shapes.
    """


@hookspec(firstresult=True)
def tensorrt_plugins(spec: Message) -> tuple[TensorRTPlugin, ...]:
    """Return the TensorRT operators that the ``tensorrt-plugins`` flavour needs.

    Not implemented: none. Asked by the conformance kit only until a later release brings
    that flavour; from then on export refuses a TensorRT release that lacks one of them.
    """


@hookspec(firstresult=True)
def deployment(spec: Message) -> Deployment:
    """Return how a runtime feeds and reads the exported model.

    Not implemented: the layout of the plain flavour and a generic DeepStream detector. Asked by
    the conformance kit only until a later release writes DeepStream files.
    """


@hookspec(firstresult=True)
def export_glue(spec: Message, model: DetectionModel, graph: GlueGraph, target: Target) -> None:
    """Add the weightless nodes between and after the parts to an ONNX graph.

    The parts are already converted; `graph.part(name, ...)` places one, and the pieces of
    ``detforge.export`` (decode, NMS) do the rest. Ends with `graph.detections(...)`.

    Args:
        spec: a checked spec.
        model: the model being exported, built for "infer", with its weights.
        graph: changed.
        target: the flavour.

    Raises:
        ExportError: the detector has no such flavour.
    """


@hookspec(firstresult=True)
def arrives(task: str) -> str | None:
    """Return what brings a task that this detector does not have yet; None for one that it has.

    Such a task reads its options and its spec, says when it comes and ends. Not implemented:
    every task works.

    Args:
        task: name of the task's hook.

    Returns:
        A feature of ``detforge/roadmap.py``, or the plugin's own release ("0.3").
    """


# --- tasks ---------------------------------------------------------------------------------
# The core's default does the work for any detector that registers the hooks above. A detector
# overrides one only where it truly differs. An extension may only wrap these hooks and the ones
# above (``@hookimpl(wrapper=True)``).


@hookspec(firstresult=True)
def convert(request: ConvertRequest) -> ConvertReport:
    """Turn labelled images into records with a manifest.

    Called once. A run that is killed leaves nothing that training would read.

    Raises:
        SpecError: the conversion spec is wrong.
        DatasetError: labels or images are wrong; names the file and the line.
    """


@hookspec(firstresult=True)
def train(request: TrainRequest) -> TrainReport:
    """Train and write a checkpoint per interval below ``request.results_dir``.

    Raises:
        SpecError: the spec is wrong, or disagrees with the data.
        DatasetError: the data cannot be read.
        CheckpointError: the model to start from does not fit.
    """


@hookspec(firstresult=True)
def evaluate(request: EvaluateRequest) -> EvaluateReport:
    """Score a model on the validation set of the spec.

    Raises:
        DatasetError: there is no validation set, or it cannot be read.
        CheckpointError: the model is damaged, of another detector or another class list.
    """


@hookspec(firstresult=True)
def prune(request: PruneRequest) -> PruneReport:
    """Remove low-magnitude channels from a trained checkpoint.

    Raises:
        CheckpointError: the file is not one that this detector saved.
    """


@hookspec(firstresult=True)
def infer(request: InferRequest) -> InferReport:
    """Find objects in images; adds to the output folders, never empties them.

    A file that is no image is reported, and the rest goes on.

    Raises:
        DatasetError: there is no readable image at all.
        CheckpointError: the model cannot be used.
    """


@hookspec(firstresult=True)
def export(request: ExportRequest) -> ExportReport:
    """Write a checkpoint as ONNX and compare the two on images.

    Raises:
        CheckpointError: the model cannot be read.
        ExportError: the file exists, the flavour does not, or the two disagree.
    """


# --- open to everyone ----------------------------------------------------------------------


@hookspec
def backbones() -> Mapping[str, Family]:
    """Return further families of backbones by name, for `detforge.backbones.find_backbone`.

    A detector decides which it takes: SSD, for one, lists those whose feature maps it knows.

    Raises:
        PluginError: the name is taken (raised by the core when the answers are collected).
    """


@hookspec
def dataset_readers() -> Mapping[str, type[SampleSource]]:
    """Return further readers of labelled images, by file suffix (``".lmdb"``).

    A training or validation source whose path ends in the suffix is opened with
    ``reader(path)``. With ``use_multiprocessing`` it is pickled for each process.

    Raises:
        PluginError: two readers claim one suffix (raised by the core when the answers are
            collected).
    """


@hookspec
def callbacks(request: TrainRequest, recipe: Recipe) -> Sequence[keras.callbacks.Callback]:
    """Return Keras callbacks to run beside the core's own while training.

    One with ``on_train_batch_end`` makes Keras wait for the losses of every step.
    """


@hookspec
def cli_options(task: str) -> Sequence[OptionChange]:
    """Return changes to the options of one task's command.

    Called for `--help` too: must be quick. A change adds an option (its value arrives in
    ``request.options``), gives one other spellings, makes it required or optional, or drops it
    with the reason.

    Args:
        task: name of the task's hook: "convert", "train", "evaluate", "prune", "infer" or
            "export".
    """
