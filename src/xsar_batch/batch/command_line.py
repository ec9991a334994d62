"""The command as it was typed: SAFEs that it names, what Snakemake would take from it without a
word, and the command to type next."""

import difflib
import heapq
import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path

from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import ConfigError

#: Words that are meant to be the name of a SAFE, or of its product.
_LIKE_A_NAME = re.compile(r"S1[A-Z]_\w+(\.SAFE|\.nc)?")


def check(words: Sequence[str]) -> None:
    """Check what Snakemake does not.

    Raises
    ------
    ConfigError
        ``--config`` stands there twice. Snakemake takes the last, and so another archive and
        folder than the first said.
    """
    places = _configs(words)
    if len(places) > 1:
        first, *others = places
        given = [words[n] for start, stop in others for n in range(start + 1, stop)]
        later = {n for start, stop in others for n in range(start, stop)}
        once = [word for n, word in enumerate(words) if n not in later]
        once[first[1] : first[1]] = given
        raise ConfigError(
            "--config: it stands in the command more than once, of which the last alone counts\n"
            f"    write:  {_as_typed(once)}"
        )


def again(words: Sequence[str], option: str = "", setting: str = "") -> str:
    """The same command, with an option or a setting more."""
    words = list(words)
    places = _configs(words)
    if setting and places:
        words.insert(places[0][0] + 1, setting)
    elif setting:
        words += ["--config", setting]
    return _as_typed([*words, *([option] if option else [])])


def named(words: Sequence[str], names: Collection[str], layout: Layout) -> dict[str, Path]:
    """Products of the SAFEs in ``names`` that are among the words, as they stand there: a name,
    with ``.SAFE`` or without, or the absolute path of a product.

    Raises
    ------
    ConfigError
        A word looks like the name of a SAFE, and no SAFE that is selected has it.
    """
    found = {}
    for word in words:
        name = Path(word).name.removesuffix(".SAFE").removesuffix(".nc")
        product = layout.product(name)
        if name in names and word in (name, f"{name}.SAFE", str(product.absolute())):
            if word != str(product):
                found[word] = product
        elif _LIKE_A_NAME.fullmatch(word) and name not in names:
            near = _nearest(name, names)
            hint = f"write:  {near}" if near else "`select` and `safes` say which are"
            raise ConfigError(f"{word}: no SAFE of this name is selected\n    {hint}")
    return found


def check_targets(words: Sequence[str], rules: Sequence[str]) -> None:
    """Check that each target of the command is one of ``rules``, which SAFEs that it names are too,
    or a file.

    Raises
    ------
    ConfigError
        One is no rule, and no file that is there.
    """
    slips = {word for word in words if word.isidentifier() and not Path(word).exists()}
    if not slips.difference(rules):
        return
    # Only Snakemake knows which words are values of an option. Its parser takes 0.3 s to make.
    from snakemake.cli import get_argument_parser

    targets = get_argument_parser().parse_known_args(list(words))[0].targets
    for word in sorted(slips.intersection(targets).difference(rules)):
        near = difflib.get_close_matches(word, rules, n=1)
        hint = near[0] if near else "pending, failed, done, report, audit, or a SAFE's name"
        raise ConfigError(f"{word}: no rule, no SAFE and no file has this name\n    write:  {hint}")


def _nearest(name: str, names: Collection[str]) -> str | None:
    """The name that is most like this one. A slip leaves most of its parts as they are, so only
    names that have the most parts in common are compared letter by letter: at 100,000 names
    0.1 s instead of 40 s."""
    parts = set(name.split("_"))
    best = heapq.nlargest(50, names, key=lambda other: len(parts.intersection(other.split("_"))))
    return next(iter(difflib.get_close_matches(name, best, n=1, cutoff=0.8)), None)


def _configs(words: Sequence[str]) -> list[tuple[int, int]]:
    """Where ``--config`` stands and where its values end."""
    places = []
    for start, word in enumerate(words):
        if word in ("--config", "-C"):
            stop = start + 1
            while stop < len(words) and not words[stop].startswith("-"):
                stop += 1
            places.append((start, stop))
    return places


def _as_typed(words: Sequence[str]) -> str:
    return shlex.join(["snakemake", *words])
