"""SAFEs that change while they are read: a class and a sentence, or the right product."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import xarray as xr
from processes import environment, until
from repository import SCRIPTS, last_line, outcome
from safes import TIFF, copy_safe, cut, only

from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1.stability import unchanged

#: A user's function that lets the test do something to the SAFE: before it is read, and after.
MINE = """
import time
from pathlib import Path
from xsar_batch.l1b import l1b

def pause(step):
    here = Path(__file__).parent
    if (here / f"hold-{step}").exists():
        (here / f"reached-{step}").touch()
        while (here / f"hold-{step}").exists():
            time.sleep(0.01)

def convert(safe, resolution):
    pause("before")
    ds = l1b(safe, resolution).load()
    pause("after")
    return ds
"""


class Changing:
    """One conversion, held where something is done to its SAFE."""

    def __init__(self, safe: Path, land_mask: Path, folder: Path) -> None:
        self.safe, self.folder = safe, folder
        self.product = folder / "out" / f"{safe.stem}.nc"
        (folder / "mine.py").write_text(MINE)
        self.log, self.outcome = folder / "one.log", folder / "one.json"
        self.command = [
            *(sys.executable, SCRIPTS / "convert.py", safe, self.product),
            *("--land-mask", land_mask, "--function", f"{folder}/mine.py:convert"),
            *("--log", self.log, "--outcome", self.outcome),
        ]

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(self.command, env=environment(), stderr=subprocess.DEVNULL)

    def convert(self, step: str, act) -> int:
        hold = self.folder / f"hold-{step}"
        hold.touch()
        with self.start() as process:
            until((self.folder / f"reached-{step}").exists, process)
            act(self.safe)
            hold.unlink()
            return process.wait(60)

    @property
    def cause(self) -> str:
        record = outcome(self.outcome)
        assert (record["state"], record["class"]) == ("failed", "bad-safe")
        assert last_line(self.log) == f"FAILED bad-safe: {record['cause']}"
        assert not self.product.exists()
        return record["cause"]


@pytest.fixture
def changing(tmp_path, scene, land_mask_file) -> Changing:
    return Changing(copy_safe(scene(0), tmp_path), land_mask_file, tmp_path)


def replaced(safe: Path) -> None:
    """Another file of the same size under the same name, as rsync puts it there."""
    tiff = only(safe, TIFF)
    other = tiff.with_name(".other")
    data = bytearray(tiff.read_bytes())
    data[-200_000:] = bytes(200_000)
    other.write_bytes(data)
    other.replace(tiff)


def truncated(safe: Path) -> None:
    cut(only(safe, TIFF), 0.6)


def annotation_replaced(safe: Path) -> None:
    path = only(safe, "annotation/*-vh-*.xml")
    path.write_text(path.read_text() + "\n")


def one_more(safe: Path) -> None:
    (safe / "measurement" / "more.tiff").write_bytes(b"x")


CHANGED = r" changed while it was read: the SAFE is still being copied, or was replaced; "
GONE = "SAFE went away while it was read"


@pytest.mark.parametrize(
    ("step", "act", "words"),
    [
        ("before", replaced, CHANGED),
        pytest.param("before", truncated, CHANGED, marks=pytest.mark.faults),
        pytest.param("before", annotation_replaced, CHANGED, marks=pytest.mark.faults),
        pytest.param("before", one_more, CHANGED, marks=pytest.mark.faults),
        pytest.param("before", shutil.rmtree, GONE, marks=pytest.mark.faults),
        ("after", truncated, CHANGED),
        pytest.param("after", replaced, CHANGED, marks=pytest.mark.faults),
        pytest.param("after", shutil.rmtree, GONE, marks=pytest.mark.faults),
    ],
)
def test_changed_between_the_check_and_the_last_pixel(step, act, words, changing):
    assert changing.convert(step, act) == 65
    assert words in changing.cause


@pytest.mark.faults
def test_touched_by_a_backup_only(changing):
    """Read, listed, its permissions changed: it is the same SAFE."""

    def act(safe: Path) -> None:
        for path in safe.rglob("*"):
            if path.is_file():
                path.read_bytes()
                path.chmod(0o444)

    assert changing.convert("before", act) == 0
    with xr.open_dataset(changing.product) as ds:
        assert ds["sigma0"].notnull().all()


@pytest.mark.faults
@pytest.mark.parametrize("reserves", [False, True])
def test_still_being_copied(reserves, changing, scene):
    """A tiff grows, or its space is filled, until long after the start; then all is well."""
    tiff = only(changing.safe, TIFF)
    data = tiff.read_bytes()
    tiff.write_bytes(data[:100_000] + (bytes(len(data) - 100_000) if reserves else b""))
    is_over = threading.Event()

    def copy() -> None:
        with tiff.open("r+b") as file:
            position = 100_000
            while position < len(data) and not is_over.wait(0.02):
                file.seek(position)
                file.write(data[position : position + 200])
                file.flush()
                position += 200
            file.seek(0)
            file.write(data)

    copier = threading.Thread(target=copy)
    copier.start()
    try:
        with changing.start() as process:
            assert process.wait(60) == 65
        assert ("changed while it was read" if reserves else "cut short") in changing.cause
    finally:
        is_over.set()
        copier.join()
    with changing.start() as process:
        assert process.wait(60) == 0
    with xr.open_dataset(changing.product) as ds:
        assert ds["sigma0"].notnull().all()


def test_what_is_compared(tmp_path, scene):
    safe = copy_safe(scene(0), tmp_path)
    (safe / "preview").mkdir(exist_ok=True)
    with unchanged(safe):
        (safe / "preview" / "icon.png").write_bytes(b"x")
        os.utime(safe / "manifest.safe", ns=(10**18, (safe / "manifest.safe").stat().st_mtime_ns))
    with pytest.raises(BadSafe, match=r"^manifest\.safe changed while"), unchanged(safe):
        os.utime(safe / "manifest.safe", (1e9, 1e9))
    with pytest.raises(BadSafe, match=r"^\S+\.xml and 2 more changed while"), unchanged(safe):
        for path in (*sorted(safe.glob("annotation/*.xml")), safe / "manifest.safe"):
            path.write_text("x")
    # What fails for another reason keeps it.
    with pytest.raises(KeyError), unchanged(safe):
        raise KeyError(1)
    with pytest.raises(BadSafe, match="went away") as error, unchanged(safe):
        shutil.rmtree(safe)
        raise KeyError(1)
    assert isinstance(error.value.__cause__, KeyError)
    # One that was never there is for the check to name.
    with unchanged(safe):
        pass
