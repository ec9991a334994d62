"""What the user is told: preview, end of a run, status.csv."""

import json
import re

import pytest
from plan_helpers import attempt, begun, ended, make, make_products, name, names, plan_of

from xsar_batch.batch import lock, preview, status, summary
from xsar_batch.batch.run import Run
from xsar_batch.conversion import outcome
from xsar_batch.failures import BadSafe
from xsar_batch.sentinel1 import footprint

SPAN = "    the oldest pending is of 2024-03-01 18:00, the newest of 2024-03-04 18:00"

# -- preview and end ------------------------------------------------------------------------


def test_preview(config, tmp_path):
    (tmp_path / "archive" / f"{name(1)[:-4]}0000.SAFE").mkdir()
    (tmp_path / "archive" / f"{name(1).replace('IW', 'EW')}.SAFE").mkdir()
    (tmp_path / "empty").mkdir()
    for number in range(5):
        (tmp_path / "archive" / f"LANDSAT{number}.SAFE").mkdir()
    gone = f"/gone/{name(9)}.SAFE"
    (tmp_path / "list.txt").write_text(f"{gone}\n{gone}\n")
    make_products(plan_of(config).layout, 2)
    safes = [*config["safes"], str(tmp_path / "list.txt"), str(tmp_path / "empty")]
    plan = plan_of(config, safes=safes, select={"mode": "IW"})
    archive = tmp_path / "archive"
    assert list(preview.lines(plan)) == [
        "xsar-batch: 13 SAFEs found, 5 selected, 1 duplicates; 1 done, 4 pending"
        f" -> {tmp_path}/out",
        "    1 left out: not asked for by `select`",
        "    1 left out: listed or found twice",
        "    5 not a Sentinel-1 name, left out: "
        f"{archive}/LANDSAT0.SAFE, {archive}/LANDSAT1.SAFE, {archive}/LANDSAT2.SAFE and 2 more",
        f"    no SAFE found in: {tmp_path}/empty",
        f"    1 listed but not there, will fail: {gone}",
        "    1 of the done are taken as they are: settings unknown",
        "    S1A IW: 5, 4 pending (pending/all: 2024-03 4/5)",
        SPAN.replace("04 18", "09 18"),
    ]


def test_preview_of_other_settings(ready, config, tmp_path):
    assert list(preview.lines(plan_of(config, resolution="500m", remake=True))) == [
        f"xsar-batch: 4 SAFEs found, 4 selected, 0 duplicates; 0 done, 4 pending -> {tmp_path}/out",
        "    2 of the pending are there and will be made again: resolution 1000m -> 500m",
        "    S1A IW: 4, 4 pending (pending/all: 2024-03 4/4)",
        SPAN,
    ]


def test_preview_tells_failures_of_last_time_and_what_is_to_come(config, tmp_path):
    run = begun(plan_of(config), 1, 2, 3)
    make(run, 1, product_bytes=4_000_000)
    attempt(run, 2).failed(BadSafe("x.tiff is empty"))
    attempt(run, 3)
    assert "    1 of the pending are being made by a run at work" in preview.lines(plan_of(config))
    ended(run)
    record = outcome.read(run.plan.layout.outcome(name(1)))
    run.plan.layout.outcome(name(1)).write_text(json.dumps({**record, "seconds": 100.0}))
    assert list(preview.lines(plan_of(config)))[2:] == [
        "    S1A IW: 4, 3 pending (pending/all: 2024-03 3/4)",
        "    2 of the pending failed last time (1 bad-safe, 1 killed)",
        "    the oldest pending is of 2024-03-02 18:00, the newest of 2024-03-04 18:00",
        "    about 5 min of one core and 12 MB, at 2 min and 4.0 MB a SAFE as before",
    ]
    # A product that is removed is pending, and did not fail.
    run.plan.layout.product(name(1)).unlink()
    assert "    2 of the pending failed last time (1 bad-safe, 1 killed)" in list(
        preview.lines(plan_of(config))
    )


def test_preview_tells_years_where_there_are_many_months(config, tmp_path):
    for month in range(1, 9):
        moved = name(1).replace("202403", f"2023{month:02}")
        (tmp_path / "archive" / f"{moved}.SAFE").mkdir()
        (tmp_path / "archive" / f"{moved.replace('S1A_IW', 'S1B_EW')}.SAFE").mkdir()
    kinds = [line for line in preview.lines(plan_of(config)) if "pending/all" in line]
    assert kinds == [
        "    S1A IW: 12, 12 pending (pending/all: 2023 8/8, 2024 4/4)",
        "    S1B EW: 8, 8 pending (pending/all: 2023 8/8)",
    ]


