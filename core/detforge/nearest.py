"""The name that was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


# Nobody means a name of this length, and comparing takes the square of it.
_LONGEST = 100


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, None when none is close.

    Case, and hyphens for underscores, make no difference.
    """
    import difflib  # only a mistake needs it; help and most runs do not

    plain = {_plain(other): other for other in known}
    wanted = _plain(name)
    if wanted in plain or len(wanted) > _LONGEST:
        return plain.get(wanted)
    stem, _, ending = wanted.rpartition("_")
    # "data_config" is not near "nms_config" because of an ending that many names have.
    is_common = sum(other.endswith(f"_{ending}") for other in plain) > 1
    for match in difflib.get_close_matches(wanted, plain, n=3, cutoff=0.6):
        other_stem, _, other_ending = match.rpartition("_")
        if not (is_common and stem and other_stem and ending == other_ending):
            return plain[match]
        if difflib.SequenceMatcher(None, stem, other_stem).ratio() >= 0.6:
            return plain[match]
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message, `` Did you mean 'train'?``, or ''."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
