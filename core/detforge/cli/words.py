"""The words of a command line before click sees them.

Users paste command lines from documents: a dash may be a typographic one, a hyphen may stand
for an underscore, several values may follow one option. Click knows none of that, so the
words are brought into its form first.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from detforge.cli.options import Option

TASK_WORDS = {
    "dataset_convert": "convert",
    "train": "train",
    "evaluate": "evaluate",
    "prune": "prune",
    "inference": "infer",
    "export": "export",
    "calibration_tensorfile": "calibrate",
    "engine": "engine",
}
"""Word on the command line -> name of the task's hook. The last two have no hook yet."""

OTHER_TASK_WORDS = {"int8_tensorfile": "calibration_tensorfile"}
"""Further words for tasks -> the word that help shows."""

OLDER_COMMANDS = {
    "tlt_dataset_convert": "dataset_convert",
    "tlt_train": "train",
    "tlt_evaluate": "evaluate",
    "tlt_infer": "inference",
    "tlt_prune": "prune",
    "tlt_export": "export",
    "tlt_int8_tensorfile": "calibration_tensorfile",
    "tlt_converter": "engine",
    "tao_converter": "engine",
}
"""Commands of older toolkits -> the task that does it here."""

HELP_WORDS = ("-h", "--help")

CONTEXT = {"help_option_names": [*HELP_WORDS], "max_content_width": 100}
"""Settings of every command."""

_TYPOGRAPHIC_START = re.compile("^-*[\u2013\u2014][-\u2013\u2014]*(?=\\w)")
_NUMBERS = re.compile(r"[\d,\s]*\d[\d,\s]*")


def plain_dashes(word: str, known: Collection[str] = ()) -> str:
    """Return an option word whose leading en and em dashes are ASCII dashes.

    Word processors turn ``--`` into one long dash, and ``-`` too: `known` decides. A blank
    before the dash goes as well: a backslash that lost its line break leaves one.

    Args:
        word: one word of the command line.
        known: spellings that exist.
    """
    bare = word.lstrip()
    if bare.startswith("-"):
        word = bare
    found = _TYPOGRAPHIC_START.match(bare)
    if not found:
        return word
    rest = bare[found.end() :]
    long, short = f"--{rest}", f"-{rest}"
    if _name(short) in known and _name(long) not in known:
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


def names_folder(text: str) -> bool:
    """Return whether an output says by its last character that it is a folder."""
    return text.endswith(("/", os.sep))


def option_words(words: Sequence[str], known: Mapping[str, Option]) -> list[str]:
    """Return the words of a task's command line as click understands them.

    A word for help in the place of an option makes the rest unimportant.

    Args:
        words: what the user typed after the task.
        known: spelling -> option. Long spellings have underscores.

    Raises:
        click.UsageError: an option that needs a value has none.
        click.NoSuchOption: several letters behind one dash are no option. Click would read
            ``-key`` as ``-k ey``.
    """
    return list(_read_options(list(words), known))


def _read_options(words: list[str], known: Mapping[str, Option]) -> Iterator[str]:
    spellings = {*known, *HELP_WORDS}
    if any(_name(plain_dashes(word, spellings)) in HELP_WORDS for word in words):
        yield "--help"
        return
    while words:
        word = underscored(plain_dashes(words.pop(0), spellings))
        spelling, equals, value = word.partition("=")
        option = known.get(spelling)
        if option is None and re.match("-[^-].", spelling):
            raise click.NoSuchOption(spelling)
        if option is not None and option.is_flag and equals:
            raise click.UsageError(f"{spelling} takes no value; leave {equals}{value} out")
        if option is None or option.is_flag:
            yield word
        elif equals:
            yield from _values(option, spelling, value)
        elif not words or _name(plain_dashes(words[0], spellings)) in spellings:
            raise click.UsageError(_valueless(spelling, words))
        else:
            yield from _values(option, spelling, words.pop(0))
            while words and _continues(option, words[0]):
                yield from _values(option, spelling, words.pop(0))


def _name(word: str) -> str:
    """Return an option word without its value."""
    return underscored(word).partition("=")[0]


def _continues(option: Option, word: str) -> bool:
    """Say whether a word is a further value of an option that takes several."""
    if option.arity == "numbers":
        return _NUMBERS.fullmatch(word) is not None
    return option.arity == "many" and not word.lstrip().startswith(("-", "\u2013", "\u2014"))


def _values(option: Option, spelling: str, word: str) -> Iterator[str]:
    """Yield the words for one value, or for each of several with commas between them."""
    if not word.strip(" ,"):
        raise click.UsageError(f"the value of {spelling} is empty; is a shell variable unset?")
    if option.arity == "one" and option.means_folder(spelling, word):
        word += "/"
    values = [word]
    # A list in another form is shown whole in the message about it.
    if option.arity == "many" or (option.arity == "numbers" and _NUMBERS.fullmatch(word)):
        values = [value.strip() for value in word.split(",")]
    for value in filter(None, values):
        yield from (spelling, value)


def _valueless(spelling: str, rest: Sequence[str]) -> str:
    # An unset shell variable vanishes: `-k $KEY -r out` becomes `-k -r out`.
    found = f"the next word is {rest[0]}" if rest else "it is the last word"
    return f"{spelling} needs a value, but {found}; is a shell variable unset?"
