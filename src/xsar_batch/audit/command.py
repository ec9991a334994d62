"""The command that audits products: what ``workflow/scripts/audit.py`` runs."""

import argparse
import csv
import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from packaging.version import InvalidVersion, Version

from xsar_batch.audit import products, removal
from xsar_batch.audit.products import Verdict
from xsar_batch.failures import ConfigError, Failure
from xsar_batch.system import atomic_write

#: Files that a process takes at a time.
_AT_ONCE = 16

COLUMNS = ("path", "state", "kind", "cause", "safe", "made_by")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="audit.py",
        description="Check products that are there, of this workflow or of the old notebook, and "
        "list those that are to be made again, one a line: NAME: class: cause.",
        epilog="Exit codes: 0 all are well; 1 some are to be made again, or could not be read; "
        "2 usage; 78 a folder or file is not there, or a run is at work where products are to be "
        "removed. Without --delete or --move-to nothing is changed.",
    )
    made.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="folders, searched for *.nc at any depth, or files",
    )
    made.add_argument(
        "--safes",
        action="extend",
        nargs="+",
        default=[],
        metavar="PLACE",
        help="where the SAFEs are, as in the setting safes: positions are compared with theirs. "
        "Without it, the path is tried that the record of its conversion has",
    )
    made.add_argument(
        "--at-least",
        action="append",
        type=_version,
        default=[],
        metavar="PACKAGE=VERSION",
        help="what was made by an older one is to be made again: xsar_batch, xsar, dask, "
        "xarray_safe_s1, xarray or rasterio. May be given more than once",
    )
    made.add_argument("--csv", type=Path, metavar="FILE", help="write a row a file")
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="processes [%(default)s]")
    then = made.add_mutually_exclusive_group()
    then.add_argument("--delete", action="store_true", help="delete those that are bad")
    then.add_argument("--move-to", type=Path, metavar="FOLDER", help="move those that are bad")
    return made


def _version(text: str) -> tuple[str, str]:
    package, _, version = text.partition("=")
    try:
        Version(version)
    except InvalidVersion:
        raise argparse.ArgumentTypeError(f"{text!r}; write for example xsar=2026.8") from None
    return package, version


def main(words: Sequence[str]) -> int:
    """Audit; returns the exit code.

    Raises
    ------
    SystemExit
        The arguments make no sense.
    """
    reader = parser()
    given = reader.parse_args(words)
    if given.jobs < 1:
        reader.error("--jobs must be 1 at least")
    try:
        return _run(given)
    except Failure as failure:
        print(f"FAILED {failure.name}: {failure}", file=sys.stderr)
        return failure.exit_code


def _run(given: argparse.Namespace) -> int:
    files = find(given.paths, given.move_to)
    known = _safes(given.safes)
    found = []
    bar = _Bar(len(files))
    for number, verdict in enumerate(
        verdicts(list(files), known.get, dict(given.at_least), given.jobs), 1
    ):
        if verdict is not None:
            found.append(verdict)
            if verdict.state != "well":
                bar.clear()
                print(_line(files[verdict.path], verdict), flush=True)
        bar.show(number)
    bar.clear()
    bad = [verdict for verdict in found if verdict.state == "bad"]
    print("\n".join(summary(found)))
    if given.csv:
        _write_csv(given.csv, found)
    if given.delete or given.move_to:
        print("\n".join(_remove(bad, given.move_to, files)))
    elif bad:
        print("    take them away with --delete or --move-to, and run snakemake again")
    return int(any(verdict.state in ("bad", "unknown") for verdict in found))


def find(paths: Iterable[Path], but: Path | None = None) -> dict[Path, str]:
    """Files to audit, each with the name it is shown by; those in the folder ``but`` are left out.

    What begins with a dot is being written or is the workflow's own. Links to folders are not
    followed.

    Raises
    ------
    ConfigError
        One of ``paths`` is not there, or a folder cannot be listed.
    """

    def fail(error: OSError) -> None:
        raise ConfigError(f"cannot list {error.filename}: {error.strerror}")

    found = {}
    for path in paths:
        if path.is_dir():
            for here, folders, names in os.walk(path, onerror=fail):
                folder = Path(here)
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                if but is not None and but.exists() and folder.samefile(but):
                    folders.clear()
                    continue
                for name in sorted(names):
                    if name.endswith(".nc") and not name.startswith("."):
                        shown = (folder / name).relative_to(path).as_posix()
                        found[folder / name] = shown.removesuffix(".nc")
        elif path.exists():
            found[path] = path.name.removesuffix(".nc")
        else:
            raise ConfigError(f"{path} is not there")
    return found


