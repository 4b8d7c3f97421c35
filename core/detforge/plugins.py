"""Finding detectors and extensions, and loading exactly the one asked for.

Detectors are listed from entry-point metadata alone; nothing of a plugin is imported until
its name is on the command line.

What is faulty and whom it stops:
    a detector that is absent, claimed twice, built for another release of detforge, or does
    not import: only itself (PluginError);
    an extension with one of these faults: nobody, it is left out with a warning;
    a detector or an extension that loads and breaks the contract (a misspelt hook, unknown
    arguments, an extension that replaces instead of wraps): the run (PluginError).
"""

from __future__ import annotations

import importlib.metadata as metadata
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from detforge import hookspecs
from detforge.errors import PluginError
from detforge.nearest import did_you_mean

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
RESERVED = ("list", "data", "dev", "model", "tao")
"""Words with a meaning of their own on the command line; no detector can have such a name."""


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
        summary = (point.dist.metadata["Summary"] or "") if point.dist else ""
        problem = _visible_problem(name, points)
        listings.append(Listing(name, _dist_name(point), _version(point), summary, problem))
    return sorted(listings, key=lambda listing: listing.name)


def find_detector(name: str) -> metadata.EntryPoint:
    """Return the entry point of an installed detector, without importing it.

    Raises:
        PluginError: no such detector; two packages claim the name; it was built for another
            release of detforge.
    """
    name = canonical(name)
    found = _entry_points(DETECTORS)
    points = found.get(name)
    if not points:
        raise PluginError(_absent(name, sorted(found)))
    if problem := _visible_problem(name, points):
        raise PluginError(problem)
    return points[0]


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
        for extension, claims in _entry_points(EXTENSIONS).items()
        if (label := _add_extension(manager, extension, claims))
    ]
    return Detector(name, _dist_name(point), _version(point), manager, tuple(extensions))


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

    def spec_schema(self) -> type[Message]:
        """Return the message class of the experiment spec."""
        return self._required("spec_schema", self.hook.spec_schema())

    def convert_schema(self) -> type[Message]:
        """Return the message class of the conversion spec."""
        return self._required("convert_schema", self.hook.convert_schema())

    def recipe(self, spec: Spec) -> Recipe:
        """Return the spec in neutral terms; errors and warnings name file, line and column.

        Raises:
            SpecError: fields disagree with each other; warnings are logged.
        """
        with spec.located():
            recipe = self._required("recipe", self.hook.recipe(spec=spec.message))
        # What is no recipe at all is for the conformance kit to say.
        for warning in getattr(recipe, "warnings", ()):
            log.warning("%s", spec.locate(warning))
        return recipe

    def build_model(self, spec: Spec, mode: Mode, recipe: Recipe | None = None) -> DetectionModel:
        """Return a new model with random weights.

        Args:
            spec: a checked spec.
            mode: "train", "evaluate" or "infer".
            recipe: the spec in neutral terms; None to ask for it here.

        Raises:
            SpecError: the spec asks for a model that cannot be built; located in its file.
        """
        from detforge.backbones import register_backbones

        for found in self.hook.backbones():
            register_backbones(found)
        recipe = recipe or self.recipe(spec)
        with spec.located():
            model = self.hook.build_model(spec=spec.message, recipe=recipe, mode=mode)
        return self._required("build_model", model)

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


# --- what the metadata of installed packages says -------------------------------------------


def _entry_points(group: str) -> dict[str, list[metadata.EntryPoint]]:
    """Return canonical name -> entry points, one per package that claims the name."""
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=group):
        claims = found.setdefault(canonical(point.name), [])
        # One package may list a name twice, with a hyphen and with an underscore.
        if _dist_name(point) not in map(_dist_name, claims):
            claims.append(point)
    return found


def _dist_name(point: metadata.EntryPoint) -> str:
    return (point.dist.name if point.dist else None) or point.value


def _version(point: metadata.EntryPoint) -> str:
    return (point.dist.version if point.dist else None) or ""


def _label(point: metadata.EntryPoint) -> str:
    return f"{_dist_name(point)} {_version(point)}".rstrip()


def _visible_problem(name: str, claims: list[metadata.EntryPoint]) -> str:
    """Return what the metadata shows to be wrong with a plugin, or ''."""
    if len(claims) > 1:
        owners = " and ".join(sorted(_dist_name(point) for point in claims))
        return f"{owners} both bring a plugin named {name!r}; uninstall one of them"
    if name in RESERVED and claims[0].group == DETECTORS:
        return f"{_label(claims[0])} names a detector {name!r}, a word that detforge itself uses"
    return _wrong_core(claims[0])


def _wrong_core(point: metadata.EntryPoint) -> str:
    """Return why a plugin's requirement on detforge does not hold, or ''."""
    from detforge import __version__ as core_version

    for text in (point.dist.requires if point.dist else None) or []:
        found = _ON_CORE.fullmatch(text)
        if found and found["versions"] and not _allows(text, found["versions"], core_version):
            return (
                f"{_label(point)} needs {text.strip()}, but detforge {core_version} is "
                "installed; upgrade one of the two"
            )
    return ""


