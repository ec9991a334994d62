"""The catalogue: which SAFEs there are, and which of them are asked for.

The archive is listed here, once, by the main process. Nothing in a SAFE is opened, except the
manifests of products that exist twice, where only they tell which was processed last.
"""

import datetime as dt
import fnmatch
import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from xsar_batch.batch.settings import expand_variables
from xsar_batch.conversion.layout import NAME
from xsar_batch.failures import ConfigError
from xsar_batch.sentinel1.product_name import FIELDS, STRIPMAP, is_cog, parse
from xsar_batch.system.slow_filesystem import Waiting, waiting


@dataclass
class Catalogue:
    """SAFEs to convert, and what was left out on the way.

    ``safes`` has one row a SAFE: index ``name`` (without ``.SAFE``), columns ``path``, ``there``
    (False for a path that is only listed) and the fields of
    :mod:`xsar_batch.sentinel1.product_name`, which are empty for one that is listed and has no name
    of Sentinel-1. That one fails alone.
    The counts add up: found = selected + not_selected + excluded + duplicates + listed_twice +
    not_sentinel1.
    """

    safes: pd.DataFrame
    found: int = 0
    not_selected: int = 0
    excluded: int = 0
    duplicates: int = 0
    listed_twice: int = 0
    not_sentinel1: list[str] = field(default_factory=list)
    empty_places: list[str] = field(default_factory=list)

    @property
    def missing(self) -> list[str]:
        """Paths that are listed and not there; each fails as one SAFE."""
        return self.safes.loc[~self.safes["there"], "path"].tolist()

    def keep(self, names: list[str]) -> None:
        """Select no others than these."""
        self.not_selected += len(self.safes) - len(names)
        self.safes = self.safes.loc[names]


def read(
    places: Iterable[str], select: dict[str, Any], duplicates: str, exclude: Iterable[str] = ()
) -> Catalogue:
    """Find, filter and drop duplicates.

    Raises
    ------
    ConfigError
        A folder or a listing that is not there.
    """
    paths, empty_places = [], []
    listed: set[str] = set()
    with waiting() as now:
        for place in places:
            found_here = list(find(place, now))
            paths += found_here
            if not found_here:
                empty_places.append(place)
            if place.rstrip("/").endswith((".txt", ".SAFE")):
                listed.update(path for path, _ in found_here)

    rows: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    listed_twice, not_sentinel1 = 0, []
    for path, there in paths:
        name = os.path.basename(path).removesuffix(".SAFE")
        if name in seen:
            listed_twice += 1
            # Of the same SAFE under two roots, one that is there beats one that is only listed.
            if there and not rows[seen[name]]["there"]:
                rows[seen[name]].update(path=path, there=True)
            continue
        fields = parse(name)
        if fields is None and path in listed and re.fullmatch(NAME, name):
            fields = dict.fromkeys(FIELDS, "")
        if fields is None:
            not_sentinel1.append(path)
            continue
        seen[name] = len(rows)
        rows.append({"name": name, "path": path, "there": there, **fields})

    columns = ["name", "path", "there", *FIELDS]
    everything = pd.DataFrame(rows, columns=columns).set_index("name").sort_index()
    everything["there"] = everything["there"].astype(bool)
    wanted = matches(everything, select)
    excluded = is_excluded(everything, exclude)
    selected = everything[wanted & ~excluded]
    kept = selected if duplicates == "all" else latest(selected)
    return Catalogue(
        safes=kept,
        found=len(paths),
        not_selected=int((~wanted).sum()),
        excluded=int((wanted & excluded).sum()),
        duplicates=len(selected) - len(kept),
        listed_twice=listed_twice,
        not_sentinel1=not_sentinel1,
        empty_places=empty_places,
    )


def find(place: str, now: Waiting | None = None) -> Iterator[tuple[str, bool]]:
    """SAFEs of one entry of ``safes``, as absolute paths, with whether they are there.

    ``place`` is a folder, a glob, or a ``.txt`` listing. ``now`` is told what is looked at.
    """
    now = now or Waiting()
    now.place = place
    if place.endswith(".txt"):
        yield from _listing(place, now)
    elif glob.has_magic(place) and not os.path.exists(place):
        for match in sorted(glob.glob(place, recursive=True)):
            yield from _below(match, now)
    elif os.path.isdir(place):
        yield from _below(place, now)
    elif place.rstrip("/").endswith(".SAFE") and not os.path.exists(place):
        # Named one by one, as in a listing: it fails alone.
        yield os.path.abspath(place), False
    elif os.path.exists(place):
        raise ConfigError(
            f"safes: {place} is a file, and its name does not end in .txt.\n"
            "    write the path of a folder, a glob, or of a .txt listing"
        )
    else:
        several = place.split(",")
        hint = f"safes: [{', '.join(several)}]" if len(several) > 1 else "safes: [/a/folder]"
        raise ConfigError(
            f"safes: the folder {place} is not there.\n"
            "    write the path of a folder that holds *.SAFE folders, a glob, or a .txt listing,"
            f" for example:  {hint}"
        )


