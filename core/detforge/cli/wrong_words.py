"""Words that a command does not know, and what they were meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.cli.parameters import by_spelling
from detforge.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detforge.cli.options import Option


def as_shown(word: str, options: Sequence[Option]) -> str:
    """Return an option word without the value behind its letters, if that is a secret.

    Args:
        word: what the user typed, ``-ksecret``.
        options: of the command.
    """
    known = by_spelling(options)
    short = _short_before(word, known)
    hides = short and known[short].secret and not _same_letters(word, known)
    return f"{short}..." if hides else word


def other_form(word: str, options: Sequence[Option]) -> str:
    """Return the end of a message: how an option in another form is written here, or ''."""
    known = by_spelling(options)
    if same := _same_letters(word, known):
        return f"; write {same}"
    for option in options:
        if word in option.misprints:
            return f"; where documents print it, {' or '.join(option.spellings)} is meant"
    if len(word) == 2:
        longer = [short for short in known if short.startswith(word)]
        return f". Did you mean {' or '.join(longer)}?" if longer else ""
    short = _short_before(word, known)
    if short and known[short].secret:
        return f"; write {short} VALUE"
    if short and not near_form(word, options):
        return f"; write {short} {word.removeprefix(short)}"
    return ""


def near_form(word: str, options: Sequence[Option]) -> str:
    """Return the end of a message: which option of the command is near, or ''."""
    near = did_you_mean(word, (word for word in by_spelling(options) if word.startswith("--")))
    return f".{near}" if near else ""


def stands_alone(word: str, words: Sequence[str], options: Sequence[Option]) -> str:
    """Return what is wrong with a word that belongs to no option.

    Args:
        word: the first such word.
        words: all of the command, in click's form.
        options: of the command.
    """
    known = by_spelling(options)
    takes_value = [word in known and not known[word].is_flag for word in words]
    places = [at for at, other in enumerate(words) if other == word]
    at = next((at for at in places if at == 0 or not takes_value[at - 1]), 0)
    before = words[at - 1] if at else ""
    if before in known:
        return f"{before} takes no value; leave {word} out"
    if at > 1 and takes_value[at - 2]:
        option = known[words[at - 2]]
        form = f"{option.metavar} without blanks" if option.repeated else "one value"
        return f"{words[at - 2]} takes {form}; {word} is too much"
    return f"{word} stands alone; write the option before it"


def _same_letters(word: str, known: Iterable[str]) -> str:
    """Return the option that differs from a word in case, dashes and underscores only, or ''."""

    def letters(text: str) -> str:
        return text.lower().replace("-", "").replace("_", "")

    return next((other for other in known if letters(other) == letters(word)), "")


def _short_before(word: str, known: Mapping[str, Option]) -> str:
    """Return the longest short option that a word begins with and that takes a value, or ''."""
    if word.startswith("--"):
        return ""
    shorts = [short for short in known if not short.startswith("--") and word.startswith(short)]
    return max((short for short in shorts if not known[short].is_flag), key=len, default="")
