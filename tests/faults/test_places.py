"""Folders for the products that are full, forbidden, gone, in use or oddly named.

Each either works, or is refused or fails in one clear sentence; nothing is lost.
"""

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import xarray as xr
from fault_helpers import AS_NOBODY, NOBODY, fill, mounted, needs_root, needs_setpriv
from processes import Ran, run, snakemake_command, until
from safes import copy_safe
from standin.pbs import Server
from work import BESIDE, USUAL, Work, ending

faults = pytest.mark.faults


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    """One SAFE, and nothing done."""
    return Work.new(tmp_path / "work", land_source, [scene(0)])


@pytest.fixture
def name(scene) -> str:
    return scene(0).stem


def is_whole(product: Path) -> bool:
    with xr.open_dataset(product) as ds:
        has_values = ds["sigma0"].notnull() == (ds["quality_flag"] <= 1)
        return bool(has_values.all()) and dict(ds.sizes)["line"] == 7


def said(ran: Ran) -> list[str]:
    """The sentences about output_dir."""
    return [line for line in ran.out.splitlines() if "output_dir: " in line]


# -- names -----------------------------------------------------------------------------------

NAMES = {
    "all at once": """it's "été" $HOME `ls`;a&b|c (1) #2 %s""",
    "space": "a b",
    "single quote": "it's",
    "double quote": 'say "so"',
    "accents": "été à l'île ÅÖ",
    "japanese": "海面",
    "dollar": "$x and $(touch here)",
    "semicolon": "a;touch here",
    "ampersand": "a&b",
    "backquote": "`touch here`",
    "hash": "#a",
    "percent": "100%s %(x)s",
    "star": "a*b?",
    "brackets": "a[1]",
    "comma and equals": "a,b=c",
    "colon": "a:b",
    "tilde": "a~",
    "leading dash": "-out",
    "long": "x" * 200,
    "deep": "/".join(["folder"] * 30),
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "all at once" else faults) for kind in NAMES]
)
def test_output_dir_of_any_name(kind, work, name):
    out = work.folder / "place" / NAMES[kind]
    work.out = out
    # `$` in a setting is a variable: one that holds the path is how it can be written.
    work.change(output_dir="$PLACE")

    ran = work.snakemake(PLACE=str(out))

    assert ran.code == 0, ran.out
    assert is_whole(out / f"{name}.nc")
    assert work.left == {f"{name}.nc", *BESIDE}
    assert not (work.folder / "here").exists()
    again = work.snakemake("-n", PLACE=str(out))
    assert again.code == 0 and "convert" not in again.scheduled, again.out


@faults
@pytest.mark.parametrize("text", ["work\\ing $x it's", 'a "b" été'])
def test_working_directory_of_any_name_in_pbs(text, tmp_path, scene, land_source, name):
    """The folder, the config file and the products; the command line travels to a PBS job."""
    work = Work.new(tmp_path / text, land_source, [scene(0)], output_dir=str(tmp_path / "it's out"))
    work.out = tmp_path / "it's out"
    mine = work.folder / "it's \\my\\\\ settings.yaml"
    mine.write_text("compression: 5\n")
    pbs = Server.new(tmp_path / "pbs")
    try:
        command = snakemake_command(
            *("--profile", "profiles/pbs", "--seconds-between-status-checks", "2"),
            *("--pbs-pack-wait", "2", "--configfile", mine.name),
        )
        ran = run(*command, cwd=work.folder, **pbs.environment)
    finally:
        pbs.stop()
    assert ran.code == 0, ran.out
    assert is_whole(work.out / f"{name}.nc")


# -- full ------------------------------------------------------------------------------------


@faults
@needs_root
def test_disk_that_fills_up_and_is_emptied(work, name, tmp_path):
    """An older product stays until there is room for the new one."""
    with mounted(tmp_path / "disk", options="size=3m") as disk:
        work.out = disk / "out"
        work.change(output_dir=str(work.out))
        assert work.snakemake().code == 0
        old = (work.out / f"{name}.nc").read_bytes()
        filled = fill(disk, leave=60_000)

        work.change(resolution="500m", remake=True)
        ran = work.snakemake()

        assert ran.code != 0
        assert "(1 disk-full)" in ending(ran) or said(ran), ran.out
        assert "no space left" in ran.out.lower()
        assert "Traceback" not in ran.out
        assert (work.out / f"{name}.nc").read_bytes() == old

        filled.unlink()
        assert work.snakemake().code == 0
        assert (work.out / f"{name}.nc").read_bytes() != old
        assert work.left == {f"{name}.nc", *BESIDE}


@faults
@needs_root
@pytest.mark.parametrize(
    ("options", "leave"),
    [
        *(("size=2m", leave) for leave in (0, 4096, 20_000, 100_000, 250_000)),
        *((f"size=64m,nr_inodes={inodes}", None) for inodes in range(2, 22, 2)),
    ],
)
def test_disk_with_little_room(options, leave, work, name, tmp_path):
    """Bytes or inodes: whatever it is that has no room, it is said, and all is well when there
    is."""
    with mounted(tmp_path / "disk", options=options) as disk:
        work.out = disk / "out"
        work.change(output_dir=str(work.out))
        filled = None if leave is None else fill(disk, leave=leave)
        ran = work.snakemake()
        if ran.code:
            # Also of Snakemake itself, and of SQLite.
            assert re.search("no space left|disk is full", ran.out, re.IGNORECASE), ran.out
            assert not (work.out / f"{name}.nc").exists()
        else:
            assert is_whole(work.out / f"{name}.nc")
        if filled:
            filled.unlink()
        else:
            subprocess.run(["mount", "-o", "remount,nr_inodes=1000", disk], check=True)
        ran = work.snakemake()
        assert ran.code == 0, ran.out
        assert is_whole(work.out / f"{name}.nc")
        assert work.left == {f"{name}.nc", *BESIDE}


