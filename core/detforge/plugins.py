"""Loading detectors and extensions: exactly the one asked for, when it is on the command line.

What is faulty and whom it stops:
    a detector that is absent, claimed twice, built for another release of detforge, or does
    not import: only itself (PluginError);
    an extension with one of these faults: nobody, it is left out with a warning;
    a detector or an extension that loads and breaks the contract (a misspelt hook, unknown
    arguments, an extension that replaces instead of wraps): the run (PluginError).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pluggy

from detforge import hookspecs
from detforge.errors import PluginError
from detforge.installed import (
    DETECTORS,
    EXTENSIONS,
    canonical,
    dist_name,
    entry_points,
    find_detector,
    label_of,
    version_of,
    visible_problem,
)
from detforge.nearest import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from google.protobuf.message import Message

    from detforge.deployment import Deployment, TensorRTPlugin
    from detforge.model import DetectionModel, Mode
    from detforge.recipe import Recipe
    from detforge.spec import Spec

log = logging.getLogger(__name__)

TASKS = ("convert", "train", "evaluate", "prune", "infer", "export")
"""Tasks that have a hook, by its name."""


def load_detector(name: str) -> Detector:
    """Load one detector with all extensions and the core's defaults.

    Raises:
        PluginError: no such detector; two packages claim the name; it was built for another
            release of detforge; it does not import; a hook is misspelt or misdeclared.
    """
    point = find_detector(name)
    name = canonical(point.name)
    manager = _new_manager()
    _register(manager, _import(point, "detector"), f"{DETECTORS}:{name}", point)
    extensions = [
        label
        for extension, claims in entry_points(EXTENSIONS).items()
        if (label := _add_extension(manager, extension, claims))
    ]
    return Detector(name, dist_name(point), version_of(point), manager, tuple(extensions))


class Detector:
    """One loaded detector: its hooks with the extensions around and the defaults behind.

    Attributes:
        name: canonical name, with underscores.
        distribution: the package that brings it.
        version: of that package.
        extensions: what is around it, each as ``"tape of detforge-tape 1.0"``.
        hook: pluggy's hook callers, for tasks and for the hooks open to everyone.
    """

    def __init__(
        self,
        name: str,
        distribution: str,
        version: str,
        manager: pluggy.PluginManager,
        extensions: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.version = version
        self.extensions = extensions
        self.hook = manager.hook
        self._asked: tuple[Spec, Recipe] | None = None

    def spec_schema(self) -> type[Message]:
        """Return the message class of the experiment spec."""
        return self._required("spec_schema", self.hook.spec_schema())

    def convert_schema(self) -> type[Message]:
        """Return the message class of the conversion spec."""
        return self._required("convert_schema", self.hook.convert_schema())

    def recipe(self, spec: Spec) -> Recipe:
        """Return the spec in neutral terms; errors and warnings name file, line and column.

        Asked for the same spec again, it gives the same recipe and no warning a second time.

        Raises:
            SpecError: fields disagree with each other; warnings are logged.
        """
        if self._asked is not None and self._asked[0] is spec:
            return self._asked[1]
        with spec.located():
            recipe = self._required("recipe", self.hook.recipe(spec=spec.message))
        # What is no recipe at all is for the conformance kit to say.
        for warning in getattr(recipe, "warnings", ()):
            log.warning("%s", spec.locate(warning))
        self._asked = (spec, recipe)
        return recipe

    def check(self, spec: Spec) -> None:
        """Check what takes several fields of a spec, and say nothing else about it.

        Raises:
            SpecError: fields disagree with each other; without their places.
        """
        self.hook.recipe(spec=spec.message)

    def build_model(self, spec: Spec, mode: Mode, recipe: Recipe | None = None) -> DetectionModel:
        """Return a new model with random weights, as narrow as the recipe's variant says.

        Args:
            spec: a checked spec.
            mode: "train", "evaluate" or "infer".
            recipe: the spec in neutral terms; None to ask for it here.

        Raises:
            SpecError: the spec asks for a model that cannot be built; located in its file.
            CheckpointError: the widths of the variant are not of this model.
        """
        from detforge.backbones import register_backbones

        register_backbones(self.hook.backbones())
        recipe = recipe or self.recipe(spec)
        with spec.located():
            model = self.hook.build_model(spec=spec.message, recipe=recipe, mode=mode)
        model = self._required("build_model", model)
        if widths := recipe.variant.widths:
            from detforge.graph.narrow import narrow_parts

            narrow_parts(model, widths)
        return model

    def arrives(self, task: str) -> str:
        """Return the feature of the roadmap that brings a task, '' for one that works."""
        return self.hook.arrives(task=task) or ""

    def tensorrt_plugins(self, spec: Spec) -> tuple[TensorRTPlugin, ...]:
        """Return the TensorRT operators its plugin flavour needs."""
        return self.hook.tensorrt_plugins(spec=spec.message)

    def deployment(self, spec: Spec) -> Deployment:
        """Return how a runtime feeds and reads the exported model."""
        return self.hook.deployment(spec=spec.message)

    def _required(self, hook: str, answer: Any) -> Any:
        if answer is None:
            raise PluginError(
                f"{self.distribution} does not implement the hook {hook!r} and detforge has no "
                "answer of its own; ask its authors for a complete release"
            )
        return answer


# --- loading --------------------------------------------------------------------------------


def _new_manager() -> pluggy.PluginManager:
    from detforge import tasks

    manager = pluggy.PluginManager("detforge")
    manager.add_hookspecs(hookspecs)
    for default in tasks.DEFAULTS:
        manager.register(default, f"core:{default.__name__}")
    return manager


def _import(point: EntryPoint, kind: str) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as err:
        raise PluginError(
            f"the {kind} {point.name!r} of {label_of(point)} cannot be imported: "
            f"{type(err).__name__}: {err}. Reinstall or uninstall {dist_name(point)}; "
            "other detectors are not affected"
        ) from err


def _add_extension(manager: pluggy.PluginManager, name: str, claims: list[EntryPoint]) -> str:
    """Register one extension and return what to call it.

    One that cannot be loaded is left out with a warning; '' is returned then.
    """
    try:
        plugin = _import_extension(name, claims)
    except PluginError as err:
        log.warning("extension %r is left out: %s", name, err)
        return ""
    _register(manager, plugin, f"{EXTENSIONS}:{name}", claims[0])
    _forbid_replacing(manager, plugin, claims[0])
    return f"{name} of {label_of(claims[0])}"


def _import_extension(name: str, claims: list[EntryPoint]) -> Any:
    if problem := visible_problem(name, claims):
        raise PluginError(problem)
    return _import(claims[0], "extension")


def _register(manager: pluggy.PluginManager, plugin: Any, name: str, point: EntryPoint) -> None:
    """Register a plugin and hold its hooks against the specifications."""
    try:
        manager.register(plugin, name)
    except (pluggy.PluginValidationError, ValueError) as err:
        reason = " ".join(str(err).split())
        raise PluginError(f"{label_of(point)} misdeclares a hook: {reason}") from err
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as err:
        callers = manager.get_hookcallers(plugin) or []
        unknown = sorted(caller.name for caller in callers if not caller.has_spec())
        known = (spec for spec in vars(hookspecs) if hasattr(manager.hook, spec))
        raise PluginError(
            f"{label_of(point)} implements {', '.join(map(repr, unknown))}, which detforge does "
            f"not call.{did_you_mean(unknown[0], known)}"
        ) from err


def _forbid_replacing(manager: pluggy.PluginManager, plugin: Any, point: EntryPoint) -> None:
    """Refuse an extension that answers in the detector's place instead of wrapping it."""
    for caller in manager.get_hookcallers(plugin) or []:
        has_one_answer = caller.spec is not None and caller.spec.opts.get("firstresult")
        for implementation in caller.get_hookimpls():
            wraps = implementation.wrapper or implementation.hookwrapper
            if implementation.plugin is plugin and has_one_answer and not wraps:
                raise PluginError(
                    f"the extension {point.name!r} of {label_of(point)} replaces {caller.name!r}; "
                    "an extension may only wrap it: use @hookimpl(wrapper=True)"
                )
