"""The words of a command line before click sees them.

Users paste command lines from documents: a dash may be a typographic one, a hyphen may stand
for an underscore, several values may follow one option. Click knows none of that, so the
words are brought into its form first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

TASK_WORDS = {
    "dataset_convert": "convert",
    "train": "train",
    "evaluate": "evaluate",
    "prune": "prune",
    "inference": "infer",
    "export": "export",
}
"""Word on the command line -> name of the task's hook."""

_TYPOGRAPHIC_START = re.compile("^-*[\u2013\u2014][-\u2013\u2014]*(?=\\w)")


def plain_dashes(word: str, known: Collection[str] = ()) -> str:
    """Return an option word whose leading en and em dashes are ASCII dashes.

    Word processors turn ``--`` into one long dash, and ``-`` too: `known` decides.

    Args:
        word: one word of the command line.
        known: spellings that exist.
    """
    found = _TYPOGRAPHIC_START.match(word)
    if not found:
        return word
    rest = word[found.end() :]
    long, short = f"--{rest}", f"-{rest}"
    if underscored(short) in known and underscored(long) not in known:
        return short
    return short if len(rest) == 1 else long


def underscored(word: str) -> str:
    """Return a long option with underscores in its name; other words unchanged.

    ``--dataset-export-spec=a-b`` becomes ``--dataset_export_spec=a-b``.
    """
    if not word.startswith("--"):
        return word
    name, equals, value = word[2:].partition("=")
    return "--" + name.replace("-", "_") + equals + value


def command_words(words: Sequence[str]) -> list[str]:
    """Return a group's words with the options before its command in plain form.

    What follows the command is the command's own to read.
    """
    plain = [underscored(plain_dashes(word)) for word in words]
    command = next((at for at, word in enumerate(plain) if not word.startswith("-")), len(plain))
    return [*plain[:command], *words[command:]]


def option_words(words: Sequence[str], arities: Mapping[str, str]) -> list[str]:
    """Return the words of a task's command line as click understands them.

    Args:
        words: what the user typed after the task.
        arities: spelling -> "flag", "one" or "many". Long spellings have underscores. An
            option of "many" takes all words up to the next option, and words with commas for
            several: ``-el a b,c``.

    Raises:
        click.UsageError: the next word after an option that needs a value is an option.
    """
    return list(_read_options(list(words), arities))


def _read_options(words: list[str], arities: Mapping[str, str]) -> Iterator[str]:
    while words:
        word = underscored(plain_dashes(words.pop(0), arities))
        spelling, equals, value = word.partition("=")
        arity = arities.get(spelling)
        if arity is None or arity == "flag":
            yield word
        elif equals:
            yield from _values(spelling, value, arity)
        elif not words or _is_option(words[0], arities):
            raise click.UsageError(_valueless(spelling, words))
        else:
            yield from _values(spelling, words.pop(0), arity)
            while arity == "many" and words and not words[0].startswith(("-", "\u2013", "\u2014")):
                yield from _values(spelling, words.pop(0), arity)


def _values(spelling: str, word: str, arity: str) -> Iterator[str]:
    """Yield the words for one value, or for each of several with commas between them."""
    values = [value.strip() for value in word.split(",")] if arity == "many" else [word]
    # An empty word is a mistake that the option's own check names.
    for value in [value for value in values if value] or [word]:
        yield from (spelling, value)


def _is_option(word: str, arities: Mapping[str, str]) -> bool:
    return underscored(plain_dashes(word, arities)).partition("=")[0] in arities


def _valueless(spelling: str, rest: Sequence[str]) -> str:
    # An unset shell variable vanishes: `-k $KEY -r out` becomes `-k -r out`.
    found = f"the next word is {rest[0]}" if rest else "it is the last word"
    return f"{spelling} needs a value, but {found}; is a shell variable empty?"