def test_end(ready, config, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["snakemake", "--config", "output_dir=a folder"])
    run = begun(plan_of(config), 1, 2, 3, 4)
    make(run, 1)
    ready.layout.product(name(2)).unlink()
    attempt(run, 2).failed(BadSafe("x.tiff is empty"))
    attempt(run, 3)
    # Of another run, whatever its clock said: so it says nothing of this one.
    attempt(run, 4, run="another").done()
    lines = ended(run)
    times = lines.pop(3)
    assert lines == [
        "xsar-batch: of 4 pending, 1 made, 2 failed (1 bad-safe, 1 killed), 1 not tried",
        f"    {name(2)}: bad-safe: x.tiff is empty",
        f"    {name(3)}: killed: ended without a word, out of memory or by a signal",
        "    1 products of earlier settings were kept, as they were not made again",
        f"    2 of 4 SAFEs are done; each of them: {tmp_path}/out/status.csv",
        f"    Logs: {tmp_path}/out/logs. To retry failures and process new SAFEs, run:",
        "        snakemake --config 'output_dir=a folder'",
    ]
    assert re.fullmatch(
        rf"    0\.\d s a SAFE in the mean, up to \d+ MB; the slowest took 0\.\d s: {name(1)}", times
    )
    # It is the end: the product is back, and another run may begin.
    assert ready.layout.product(name(2)).exists()
    assert not ready.layout.lock.exists()


def test_end_of_a_run_that_was_stopped(ready, config):
    run = begun(plan_of(config), 3)
    attempt(run, 3).interrupted("SIGTERM", 143)
    first, _, advice, _ = ended(run)
    assert first == "xsar-batch: of 1 pending, 0 made, 0 failed, 1 interrupted"
    assert advice == "    To go on, run:"


def test_end_of_a_run_without_a_failure(config, tmp_path):
    run = begun(plan_of(config))
    for number in range(1, 5):
        make(run, number)
    first, _, last = ended(run)
    assert first == "xsar-batch: of 4 pending, 4 made, 0 failed"
    assert last == f"    4 of 4 SAFEs are done; each of them: {tmp_path}/out/status.csv"


def test_end_of_a_run_that_had_nothing_to_do(config, tmp_path):
    make_products(plan_of(config).layout, 1, 2, 3, 4)
    assert ended(begun(plan_of(config))) == [
        "xsar-batch: nothing to do, all 4 products are there",
        f"    4 of 4 SAFEs are done; each of them: {tmp_path}/out/status.csv",
    ]


def test_end_on_a_full_disk(config, monkeypatch, tmp_path):
    run = begun(plan_of(config), 1)
    make(run, 1)
    (tmp_path / "out" / "status.csv").mkdir()
    *_, last, _ = [*ended(run), ""]
    assert last == f"    {tmp_path}/out/status.csv cannot be written: Is a directory"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("land-mask: no space left\n", "land-mask: no space left"),
        ("", "see above"),
        (None, "see above"),
    ],
)
def test_end_without_a_land_mask(config, log, cause):
    run = begun(plan_of(config))
    if log is not None:
        run.plan.layout.log("land_mask").write_text(log)
    assert ended(run)[:2] == [
        "xsar-batch: of 4 pending, 0 made, 0 failed, 4 not tried",
        f"    the land mask could not be made: {cause}",
    ]


def test_end_with_many_failures_is_short(config):
    run = Run(plan_of(config))
    run.begin([f"safe{number}" for number in range(25)])
    for one in run.names:
        outcome.Outcome(run.plan.layout.outcome(one), one, run=run.id).failed(BadSafe("x"))
    lines = ended(run)
    assert lines[0] == "xsar-batch: of 25 pending, 0 made, 25 failed (25 bad-safe)"
    assert lines[summary.SHOWN + 1] == "    and 5 more"
    assert len([line for line in lines if ": bad-safe: x" in line]) == summary.SHOWN


# -- status.csv ------------------------------------------------------------------------------


def states(plan):
    rows = status.read(plan.layout.status).values()
    return {row["name"]: (row["state"], row["class"], row["attempts"]) for row in rows}


