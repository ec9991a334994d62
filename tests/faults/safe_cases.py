#!/usr/bin/env python
"""Convert broken SAFEs, each in a process of its own, and judge what became of them.

    python tests/faults/safe_cases.py KIND --seed 7     one case, with its log
    python tests/faults/safe_cases.py --each 20         all kinds with 20 seeds
    python tests/faults/safe_cases.py --list            the kinds

Each case is a fork of a process that has imported xsar, as in a run: copy, damage, check, convert,
judge. It may take 10 s of CPU, 60 s of time, and 1 GB of memory beyond what it began with. What is
outside of the SAFE and made to tempt is watched: nobody may open it.
"""

import argparse
import contextlib
import ctypes
import datetime as dt
import itertools
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    # Before anything that loads numpy.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import safe_bit_kinds
import safe_folder_kinds
import safe_tiff_kinds
import safe_xml_kinds
import sentinel1_demo_scenes as demo
from land import LAND
from safe_kinds import KINDS, Kind
from safes import copy_safe

from xsar_batch.conversion import command
from xsar_batch.failures import EXIT_CODES
from xsar_batch.landmask import polygons

assert safe_bit_kinds and safe_folder_kinds and safe_tiff_kinds and safe_xml_kinds

CPU, TIMEOUT, MEMORY = 10, 60, 1 << 30

#: Never to be found in a log, an outcome or a product.
SECRET = "xyzzy-nobody-may-read-this"

_IN_ACCESS, _IN_OPEN, _IN_NONBLOCK = 0x1, 0x20, 0o4000


@dataclass
class Verdict:
    """What became of a case.

    ``end``: ``right`` (a product that is), the class of a failure, or ``wrong``; ``why`` says it.
    """

    kind: str
    seed: int
    end: str
    why: str
    stage: str = "check"
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def command(self) -> str:
        return f"python tests/faults/safe_cases.py {self.kind} --seed {self.seed}"


