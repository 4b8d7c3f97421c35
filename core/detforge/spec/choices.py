"""Words of a closed choice, told apart as people do: ``VGG16`` is ``vgg:16``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from detforge.spec.fields import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

_IGNORED = str.maketrans("", "", "-_:. \t")


def loose(word: str) -> str:
    """Return a word without what does not count: case, ``-``, ``_``, ``:``, ``.`` and blanks."""
    return word.lower().translate(_IGNORED)


def find_choice(field: FieldDescriptor, word: str) -> str | None:
    """Return the choice of a field that a word means, None for none or several.

    Args:
        field: a string with ``choices``.
        word: as the spec has it.
    """
    return word if word in rules_of(field).choices else _by_loose_word(field).get(loose(word))


def means_the_same(field: FieldDescriptor, first: Any, second: Any) -> bool:
    """Return whether two values of a field are equal, or two words for one choice."""
    if first == second:
        return True
    choice = find_choice(field, first) if rules_of(field).choices else None
    return choice is not None and choice == find_choice(field, second)


def find_enum_name(enum: EnumDescriptor, word: str) -> str | None:
    """Return the name of an enum value that a word means, None for none or several."""
    return word if word in enum.values_by_name else _by_loose_name(enum).get(loose(word))


@cache
def choice_aliases_of(field: FieldDescriptor) -> Mapping[str, str]:
    """Return the other words for choices of a field: word -> choice."""
    # A choice may hold a colon, "vgg:16"; a word for one need not.
    pairs = (entry.partition(":") for entry in rules_of(field).choice_aliases)
    return {word.strip(): choice.strip() for word, _, choice in pairs}


@cache
def _by_loose_word(field: FieldDescriptor) -> Mapping[str, str | None]:
    choices = rules_of(field).choices
    return _index([*zip(choices, choices, strict=True), *choice_aliases_of(field).items()])


@cache
def _by_loose_name(enum: EnumDescriptor) -> Mapping[str, str | None]:
    return _index([(name, name) for name in enum.values_by_name])


def _index(words: Iterable[tuple[str, str]]) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for word, meant in words:
        key = loose(word)
        found[key] = meant if found.get(key, meant) == meant else None
    return found