@faults
@pytest.mark.parametrize("size", [0, 1000, 20_000, 60_000, 150_000])
def test_limit_on_the_size_of_files(size, work, name):
    """The next best to a quota, which the kernels of most test machines do not have."""
    command = ["bash", "-c", f'ulimit -f {size // 1000}; exec "$@"', "bash"]
    ran = run(*command, *snakemake_command(*USUAL), cwd=work.folder)
    if ran.code:
        assert re.search("[Ff]ile too large|ulimit|disk is full", ran.out), ran.out
        assert not (work.out / f"{name}.nc").exists()
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert work.left == {f"{name}.nc", *BESIDE}


# -- forbidden, gone, in the way -------------------------------------------------------------


@faults
@needs_root
def test_read_only_output_dir(work, name, tmp_path):
    with mounted(tmp_path / "disk") as disk:
        work.out = disk / "out"
        work.change(output_dir=str(work.out))
        assert work.snakemake().code == 0
        before = work.products
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

        # Looking is allowed.
        ran = work.snakemake("-n")
        assert ran.code == 0 and "convert" not in ran.scheduled, ran.out

        work.change(resolution="500m", remake=True)
        ran = work.snakemake()
        assert ran.code != 0
        assert said(ran), ran.out
        line = said(ran)[0]
        assert os.strerror(errno.EROFS) in line
        assert "Traceback" not in ran.out
        assert work.products == before


@faults
def test_output_dir_that_vanishes_during_a_run(work, name):
    work.change(function="mine.py:convert")
    for file in ("hold", "passed"):
        (work.folder / file).touch()
    logs = work.out / "logs"
    with work.running() as process:
        until(lambda: any("mine.py" in p.read_text() for p in logs.glob("S1*.log")), process)
        shutil.rmtree(work.out)
        (work.folder / "hold").unlink()
        process.wait(60)
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert work.left == {f"{name}.nc", *BESIDE}


@faults
@needs_setpriv
def test_output_dir_of_somebody_else(work, name, tmp_path, scene):
    """Readable, not writable: what is pending can be seen; a run says whose folder to take."""
    assert work.snakemake().code == 0
    before = work.products
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["chown", str(NOBODY), home, work.folder], check=True)
    subprocess.run(["chown", "-R", str(NOBODY), work.folder / ".snakemake"], check=True)

    def as_nobody(*arguments: str) -> Ran:
        return run(
            *AS_NOBODY,
            *snakemake_command(*USUAL, *arguments),
            cwd=work.folder,
            HOME=str(home),
            XDG_CACHE_HOME=str(home),
        )

    ran = as_nobody("-n")
    assert ran.code == 0 and "convert" not in ran.scheduled, ran.out
    # Products that would be made again are named by Snakemake itself.
    ran = as_nobody("--config", "resolution=500m", "remake=true")
    assert ran.code != 0
    assert "Write-protected output files for rule convert" in ran.out
    assert f"out/{name}.nc" in ran.out

    copy_safe(scene(1), work.archive, linked=True)
    ran = as_nobody()
    assert ran.code != 0
    assert said(ran), ran.out
    assert os.strerror(errno.EACCES) in said(ran)[0]
    assert "write the path of a folder that is yours:  output_dir:" in ran.out
    assert "Traceback" not in ran.out
    assert work.products == before


IN_THE_WAY = {
    "a folder called as the product": ("{name}.nc/", "{name}.nc"),
    "logs is a file": ("logs", "logs is a file, and should be a folder"),
    ".xsar_batch is a file": (".xsar_batch", ".xsar_batch is a file, and should be a folder"),
    "the log is a folder": ("logs/{name}.log/", None),
    "the outcome is a folder": ("logs/{name}.json/", None),
    "the lock is a folder": (".xsar_batch/running.json/", "running.json"),
    "previous is a file": (".xsar_batch/previous", "should be a folder"),
}


@faults
@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_something_in_the_way(kind, work, name):
    where, word = IN_THE_WAY[kind]
    path = work.out / where.format(name=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if where.endswith("/") else path.write_text("precious")
    if path.is_dir():
        (path / "precious").touch()

    ran = work.snakemake()

    if word is None:
        assert ran.code == 0, ran.out
    else:
        assert ran.code != 0, ran.out
        assert word.format(name=name) in ran.out
    assert "Traceback" not in ran.out, ran.out
    assert (path / "precious").exists() if path.is_dir() else path.read_text() == "precious"

    shutil.rmtree(path) if path.is_dir() else path.unlink()
    ran = work.snakemake()
    assert ran.code == 0, ran.out
    assert work.left == {f"{name}.nc", *BESIDE}
