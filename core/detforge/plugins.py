"""Finding detectors and extensions, and loading exactly the one asked for.

Detectors are listed from entry-point metadata alone; nothing of a plugin is imported until
its name is on the command line.
"""

from __future__ import annotations

import difflib
import importlib.metadata as metadata
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from detforge import hookspecs
from detforge.errors import PluginError, SpecError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from detforge.deployment import Deployment, TensorRTPlugin
    from detforge.model import DetectionModel, Mode
    from detforge.recipe import Recipe
    from detforge.spec import Spec

log = logging.getLogger(__name__)

DETECTORS = "detforge.detectors"
EXTENSIONS = "detforge.extensions"
TASKS = ("convert", "train", "evaluate", "prune", "infer", "export")


@dataclass(frozen=True, slots=True)
class Listing:
    """A detector as its installed metadata describes it; nothing is imported.

    Attributes:
        name: the word on the command line.
        distribution: the package that brings it.
        version: of that package.
        summary: one line.
        problem: why it cannot be used, or empty.
    """

    name: str
    distribution: str
    version: str
    summary: str
    problem: str = ""


def canonical(name: str) -> str:
    """Return a detector's name with underscores; hyphens are welcome on the command line."""
    return name.replace("-", "_")


def installed_detectors() -> list[Listing]:
    """Return every installed detector by name, with what is visibly wrong with it."""
    listings = []
    for name, points in _entry_points(DETECTORS).items():
        point = points[0]
        problem = _conflict(name, points) or _wrong_core(point)
        summary = (point.dist.metadata["Summary"] or "") if point.dist else ""
        listings.append(Listing(name, _dist_name(point), _version(point), summary, problem))
    return sorted(listings, key=lambda listing: listing.name)


def load_detector(name: str) -> Detector:
    """Load one detector with all extensions and the core's defaults.

    Raises:
        PluginError: no such detector; two packages claim the name; it was built for another
            release of detforge; it does not import; a hook is misspelt or misdeclared.
    """
    name = canonical(name)
    found = _entry_points(DETECTORS)
    points = found.get(name)
    if not points:
        raise PluginError(_absent(name, sorted(found)))
    if problem := _conflict(name, points) or _wrong_core(points[0]):
        raise PluginError(problem)
    manager = _new_manager()
    _register(manager, _import(points[0], "detector"), f"{DETECTORS}:{name}", points[0])
    for extension, claims in _entry_points(EXTENSIONS).items():
        _register_extension(manager, extension, claims)
    return Detector(name, _dist_name(points[0]), _version(points[0]), manager)


class Detector:
    """One loaded detector: its hooks with the extensions around and the defaults behind.

    Attributes:
        name: canonical name, with underscores.
        distribution: the package that brings it.
        version: of that package.
        hook: pluggy's hook callers, for tasks and for the hooks open to everyone.
    """

    def __init__(
        self, name: str, distribution: str, version: str, manager: pluggy.PluginManager
    ) -> None:
        self.name = name
        self.distribution = distribution
        self.version = version
        self.hook = manager.hook

    def spec_schema(self) -> type[Message]:
        """Return the message class of the experiment spec."""
        schema = self.hook.spec_schema()
        if schema is None:
            raise PluginError(
                f"{self.distribution} does not implement the hook 'spec_schema'; "
                "a detector must say what its spec looks like"
            )
        return schema

    def convert_schema(self) -> type[Message]:
        """Return the message class of the conversion spec."""
        return self.hook.convert_schema()

    def recipe(self, spec: Spec) -> Recipe:
        """Return the spec in neutral terms; errors name file, line and column.

        Raises:
            SpecError: fields disagree with each other.
        """
        try:
            return self.hook.recipe(spec=spec.message)
        except SpecError as err:
            raise SpecError([spec.locate(problem) for problem in err.problems]) from err

    def build_model(self, spec: Spec, mode: Mode) -> DetectionModel:
        """Return a new model with random weights."""
        try:
            model = self.hook.build_model(spec=spec.message, mode=mode)
        except SpecError as err:
            raise SpecError([spec.locate(problem) for problem in err.problems]) from err
        if model is None:
            raise PluginError(f"{self.distribution} does not implement the hook 'build_model'")
        return model

    def tensorrt_plugins(self, spec: Spec) -> tuple[TensorRTPlugin, ...]:
        """Return the TensorRT operators its plugin flavour needs."""
        return self.hook.tensorrt_plugins(spec=spec.message)

    def deployment(self, spec: Spec) -> Deployment:
        """Return how a runtime feeds and reads the exported model."""
        return self.hook.deployment(spec=spec.message)