def test_status_csv_is_right_after_several_runs(config):
    run = begun(plan_of(config), 1, 2, 3)
    make(run, 1, product_bytes=7)
    attempt(run, 2).failed(BadSafe('a "cause", with a comma'))
    attempt(run, 3).interrupted("SIGTERM", 143)
    ended(run)
    assert states(run.plan) == {
        name(1): ("done", "", "1"),
        name(2): ("failed", "bad-safe", "1"),
        name(3): ("failed", "interrupted", "1"),
        name(4): ("pending", "", ""),
    }
    first = status.read(run.plan.layout.status)
    assert first[name(2)]["cause"] == 'a "cause", with a comma'
    assert first[name(1)]["product_bytes"] == "7"
    again = begun(plan_of(config), 2, 3, 4)
    attempt(again, 2).failed(BadSafe("x"))
    make(again, 3)
    ended(again)
    assert states(again.plan) == {
        name(1): ("done", "", "1"),
        name(2): ("failed", "bad-safe", "2"),
        name(3): ("done", "", "2"),
        name(4): ("pending", "", ""),
    }
    assert status.read(again.plan.layout.status)[name(1)] == first[name(1)]


def test_status_csv_is_right_after_a_kill(config):
    run = begun(plan_of(config), 1, 2)
    make(run, 1)
    ended(run)
    # A run that makes the first one again, and never comes to its end.
    lost = begun(plan_of(config), 1, 3)
    make(lost, 1, product_bytes=99)
    make(lost, 3)
    lock.release(run.plan.layout.lock)
    assert states(run.plan)[name(1)][0] == "pending"
    last = begun(plan_of(config), 2)
    ended(last)
    assert [state for state, *_ in states(run.plan).values()] == [
        *("done", "pending", "done", "pending")
    ]
    assert status.read(run.plan.layout.status)[name(1)]["product_bytes"] == "99"


def test_done_is_what_is_there_and_not_what_was_said_of_it(config):
    run = begun(plan_of(config), 1, 2, 3)
    make(run, 1)
    make(run, 2)
    attempt(run, 3).failed(BadSafe("x"))
    ended(run)
    layout = run.plan.layout
    layout.product(name(2)).unlink()
    make_products(layout, 3, 4)
    now = plan_of(config)
    rows = status.table(now.catalogue.safes.index, now.done.pending, layout)
    assert [(row["state"], row["seconds"] is None) for row in rows] == [
        *(("done", False), ("pending", True), ("done", True), ("done", True))
    ]


def test_what_is_not_selected_any_more_is_kept(config):
    run = begun(plan_of(config), 1, 2)
    make(run, 1)
    ended(run)
    narrow = begun(plan_of(config, select={"start": "2024-03-02"}), 2)
    lines = ended(narrow)
    assert any(
        "0 of 3 SAFEs that are selected are done; each of them, and of 1 others:" in line
        for line in lines
    )
    rows = status.read(run.plan.layout.status)
    assert [(row["name"], row["state"], row["selected"]) for row in rows.values()] == [
        (name(1), "done", "no"),
        *((one, "pending", "yes") for one in names(2, 3, 4)),
    ]


@pytest.mark.parametrize("text", ["", "name,state\nx,done\n", "\0", "\udcff"])
def test_a_status_csv_that_is_none_is_not_believed(config, text):
    run = begun(plan_of(config), 1)
    make(run, 1)
    run.plan.layout.status.write_bytes(text.encode(errors="surrogateescape"))
    ended(run)
    assert states(run.plan)[name(1)] == ("done", "", "1")


def test_running_ones(config):
    run = begun(plan_of(config), 1)
    attempt(run, 1)
    plan, layout = run.plan, run.plan.layout
    rows = status.table(names(), names(), layout)
    assert rows[0]["state"] == "running"
    # Its run is over, and it never said a word.
    lock.release(layout.lock)
    (row, *_) = status.table(names(), names(), layout)
    assert (row["state"], row["class"], row["cause"]) == ("failed", "killed", status.NO_WORD)
    assert plan.done.pending == names()


# -- footprint -------------------------------------------------------------------------------


def test_footprint_is_that_of_the_manifest(scene):
    import shapely

    from xsar_batch.sentinel1 import safe

    polygon = shapely.from_wkt(footprint.of(scene(0)))
    grid = safe.check(scene(0)).annotations[0].grid
    points = shapely.points(grid.longitude.ravel(), grid.latitude.ravel())
    assert polygon.buffer(0.01).contains(points).all()
    assert polygon.area == pytest.approx(shapely.MultiPoint(points).convex_hull.area, rel=0.02)


@pytest.mark.parametrize("text", [None, "", "<XFDU/>", "<XFDU><footPrint><coordinates>1,2 3,x"])
def test_no_footprint(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.safe").write_text(text)
    assert footprint.of(tmp_path) == ""
