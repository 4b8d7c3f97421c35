"""The name that was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


# Nobody means a name of this length, and comparing takes the square of it.
_LONGEST = 100


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant, None when none is close.

    Case, and hyphens for underscores, make no difference. Close is a name of the same words in
    another order, one that is spelt alike, or the only one with a word or two more or one less.
    """
    plain = {_plain(other): other for other in known}
    wanted = _plain(name)
    if wanted in plain or len(wanted) > _LONGEST:
        return plain.get(wanted)
    near = (
        _of_like_words(wanted, plain)
        or _spelt_alike(wanted, plain)
        or _of_like_words(wanted, plain, more=2, less=1)
    )
    return plain[near] if near else None


def _of_like_words(
    wanted: str, known: Collection[str], *, more: int = 0, less: int = 0
) -> str | None:
    """Return the only name that has the words wanted and some more, or all but some of them."""
    words = set(wanted.split("_"))
    fits = []
    for other in known:
        others = set(other.split("_"))
        is_longer = words <= others and len(others) <= len(words) + more
        is_shorter = others <= words and len(words) <= len(others) + less
        if is_longer or is_shorter:
            fits.append(other)
    return fits[0] if len(fits) == 1 else None


def _spelt_alike(wanted: str, known: Collection[str]) -> str | None:
    import difflib  # only a mistake needs it; help and most runs do not

    stem, _, ending = wanted.rpartition("_")
    # "data_config" is not near "nms_config" because of an ending that many names have.
    is_common = sum(other.endswith(f"_{ending}") for other in known) > 1
    for match in difflib.get_close_matches(wanted, known, n=3, cutoff=0.6):
        other_stem, _, other_ending = match.rpartition("_")
        if not (is_common and stem and other_stem and ending == other_ending):
            return match
        if difflib.SequenceMatcher(None, stem, other_stem).ratio() >= 0.6:
            return match
    return None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message, `` Did you mean 'train'?``, or ''."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