_ON_CORE = re.compile(
    r"\s*detforge\s*(?:\[[^]]*\])?\s*(?P<versions>[(<>=!~].*)?(?:;.*)?", re.IGNORECASE | re.DOTALL
)
_PLAIN_VERSION = r"\d+(?:\.\d+)*"
_PLAIN_BOUNDS = re.compile(rf"(?:>=|<){_PLAIN_VERSION}(?:,(?:>=|<){_PLAIN_VERSION})*")


def _allows(requirement: str, versions: str, core_version: str) -> bool:
    """Say whether a requirement on detforge, if it applies here at all, allows a version."""
    bounds = re.sub(r"\s", "", versions)
    if _PLAIN_BOUNDS.fullmatch(bounds) and re.fullmatch(_PLAIN_VERSION, core_version):
        return all(_within(bound, core_version) for bound in bounds.split(","))
    # Loading packaging costs a quarter of `detforge --help`: only for the rare kinds.
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return True
    applies = parsed.marker is None or parsed.marker.evaluate({"extra": ""})
    return not applies or parsed.specifier.contains(core_version, prereleases=True)


def _within(bound: str, version: str) -> bool:
    """Compare plain versions: ``>=0.1`` or ``<0.2`` with ``0.1.3``."""
    limit, number = _release(bound.lstrip("<>=")), _release(version)
    return number < limit if bound[1] != "=" else number >= limit


def _release(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:  # 0.1 and 0.1.0 are one version
        numbers.pop()
    return tuple(numbers)


def _absent(name: str, known: list[str]) -> str:
    if not known:
        return f"no detector named {name!r}: none is installed.{_how_to_install(name)}"
    hint = did_you_mean(name, known) or _how_to_install(name)
    return f"no detector named {name!r} (installed: {', '.join(known)}).{hint}"


def _how_to_install(name: str) -> str:
    """Return where a detector of this name would come from, '' for what is no name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return ""
    package = f"detforge-{name.replace('_', '-')}"
    return f" Each detector is a package of its own; this one would be: pip install {package}"


# --- loading --------------------------------------------------------------------------------


def _new_manager() -> pluggy.PluginManager:
    from detforge import tasks

    manager = pluggy.PluginManager("detforge")
    manager.add_hookspecs(hookspecs)
    for default in tasks.DEFAULTS:
        manager.register(default, f"core:{default.__name__}")
    return manager


def _import(point: metadata.EntryPoint, kind: str) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as err:
        raise PluginError(
            f"the {kind} {point.name!r} of {_label(point)} cannot be imported: "
            f"{type(err).__name__}: {err}. Reinstall or uninstall {_dist_name(point)}; "
            "other detectors are not affected"
        ) from err


def _add_extension(
    manager: pluggy.PluginManager, name: str, claims: list[metadata.EntryPoint]
) -> str:
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
    return f"{name} of {_label(claims[0])}"


def _import_extension(name: str, claims: list[metadata.EntryPoint]) -> Any:
    if problem := _visible_problem(name, claims):
        raise PluginError(problem)
    return _import(claims[0], "extension")


def _register(
    manager: pluggy.PluginManager, plugin: Any, name: str, point: metadata.EntryPoint
) -> None:
    """Register a plugin and hold its hooks against the specifications."""
    try:
        manager.register(plugin, name)
    except (pluggy.PluginValidationError, ValueError) as err:
        reason = " ".join(str(err).split())
        raise PluginError(f"{_label(point)} misdeclares a hook: {reason}") from err
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as err:
        callers = manager.get_hookcallers(plugin) or []
        unknown = sorted(caller.name for caller in callers if not caller.has_spec())
        known = (spec for spec in vars(hookspecs) if hasattr(manager.hook, spec))
        raise PluginError(
            f"{_label(point)} implements {', '.join(map(repr, unknown))}, which detforge does "
            f"not call.{did_you_mean(unknown[0], known)}"
        ) from err


def _forbid_replacing(
    manager: pluggy.PluginManager, plugin: Any, point: metadata.EntryPoint
) -> None:
    """Refuse an extension that answers in the detector's place instead of wrapping it."""
    for caller in manager.get_hookcallers(plugin) or []:
        has_one_answer = caller.spec is not None and caller.spec.opts.get("firstresult")
        for implementation in caller.get_hookimpls():
            wraps = implementation.wrapper or implementation.hookwrapper
            if implementation.plugin is plugin and has_one_answer and not wraps:
                raise PluginError(
                    f"the extension {point.name!r} of {_label(point)} replaces {caller.name!r}; "
                    "an extension may only wrap it: use @hookimpl(wrapper=True)"
                )