def _listing(path: str, now: Waiting, setting: str = "safes") -> Iterator[tuple[str, bool]]:
    try:
        lines = Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{setting}: cannot read the listing {path}: {error}\n"
            "    write the path of a text file (UTF-8) with the path of a SAFE a line"
        ) from None
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            safe = os.path.abspath(expand_variables(line))
        except KeyError as missing:
            raise ConfigError(
                f"{setting}: {path}, line {number}: the environment variable ${missing.args[0]} is "
                f"not set.\n    set it first:  export {missing.args[0]}=/a/folder"
            ) from None
        now.place = safe
        yield safe, os.path.isdir(safe)


def _below(folder: str, now: Waiting) -> Iterator[tuple[str, bool]]:
    """All ``*.SAFE`` folders at or below ``folder``, without a look into any."""
    folder = os.path.abspath(folder)
    if folder.endswith(".SAFE"):
        if os.path.isdir(folder):
            yield folder, True
        return
    # Archives hold symbolic links to years and tracks, so links are followed; a loop of links
    # is met twice and left at the second time.
    visited = set()
    still = [folder]
    while still:
        here = now.place = still.pop()
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                inside = sorted((e.name, e.path) for e in entries if _is_dir(e))
        except NotADirectoryError:
            continue
        except OSError as error:
            raise ConfigError(
                f"safes: cannot list {here}: {error.strerror}\n"
                "    ask for the right to read it, or leave it out of safes"
            ) from None
        still += [path for name, path in reversed(inside) if not name.endswith(".SAFE")]
        yield from ((path, True) for name, path in inside if name.endswith(".SAFE"))


def _is_dir(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        # A link to itself.
        return False


def matches(safes: pd.DataFrame, select: dict[str, Any]) -> pd.Series:
    """Which rows the setting ``select`` asks for: a boolean Series over ``safes``."""
    wanted = pd.Series(True, index=safes.index)
    for key in ("mission", "mode", "product_type", "polarisation"):
        if key in select:
            values = set(select[key])
            if "SM" in values:
                values.update(STRIPMAP)
            wanted &= safes[key].isin(values)
    # Times in names have a fixed width, so they compare as text.
    if "start" in select:
        wanted &= safes["start"] >= _as_in_names(dt.datetime.fromisoformat(select["start"]))
    if "stop" in select:
        stop = dt.datetime.fromisoformat(select["stop"])
        if len(select["stop"]) == len("2024-03-31"):
            stop += dt.timedelta(days=1)
        wanted &= safes["start"] < _as_in_names(stop)
    if "name" in select:
        pattern = re.compile(fnmatch.translate(select["name"].removesuffix(".SAFE")))
        wanted &= pd.Series([bool(pattern.match(n)) for n in safes.index], safes.index, dtype=bool)
    return wanted


def is_excluded(safes: pd.DataFrame, exclude: Iterable[str]) -> pd.Series:
    """Which rows the setting ``exclude`` leaves out: a boolean Series over ``safes``.

    Raises
    ------
    ConfigError
        A listing cannot be read.
    """
    patterns = []
    for entry in exclude:
        listed = [entry]
        if entry.endswith(".txt"):
            listed = [path for path, _ in _listing(entry, Waiting(), "exclude")]
        patterns += [os.path.basename(one).removesuffix(".SAFE") for one in listed]
    exact = {pattern for pattern in patterns if not glob.has_magic(pattern)}
    others = [re.compile(fnmatch.translate(p)) for p in patterns if p not in exact]
    left_out = [name in exact or any(p.match(name) for p in others) for name in safes.index]
    return pd.Series(left_out, safes.index, dtype=bool)


def _as_in_names(when: dt.datetime) -> str:
    return when.strftime("%Y%m%dT%H%M%S")


def latest(safes: pd.DataFrame) -> pd.DataFrame:
    """Of products equal but for their last four hex digits, keep the one processed last.

    Those digits are a checksum and say nothing of time; the manifest does. One packed as COG is the
    same as the one that was packed, which is read faster.
    """
    same = safes.index.str.removesuffix("_COG").str[:-5]
    several = same.duplicated(keep=False) & (safes["mission"] != "")
    if not several.any():
        return safes
    candidates = safes[several]
    processed = {name: _processed(path) for name, path in candidates["path"].items()}

    def order(name: str) -> tuple:
        by_manifest, by_age = processed[name]
        return by_manifest, not is_cog(name), by_age, name

    groups = candidates.groupby(same[several], sort=False)
    winners = {max(group.index, key=order) for _, group in groups}
    return safes[~several | safes.index.isin(winners)]


#: When IPF was done with a product: attribute of the manifest's (outermost) processing element.
PROCESSING_STOP = re.compile(rb"<(?:\w+:)?processing\b[^>]*?\bstop=\"([^\"]+)\"")


def _processed(safe: str) -> tuple[str, float]:
    """Sort key of a SAFE: its processing time, and failing that its age on disk."""
    manifest = Path(safe) / "manifest.safe"
    try:
        times = sorted(PROCESSING_STOP.findall(manifest.read_bytes()))
        if is_cog(Path(safe).name.removesuffix(".SAFE")):
            # The last step was the packing.
            times = times[:-1]
        return b"".join(times[-1:]).decode(errors="replace"), manifest.stat().st_mtime
    except OSError:
        try:
            return "", Path(safe).stat().st_mtime
        except OSError:
            return "", 0.0