def _entry_points(group: str) -> dict[str, list[metadata.EntryPoint]]:
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=group):
        claims = found.setdefault(canonical(point.name), [])
        # An editable install next to a wheel shows one distribution twice.
        if _dist_name(point) not in [_dist_name(other) for other in claims]:
            claims.append(point)
    return found


def _dist_name(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _version(point: metadata.EntryPoint) -> str:
    return point.dist.version if point.dist else ""


def _conflict(name: str, points: list[metadata.EntryPoint]) -> str:
    if len(points) == 1:
        return ""
    owners = " and ".join(sorted(_dist_name(point) for point in points))
    return f"{owners} both bring a plugin named {name!r}; uninstall one of them"


def _wrong_core(point: metadata.EntryPoint) -> str:
    """Say why a plugin's requirement on detforge does not hold, or return ''."""
    from packaging.requirements import InvalidRequirement, Requirement

    core_version = metadata.version("detforge")
    for text in (point.dist.requires if point.dist else None) or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.name.lower() != "detforge" or requirement.specifier.contains(
            core_version, prereleases=True
        ):
            continue
        return (
            f"{_dist_name(point)} {_version(point)} needs detforge{requirement.specifier}, but "
            f"detforge {core_version} is installed; upgrade one of the two"
        )
    return ""


def _absent(name: str, known: list[str]) -> str:
    if not known:
        return (
            f"no detector named {name!r}: none is installed. Install one, for example "
            "'pip install detforge-ssd'"
        )
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"no detector named {name!r} (installed: {', '.join(known)}).{hint}"


def _import(point: metadata.EntryPoint, kind: str) -> Any:
    try:
        return point.load()
    except Exception as err:
        raise PluginError(
            f"the {kind} {point.name!r} of {_dist_name(point)} {_version(point)} cannot be "
            f"imported: {type(err).__name__}: {err}. Reinstall or uninstall {_dist_name(point)}; "
            "other detectors are not affected"
        ) from err


def _new_manager() -> pluggy.PluginManager:
    from detforge import tasks

    manager = pluggy.PluginManager("detforge")
    manager.add_hookspecs(hookspecs)
    for default in tasks.DEFAULTS:
        manager.register(default, f"core:{default.__name__}")
    return manager


def _register(
    manager: pluggy.PluginManager, plugin: Any, name: str, point: metadata.EntryPoint
) -> None:
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as err:
        raise PluginError(
            f"{_dist_name(point)} {_version(point)} declares a hook that detforge does not have: "
            f"{err}"
        ) from err


def _register_extension(
    manager: pluggy.PluginManager, name: str, claims: list[metadata.EntryPoint]
) -> None:
    """Register one extension; a broken one is reported and left out, never fatal."""
    if problem := _conflict(name, claims) or _wrong_core(claims[0]):
        raise PluginError(problem)
    point = claims[0]
    plugin = _import(point, "extension")
    _register(manager, plugin, f"{EXTENSIONS}:{name}", point)
    for caller in manager.get_hookcallers(plugin) or []:
        for implementation in caller.get_hookimpls():
            if implementation.plugin is not plugin or caller.name not in TASKS:
                continue
            if not (implementation.wrapper or implementation.hookwrapper):
                raise PluginError(
                    f"the extension {name!r} of {_dist_name(point)} replaces the task "
                    f"{caller.name!r}; an extension may only wrap a task: "
                    "use @hookimpl(wrapper=True)"
                )
