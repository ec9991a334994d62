"""Two runs at once on the same products: one works, the other says who does."""

import json
import shutil
import subprocess
from contextlib import ExitStack

import pytest
from fault_helpers import AS_NOBODY, NOBODY, needs_setpriv
from processes import Ran, run, snakemake_command, until
from repository import copy_workflow
from work import USUAL, Work

REFUSED = "output_dir: another run is at work in "


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    return Work.new(tmp_path / "work", land_source, map(scene, range(3)))


def colleague(work: Work, folder) -> Work:
    """Another working directory, with the same archive and the same products."""
    folder.mkdir()
    other = Work(copy_workflow(folder))
    shutil.copy2(work.folder / "land.geojson", folder)
    shutil.copy2(work.config, other.config)
    other.out = work.out
    other.change(safes=[str(work.archive)], output_dir=str(work.out))
    return other


@pytest.mark.faults
def test_three_at_once_from_three_folders(work, tmp_path, traces):
    """However they meet: the products are right, and whoever was refused can run then."""
    all_of_them = [work, *(colleague(work, tmp_path / f"other{n}") for n in range(2))]
    with ExitStack() as stack:
        processes = [stack.enter_context(one.running(**traces.environment)) for one in all_of_them]
        for process in processes:
            process.wait(180)
    ran = [
        Ran(process.returncode, one.said)
        for process, one in zip(processes, all_of_them, strict=True)
    ]
    assert any(one.code == 0 for one in ran), ran
    for one in ran:
        assert one.code == 0 or REFUSED in one.out, one.out
    assert len(work.products) == 3
    before = work.products
    for one in all_of_them:
        assert one.snakemake().code == 0
    assert work.products == before
    traces.assert_nothing_left()


@pytest.mark.faults
@needs_setpriv
def test_another_user(work, tmp_path, traces):
    """Who may write there too, by a group: told who is at work, and on which machine."""
    # Not tmp_path, which another user may not even enter.
    traces.tmp.chmod(0o755)
    work.out = traces.tmp / "out"
    work.change(function="mine.py:convert", output_dir=str(work.out))
    for file in ("hold", "passed"):
        (work.folder / file).touch()
    other = colleague(work, tmp_path / "other")
    other.change(function="xsar_batch.l1b:l1b")
    with work.running(umask="000", **traces.environment) as first:
        until(lambda: list((work.out / "logs").glob("S1*.log")), first)
        subprocess.run(["chown", "-R", str(NOBODY), other.folder], check=True)
        ran = run(
            *AS_NOBODY,
            *snakemake_command(*USUAL),
            cwd=other.folder,
            HOME=str(other.folder),
            XDG_CACHE_HOME=str(other.folder),
        )
        assert ran.code != 0
        lock = json.loads((work.out / ".xsar_batch" / "running.json").read_text())
        assert f"{REFUSED}{work.out}: process {lock['pid']} on {lock['host']} since" in ran.out
        assert "Traceback" not in ran.out
        (work.folder / "hold").unlink()
        assert first.wait(120) == 0
    assert len(work.products) == 3