class World:
    """A whole small SAFE, its product, and another acquisition, in a folder of this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        size = {"lines": 320, "samples": 420}
        self.safe = demo.make_safe(folder / "whole", **size)
        self.other = demo.make_safe(
            folder / "another", **size, start=dt.datetime(2024, 3, 13, 18), seed=1
        )
        land = folder / "land.geojson"
        geometry = {"type": "Polygon", "coordinates": [LAND]}
        feature = {"type": "Feature", "properties": {}, "geometry": geometry}
        land.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        self.land_mask = folder / "land.fgb"
        polygons.build(land, self.land_mask)
        self.product = folder / "whole.nc"
        ended = _forked(lambda: self.convert(self.safe, folder / "whole.nc", folder / "whole"))
        assert os.waitstatus_to_exitcode(ended) == 0, (folder / "whole" / "log").read_text()

    def convert(self, safe: Path, product: Path, logs: Path) -> int:
        """The real command, in this process."""
        words = [safe, product, "--land-mask", self.land_mask]
        words += ["--log", logs / "log", "--outcome", logs / "outcome.json"]
        return command.main([os.fspath(word) for word in words])


def _forked(action) -> int:
    """Wait status of a fork that does something and returns its exit code."""
    process = os.fork()
    if process == 0:
        code = 99
        try:
            code = action()
        finally:
            os._exit(code)
    return os.waitpid(process, 0)[1]


class Case:
    """One case in a folder of its own."""

    def __init__(self, world: World, kind: Kind, seed: int) -> None:
        self.world, self.kind, self.seed = world, kind, seed
        self.folder = Path(tempfile.mkdtemp(prefix="case-", dir=world.folder))
        self.out, self.logs = self.folder / "out", self.folder / "logs"
        self.outside = self.folder / "in" / "outside"
        self.verdict = self.folder / "verdict.json"
        self.path: Path | None = None

    def start(self) -> None:
        self.began = time.monotonic()
        self.process = os.fork()
        if self.process == 0:
            # What a conversion says on the terminal is in its log too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            try:
                verdict = self._judged()
            except BaseException:
                why = f"it cannot be judged: {traceback.format_exc()}"
                verdict = Verdict(self.kind.name, self.seed, "wrong", why)
            self.verdict.write_text(json.dumps(asdict(verdict)))
            os._exit(0)

    def poll(self) -> Verdict | None:
        """The verdict, once the process has ended; one that takes too long is ended."""
        process, status = os.waitpid(self.process, os.WNOHANG)
        took = time.monotonic() - self.began
        if not process:
            if took > TIMEOUT:
                os.kill(self.process, signal.SIGKILL)
            return None
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            verdict = Verdict(**json.loads(self.verdict.read_text()))
        else:
            how = "it hangs" if took > TIMEOUT else f"the process ended with {code}"
            verdict = Verdict(self.kind.name, self.seed, "wrong", f"{how}: {self.log()[-500:]}")
        verdict.seconds = round(took, 2)
        return verdict

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        with contextlib.suppress(OSError):
            return (self.logs / "log").read_text(errors="replace")
        return ""

    def _judged(self) -> Verdict:
        """In the fork: damage, convert, judge."""
        resource.setrlimit(resource.RLIMIT_CPU, (CPU + 60, CPU + 60))
        self._set_out()
        before = _listing(self.path)
        resource.setrlimit(resource.RLIMIT_AS, (_virtual() + MEMORY, resource.RLIM_INFINITY))
        watch = _Watch(self.outside)
        began = time.process_time()
        product = self.out / f"{self.path.name.removesuffix('.SAFE')}.nc"
        # It ends as the real one: nothing of its log and signals reaches what judges it.
        status = _forked(lambda: self.world.convert(self.path, product, self.logs))
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = round(used.ru_utime + used.ru_stime, 2)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        opened = watch.opened()
        code = os.waitstatus_to_exitcode(status)
        log = self.log()
        said = log.rstrip("\n").rsplit("\n", 1)[-1]
        wrong = [f"it opened {name}" for name in opened]
        if SECRET in log or any(
            SECRET.encode() in path.read_bytes()
            for path in (*self.out.glob("*"), *self.logs.glob("*"))
        ):
            wrong.append("it tells what is outside")
        if _listing(self.path) != before:
            wrong.append("it changed the SAFE")
        if cpu > CPU:
            wrong.append(f"it took {cpu} s of CPU")
        there = {"in", "logs", *(["out"] if self.out.exists() else [])}
        if {path.name for path in self.folder.iterdir()} != there:
            wrong.append("it wrote elsewhere")
        if code == 0:
            end = "right"
            if self.kind.fate == "refused":
                wrong.append("it made a product")
            from safe_truth import differences

            wrong += differences(product, self.path, self.world.product, self.kind.fate)
        else:
            end, why = self._failed(code, said, log)
            wrong += why
            if self.out.exists() and any(self.out.iterdir()):
                wrong.append("it left something behind")
            if self.kind.fate == "right":
                wrong.append(f"it refused what is whole: {said}")
        stage = "conversion" if "the SAFE is whole" in log else "check"
        verdict = "wrong" if wrong else end
        why = "; ".join(wrong) or said
        assert time.process_time() >= began
        return Verdict(self.kind.name, self.seed, verdict, why, stage, cpu=cpu)

    def _failed(self, code: int, said: str, log: str) -> tuple[str, list[str]]:
        classes = {number: name for name, number in EXIT_CODES.items()}
        if code not in classes:
            return "crash", [f"it ended with {code}: {log[-300:]}"]
        name = classes[code]
        # The class says what the SAFE is, and nobody who has another disk or memory is to try it.
        if name not in ("bad-safe", "unsupported", "bad-product"):
            return name, [f"its class is {name}: {said}"]
        if not re.fullmatch(rf"FAILED {name}: \S.{{5,}}", said):
            return name, [f"it says: {said[:200]}"]
        if len(said) > 1000:
            return name, [f"its sentence has {len(said)} characters"]
        return name, []

    def _set_out(self) -> None:
        """The copy, what is to tempt beside it, and the damage."""
        place = self.folder / "in"
        place.mkdir()
        self.outside.mkdir()
        for name in ("secret.txt", "secret.dtd"):
            (self.outside / name).write_text(f'<!ENTITY a "{SECRET}">\n')
        (place / "other").mkdir()
        (place / "other" / self.world.other.name).symlink_to(self.world.other)
        # Hard links would change the whole one.
        safe = copy_safe(self.world.safe, place)
        self.path = self.kind.apply(safe, self.seed)
        self.logs.mkdir()


class _Watch:
    """Whether a file in a folder, or in folders below it, is opened or read from now on."""

    def __init__(self, folder: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._libc.inotify_init1(_IN_NONBLOCK)
        assert self._handle >= 0, os.strerror(ctypes.get_errno())
        for place in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
            number = self._libc.inotify_add_watch(
                self._handle, os.fsencode(place), _IN_ACCESS | _IN_OPEN
            )
            assert number >= 0, os.strerror(ctypes.get_errno())

    def opened(self) -> list[str]:
        """Names of the files."""
        try:
            data = os.read(self._handle, 1 << 16)
        except BlockingIOError:
            return []
        finally:
            os.close(self._handle)
        found, at = set(), 0
        while at < len(data):
            length = int.from_bytes(data[at + 12 : at + 16], sys.byteorder)
            found.add(data[at + 16 : at + 16 + length].rstrip(b"\0").decode() or "a folder")
            at += 16 + length
        return sorted(found)


def _listing(safe: Path) -> list[tuple[str, int, int]]:
    """Files of a SAFE with their sizes and times; of anything else nothing."""
    found = []
    for path in sorted(safe.rglob("*")) if safe.is_dir() else ():
        status = path.lstat()
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return found


def _virtual() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def judged(cases: list[tuple[str, int]], workers: int, each=lambda verdict: None) -> list[Verdict]:
    """Judge cases (kind, seed), ``workers`` at a time; ``each`` is told as they end."""
    from xsar_batch.conversion.forkserver import preloading

    preloading.preload()
    verdicts, running, waiting = [], [], list(reversed(cases))
    with tempfile.TemporaryDirectory(prefix="safes-") as folder:
        world = World(Path(folder))
        while waiting or running:
            while waiting and len(running) < workers:
                name, seed = waiting.pop()
                running.append(Case(world, KINDS[name], seed))
                running[-1].start()
            for case in list(running):
                verdict = case.poll()
                if verdict:
                    running.remove(case)
                    case.clear()
                    verdicts.append(verdict)
                    each(verdict)
            time.sleep(0.005)
    return verdicts


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("kind", nargs="*", help="kinds [all]")
    reader.add_argument("--seed", type=int, help="one seed")
    reader.add_argument("--each", type=int, default=1, help="number of seeds [%(default)s]")
    reader.add_argument("--workers", type=int, default=2, help="[%(default)s]")
    reader.add_argument("--list", action="store_true", help="only list the kinds")
    reader.add_argument("--json", type=Path, help="write the verdicts to a file")
    given = reader.parse_args()
    names = given.kind or list(KINDS)
    if given.list:
        print(*(f"{name:50} {KINDS[name].fate:8} {KINDS[name].text}" for name in names), sep="\n")
        return 0
    seeds = [given.seed] if given.seed is not None else range(given.each)
    cases = [(name, seed) for seed in seeds for name in names]

    ends = itertools.count(1)

    def tell(verdict: Verdict) -> None:
        if (number := next(ends)) % 100 == 0:
            print(f"{number} of {len(cases)}", file=sys.stderr, flush=True)
        if verdict.end == "wrong" or given.kind:
            print(f"{verdict.end:12} {verdict.command}\n    {verdict.why}", flush=True)

    verdicts = judged(cases, given.workers, tell)
    if given.json:
        given.json.write_text(json.dumps([asdict(verdict) for verdict in verdicts]))
    counts: dict[str, int] = {}
    for verdict in verdicts:
        key = verdict.end if verdict.end == "wrong" else f"{verdict.end} at the {verdict.stage}"
        counts[key] = counts.get(key, 0) + 1
    print(len(verdicts), "cases of", len(names), "kinds:", counts)
    return 1 if "wrong" in counts else 0


if __name__ == "__main__":
    sys.exit(main())