def _safes(places: Sequence[str]) -> dict[str, str]:
    """Path of each SAFE, by its name."""
    if not places:
        return {}
    # pandas is for those who have an archive.
    from xsar_batch.batch import catalogue

    known: dict[str, str] = {}
    for place in places:
        for path, there in catalogue.find(place):
            if there:
                known.setdefault(Path(path).name.removesuffix(".SAFE"), path)
    return known


#: The check with all that it needs, for processes that are forked from this one: they have the list
#: of all SAFEs for nothing.
_check: Callable[[Path], Verdict | None]


def _call(path: Path) -> Verdict | None:
    return _check(path)


def verdicts(
    files: Sequence[Path],
    safes: Callable[[str], str | None],
    at_least: Mapping[str, str],
    jobs: int = 1,
    check: Callable[..., Verdict | None] = products.check,
) -> Iterator[Verdict | None]:
    """The verdict of each file, in their order.

    Checks run in processes of their own: a damaged file may be the end of the library that reads
    it, and that is a verdict too.
    """
    global _check
    _check = partial(check, safes=safes, at_least=at_least)
    done, alone = 0, False
    while done < len(files):
        try:
            with ProcessPoolExecutor(1 if alone else jobs, get_context("fork")) as pool:
                left = files[done:]
                for verdict in pool.map(_call, left, chunksize=1 if alone else _AT_ONCE):
                    done += 1
                    yield verdict
        except BrokenProcessPool:
            # One process with one file at a time tells which one it was.
            if alone:
                yield _of_crash(files[done])
                done += 1
            alone = not alone


def _of_crash(path: Path) -> Verdict | None:
    cause = "damaged: the netCDF library crashed on it"
    try:
        seen = products.identity(path)
    except OSError:
        return None
    state = "bad" if products.parse(path.stem) else "other"
    return Verdict(path, state, seen, "unreadable" if state == "bad" else "", cause)


def _line(name: str, verdict: Verdict) -> str:
    kind = verdict.kind or {"other": "not ours", "unknown": "not checked"}[verdict.state]
    text = f"{name}: {kind}: {verdict.cause}"
    # Names and messages may be anything; a terminal must not obey them.
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def summary(found: Sequence[Verdict]) -> Iterator[str]:
    """How many are well, bad by class, and what that rests on."""
    states = Counter(verdict.state for verdict in found)
    kinds = Counter(verdict.kind for verdict in found if verdict.state == "bad")
    by_kind = ", ".join(f"{kinds[kind]} {kind}" for kind in products.KINDS if kinds[kind])
    yield (
        f"xsar-batch: of {len(found)} files {states['well']} are well, {states['bad']} are to be "
        "made again" + (f" ({by_kind})" if by_kind else "")
    )
    if states["other"]:
        yield f"    {states['other']} are not ours, and left alone"
    if states["unknown"]:
        yield f"    {states['unknown']} could not be read, or checked without their SAFE"


def _remove(bad: Sequence[Verdict], to: Path | None, names: Mapping[Path, str]) -> Iterator[str]:
    removal.check_no_run(verdict.path.parent for verdict in bad)
    removed = 0
    for verdict in bad:
        try:
            removal.remove(verdict, to)
            removed += 1
        except removal.Kept as why:
            yield f"    {names[verdict.path]} stays: {why}"
        except OSError as error:
            yield f"    {names[verdict.path]} stays: {error.strerror or error}"
    yield f"    {removed} {'deleted' if to is None else f'moved to {to}'}; run snakemake again"


def _write_csv(path: Path, found: Iterable[Verdict]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(verdict, column) for column in COLUMNS] for verdict in found)
    try:
        atomic_write.write_text(path, text.getvalue())
    except OSError as error:
        raise ConfigError(f"--csv: cannot write {path}: {error.strerror}") from None


class _Bar:
    """How far it is, on a terminal and nowhere else."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._is_shown = sys.stderr.isatty()

    def show(self, number: int) -> None:
        if self._is_shown:
            print(f"\r{number} of {self._total}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
