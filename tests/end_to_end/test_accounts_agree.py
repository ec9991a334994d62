"""Preview, end of a run, status.csv, report and the files on disk tell the same, kill or no kill.

So do the run with broken ones among good ones (test_workflow) and that through PBS.
"""

import os
import sys

import agree
from plan_helpers import NO_PROCESS
from processes import run
from work import Work, ending, preview

GOOD, BAD = 3, 2


def test_all_accounts_agree_at_work_after_kill_9_and_at_the_end(scene, land_source, tmp_path):
    good, bad = map(scene, range(GOOD)), map(scene, range(GOOD, GOOD + BAD))
    settings = {"function": "mine.py:convert", "report": True}
    work = Work.new(tmp_path / "work", land_source, good, bad, **settings)
    selected = {path.stem for path in work.archive.iterdir()}
    (work.folder / "hold").touch()

    def held() -> bool:
        """One product is there, and the others are in the middle."""
        logs = [path.read_text() for path in work.out.glob("logs/S1*.log")]
        return bool(work.products) and sum("mine.py:convert" in log for log in logs) == GOOD

    with work.run_until(held):
        ran = run(sys.executable, "workflow/scripts/report.py", cwd=work.folder)
        assert (ran.code, ran.out) == (0, "out/report.html\n")
        counts = agree.check(work, selected, at_work=True)
        assert (counts["done"], counts["running"]) == (1, GOOD - 1)
    (work.folder / "hold").unlink()
    made = work.products
    # What a job leaves that is killed while it writes; no such process is alive.
    host = os.uname().nodename.split(".")[0]
    half = work.out / f".{min(selected - {*made})}.nc.{host}-{NO_PROCESS}.part"
    half.write_bytes(b"half")

    ran = work.snakemake("report")
    assert ran.code == 0, ran.out
    counts = agree.check(work, selected, before=preview(ran))
    assert counts["done"] == 1 and counts["failed"] >= GOOD - 1 and not counts["running"]

    # The same command as at first, and nothing before it.
    ran = work.snakemake()
    assert ran.scheduled["convert"] == GOOD + BAD - 1
    assert made.items() <= work.products.items() and not half.exists()
    counts = agree.check(work, selected, end=ending(ran))
    assert counts == {"done": GOOD, "failed": BAD, "running": 0, "pending": 0}
