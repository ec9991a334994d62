"""SIGKILL of one conversion, at moments spread over its life: nothing half done, nothing left."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import xarray as xr
from conversions import Run
from processes import TIMEOUT, until
from repository import outcome

from xsar_batch.system import atomic_write


class Killer:
    """Converts one SAFE again and again, and kills what converts it."""

    def __init__(self, run: Run, safe: Path, is_warm: bool) -> None:
        self.run, self.safe, self.is_warm = run, safe, is_warm
        self.product = run.layout.product(safe.stem)
        self.folder = run.layout.output_dir
        begin = time.monotonic()
        assert run.convert(safe, warm=is_warm)[0] == 0
        if is_warm:
            # The first one imports xsar.
            begin = time.monotonic()
            assert run.convert(safe)[0] == 0
        self.life = time.monotonic() - begin
        self.whole = self.contents()

    def contents(self) -> xr.Dataset:
        with xr.open_dataset(self.product) as ds:
            # Among the attributes is when it was made.
            return ds.load().drop_attrs(deep=False)

    @property
    def half(self) -> list[Path]:
        return [*self.folder.glob(".*"), *self.run.layout.logs.glob(".*")]

    def kill(self, of_fork: bool, wait: float, at_write: bool) -> bool:
        """Kill one after ``wait`` seconds, or so many after it writes; False if too late."""
        client = self.run.start(self.safe, warm=self.is_warm)
        if at_write:
            until(lambda: self.writes() or client.poll() is not None)
        time.sleep(wait)
        targets = self.converters() if of_fork else [psutil.Process(client.pid)]
        is_hit = client.poll() is None and bool(targets)
        if is_hit:
            with suppress(psutil.NoSuchProcess):
                targets[0].kill()
        code = client.wait(TIMEOUT)
        client.stdout.close()
        self.wait_for_end()
        return is_hit and code == -signal.SIGKILL

    def writes(self) -> bool:
        return any(path.name.startswith(f".{self.product.name}.") for path in self.half)

    def wait_for_end(self) -> None:
        """Of a client that was killed, its fork is killed by the server in a moment."""
        until(lambda: not self.converters())

    def converters(self) -> list[psutil.Process]:
        if self.is_warm:
            return [one for server in self.run.servers() for one in living(server.children())]
        mine = []
        for process in psutil.process_iter(["cmdline"]):
            if str(self.run.file) in (process.info["cmdline"] or []):
                mine.append(process)
        # The client waits for a fork of itself.
        return living([one for one in mine if one.ppid() != os.getpid()])


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.fixture
def run(tmp_path, scene, land_mask_file):
    made = Run(tmp_path, [scene(0)], land_mask_file)
    yield made
    made.end()
    assert not made.place.exists()


@pytest.mark.parametrize(
    ("is_warm", "count"),
    [
        (True, 8),
        pytest.param(True, 100, marks=pytest.mark.faults),
        pytest.param(False, 20, marks=pytest.mark.faults),
    ],
)
def test_kills_at_any_moment(is_warm, count, run, scene):
    chance = random.Random(count)
    here = Killer(run, scene(0), is_warm)
    hits = tries = 0
    hits_in_write = 0
    while hits < count:
        tries += 1
        assert tries < 5 * count, "nearly all came too late"
        # With an older product in place, or none.
        older = tries % 2 == 0
        here.product.unlink(missing_ok=True)
        if older:
            here.product.write_bytes(b"an older product")
        at_write = tries % 5 > 0
        wait = chance.uniform(0, 0.06) if at_write else chance.uniform(0, here.life)
        is_hit = here.kill(chance.random() < 0.7, wait, at_write)
        hits += is_hit
        is_half = any(path.suffix == ".part" for path in here.half)
        hits_in_write += is_half

        if here.product.exists() and here.product.read_bytes() != b"an older product":
            # The new one, and all of it.
            assert here.contents().identical(here.whole)
        else:
            assert here.product.exists() == older
        # What the next run does first. A conversion dies with its parent, a moment later if the
        # machine is busy.
        end = time.monotonic() + TIMEOUT
        while here.half and time.monotonic() < end:
            for folder in (here.folder, run.layout.logs):
                atomic_write.remove_stale(folder)
            time.sleep(0.01)
        assert here.half == []
    # Most of them hit what there is to be hit.
    assert hits_in_write > count / 5
    assert run.convert(scene(0), warm=is_warm)[0] == 0
    assert here.contents().identical(here.whole)
    assert outcome(run.layout.outcome(scene(0).stem))["state"] == "done"
    print(f"{hits} kills of {tries}, {hits_in_write} while it wrote")
