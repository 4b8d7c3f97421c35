"""What is installed: detectors and extensions as the metadata of their packages describes them.

Nothing of a plugin is imported here; `detforge.plugins` does that with the one asked for.
"""

from __future__ import annotations

import importlib.metadata as metadata
import re
from dataclasses import dataclass

from detforge.errors import PluginError
from detforge.nearest import did_you_mean

DETECTORS = "detforge.detectors"
EXTENSIONS = "detforge.extensions"
RESERVED = ("list", "data", "completion", "dev", "model", "tao")
"""Words with a meaning of their own on the command line; no detector can have such a name."""

OFFERED = {
    "ssd": "detforge-ssd",
    "dssd": "detforge-ssd",
    "faster_rcnn": "detforge-faster-rcnn",
    "efficientdet": "detforge-efficientdet",
    "efficientdet_tf1": "detforge-efficientdet",
    "mask_rcnn": "detforge-mask-rcnn",
}
"""Detectors of this project -> their packages; only to say how to get one that is absent."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A detector as its installed metadata describes it.

    Attributes:
        name: the word on the command line.
        distribution: the package that brings it.
        version: of that package.
        summary: one line.
        problem: why it cannot be used, or empty.
        aliases: further words for it.
    """

    name: str
    distribution: str
    version: str
    summary: str
    problem: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name, and the others that it has."""
        return f"{self.name} (also {', '.join(self.aliases)})" if self.aliases else self.name


def canonical(name: str) -> str:
    """Return a name with underscores; hyphens are welcome on the command line."""
    return name.replace("-", "_")


def installed_detectors() -> list[Listing]:
    """Return every installed detector by name, with what is visibly wrong with it."""
    found = entry_points(DETECTORS)
    names: dict[str, list[str]] = {}
    for alias, name in _first_names(found).items():
        names.setdefault(name, []).append(alias)
    return [
        Listing(
            name,
            dist_name(found[name][0]),
            version_of(found[name][0]),
            summary_of(found[name][0]),
            visible_problem(name, found[name]),
            tuple(sorted(set(aliases) - {name})),
        )
        for name, aliases in sorted(names.items())
    ]


def find_detector(name: str) -> metadata.EntryPoint:
    """Return the entry point of an installed detector, under its first name.

    Raises:
        PluginError: no such detector; two packages claim the name; it was built for another
            release of detforge.
    """
    found = entry_points(DETECTORS)
    first_names = _first_names(found)
    name = first_names.get(canonical(name), canonical(name))
    points = found.get(name)
    if not points:
        raise PluginError(_absent(name, first_names))
    if problem := visible_problem(name, points):
        raise PluginError(problem)
    return points[0]


def summary_of(point: metadata.EntryPoint) -> str:
    """Return what a detector is, in one line, from the description of its package.

    A package of several detectors describes each after its name: ``SSD: ...; DSSD: ...``.
    """
    text = (point.dist.metadata["Summary"] or "") if point.dist else ""
    name = canonical(point.name)
    for part in text.split("; "):
        if canonical(part.partition(":")[0].lower().replace(" ", "_")) == name:
            return part
    return text


def _first_names(found: dict[str, list[metadata.EntryPoint]]) -> dict[str, str]:
    """Return each name -> the first name of its detector.

    Names of one package for one module are one detector. The first is the one that the package
    is called after, else the first by alphabet.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name, points in sorted(found.items()):
        key = (dist_name(points[0]), points[0].value)
        # A name that two packages claim stands for itself, with its problem.
        groups.setdefault(key if len(points) == 1 else (name, ""), []).append(name)
    firsts = {}
    for (package, _), names in groups.items():
        own = canonical(package.lower()).removeprefix("detforge_")
        firsts |= dict.fromkeys(names, own if own in names else names[0])
    return firsts


def entry_points(group: str) -> dict[str, list[metadata.EntryPoint]]:
    """Return canonical name -> entry points, one per package that claims the name."""
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=group):
        claims = found.setdefault(canonical(point.name), [])
        # One package may list a name twice, with a hyphen and with an underscore.
        if dist_name(point) not in map(dist_name, claims):
            claims.append(point)
    return found


def dist_name(point: metadata.EntryPoint) -> str:
    """Return the package that a plugin comes in."""
    return (point.dist.name if point.dist else None) or point.value


def version_of(point: metadata.EntryPoint) -> str:
    """Return the version of that package, '' when unknown."""
    return (point.dist.version if point.dist else None) or ""


def label_of(point: metadata.EntryPoint) -> str:
    """Return package and version, for messages."""
    return f"{dist_name(point)} {version_of(point)}".rstrip()


def visible_problem(name: str, claims: list[metadata.EntryPoint]) -> str:
    """Return what the metadata shows to be wrong with a plugin, or ''."""
    if len(claims) > 1:
        owners = " and ".join(sorted(dist_name(point) for point in claims))
        return f"{owners} both bring a plugin named {name!r}; uninstall one of them"
    if name in RESERVED and claims[0].group == DETECTORS:
        return f"{label_of(claims[0])} names a detector {name!r}, a word that detforge itself uses"
    return _wrong_core(claims[0])


def _wrong_core(point: metadata.EntryPoint) -> str:
    """Return why a plugin's requirement on detforge does not hold, or ''."""
    from detforge import __version__ as core_version

    for text in (point.dist.requires if point.dist else None) or []:
        found = _ON_CORE.fullmatch(text)
        if found and found["versions"] and not _allows(text, found["versions"], core_version):
            return (
                f"{label_of(point)} needs {text.strip()}, but detforge {core_version} is "
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


def _absent(name: str, first_names: dict[str, str]) -> str:
    """Return the message about a detector that is not installed.

    Args:
        name: what was asked for.
        first_names: as `_first_names` returns them.
    """
    installed = sorted(set(first_names.values()))
    here = f"installed: {', '.join(installed)}" if installed else "none is installed"
    if name in OFFERED:
        return f"the detector {name!r} is not installed ({here}): pip install {OFFERED[name]}"
    others = [other for other in OFFERED if other not in first_names]
    more = f"; offered: {', '.join(others)}" if others else ""
    return (
        f"there is no detector {name!r} ({here}{more}).{did_you_mean(name, {*installed, *OFFERED})}"
    )
