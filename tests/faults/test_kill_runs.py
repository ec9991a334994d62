"""SIGKILL and SIGTERM of what runs the conversions: the next run completes, nothing twice.

Killed are one process each, not the group: as the kernel does when memory is short.
"""

import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest
from fault_helpers import Traces
from processes import TIMEOUT, environment, snakemake_command, until
from repository import outcome
from standin.pbs import Server
from work import BESIDE, USUAL, Work

#: Notes each start, and takes a second.
NOTING = """
import time
from pathlib import Path

from xsar_batch.l1b import l1b


def convert(safe, resolution):
    with open(Path(__file__).with_name("started"), "a") as file:
        file.write(Path(safe).stem + "\\n")
    time.sleep(1)
    return l1b(safe, resolution)[["sigma0", "longitude", "latitude"]]
"""
SAFES = 10
PBS = (
    *("--profile", "profiles/pbs", "--seconds-between-status-checks", "2"),
    *("--pbs-pack-wait", "2", "--pbs-pack-size", "5", "--retries", "0"),
)

MAIN = ("-m", "snakemake", "--profile")
SERVER = ("xsar_batch.conversion.forkserver.server",)
SUPERVISOR = ("snakemake_executor_plugin_pbs.supervisor",)


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    safes = map(scene, range(SAFES))
    work = Work.new(tmp_path / "work", land_source, safes, function="noting.py:convert")
    (work.folder / "noting.py").write_text(NOTING)
    return work


def started(work: Work) -> Counter[str]:
    path = work.folder / "started"
    return Counter(path.read_text().split()) if path.exists() else Counter()


class Runs:
    """Runs of one kind, killed one after the other."""

    def __init__(self, work: Work, traces: Traces, words: tuple[str, ...], **more: str) -> None:
        self.work, self.traces, self.words = work, traces, words
        self.environment = {**traces.environment, **more}

    def start(self) -> subprocess.Popen:
        with (self.work.folder / "said").open("a") as said:
            return subprocess.Popen(
                snakemake_command(*self.words),
                cwd=self.work.folder,
                env=environment(**self.environment),
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def kill_one(self, target: str, number: int, chance: random.Random) -> None:
        """One run in the middle of which one process is killed; ends when that run has ended."""
        before = sum(started(self.work).values())
        process = self.start()
        try:
            until(lambda: sum(started(self.work).values()) > before, process)
            time.sleep(chance.uniform(0, 1.5))
            for victim in self.victims(target, process):
                with suppress(psutil.NoSuchProcess):
                    victim.send_signal(number)
            process.wait(TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()

    def victims(self, target: str, process: subprocess.Popen) -> list[psutil.Process]:
        if target == "main process":
            return [psutil.Process(process.pid)]
        if target == "warm interpreter":
            return self.traces.top(*SERVER)[:1]
        (supervisor, *_) = self.traces.top(*SUPERVISOR)
        if target == "supervisor":
            return [supervisor]
        inner = [one for one in supervisor.children() if SUPERVISOR[0] in one.cmdline()]
        return inner[:1]

    def finish(self) -> None:
        process = self.start()
        try:
            code = process.wait(TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        assert code == 0, (self.work.folder / "said").read_text()[-3000:]


def kill_again_and_again(runs: Runs, target: str, seed: int) -> int:
    """Each signal some times; returns how many kills."""
    work, chance = runs.work, random.Random(seed)
    kills = 0
    for number in 3 * (signal.SIGKILL, signal.SIGTERM):
        if len(work.products) == SAFES:
            break
        before = work.products
        counted = started(work)
        runs.kill_one(target, number, chance)
        kills += 1
        # What was published is as it was, and was not begun again.
        assert before.items() <= work.products.items()
        assert all(started(work)[name] == counted[name] for name in before)
    published, counted = work.products, started(work)
    runs.finish()
    assert len(work.products) == SAFES
    assert published.items() <= work.products.items()
    assert all(started(work)[name] == counted[name] for name in published)
    records = [outcome(path) for path in (work.out / "logs").glob("S1*.json")]
    assert [record["state"] for record in records] == ["done"] * SAFES
    assert work.left == {*(f"{name}.nc" for name in work.products), *BESIDE}
    assert list((work.out / "logs").glob(".*")) == []
    # A start more than there are products is one that was killed.
    assert sum(started(work).values()) <= SAFES + 2 * kills
    runs.traces.assert_nothing_left()
    return kills


@pytest.mark.faults
@pytest.mark.parametrize("is_warm", [True, False])
def test_main_process(is_warm, work, traces):
    work.change(warm=is_warm)
    assert kill_again_and_again(Runs(work, traces, USUAL), "main process", 1) >= 3


@pytest.mark.faults
def test_warm_interpreter(work, traces):
    """Its conversions go on by themselves, so a run that has begun completes."""
    runs = Runs(work, traces, USUAL)
    chance = random.Random(2)
    for number in (signal.SIGKILL, signal.SIGTERM):
        for path in work.out.glob("*.nc"):
            path.unlink()
        (work.folder / "started").unlink(missing_ok=True)
        runs.kill_one("warm interpreter", number, chance)
        runs.finish()
        assert len(work.products) == SAFES
        # Those that it worked on began again.
        assert sum(started(work).values()) <= SAFES + 2
        assert work.left == {*(f"{name}.nc" for name in work.products), *BESIDE}
        traces.assert_nothing_left()


@pytest.mark.faults
@pytest.mark.parametrize(
    "target", ["main process", "supervisor", "inner snakemake", "warm interpreter"]
)
def test_in_pbs(target, work, traces, tmp_path):
    pbs = Server.new(tmp_path / "pbs")
    try:
        runs = Runs(work, traces, PBS, **pbs.environment)
        kill_again_and_again(runs, target, 3)
        until(lambda: not pbs.left())
        assert list((work.folder / ".snakemake" / "pbs").iterdir()) == []
    finally:
        pbs.stop()
