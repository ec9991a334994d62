"""The parts of the report: what is counted, grouped, drawn and quoted, without a browser."""

import json
import os
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plan_helpers import SCHEMA_FILE, begun, ended, make, plan_of

from benchmarks import made_up
from xsar_batch import failures, report
from xsar_batch.batch import status
from xsar_batch.batch.run import End
from xsar_batch.conversion.layout import Layout
from xsar_batch.report import (
    coast,
    command,
    excerpts,
    footprint_map,
    footprints,
    quicklooks,
    states,
    status_table,
)
from xsar_batch.report.window import WIDTH, fitting
from xsar_batch.sentinel1 import footprint

NAME = "S1A_IW_GRDH_1SDV_2024030{}T063000_20240301T063025_052785_066342_5C2B"


def table(**columns: list) -> pd.DataFrame:
    """A prepared table; rows are named one after the other."""
    count = len(next(iter(columns.values())))
    names = pd.Index([NAME.format(k) for k in range(count)], name="name")
    return status_table.prepared(pd.DataFrame({"state": "done", **columns}, index=names))


# -- the table -------------------------------------------------------------------------------


def test_a_table_that_was_written_as_csv_is_the_same(tmp_path):
    made = made_up.table(60)
    made.to_csv(tmp_path / "status.csv")
    pd.testing.assert_frame_equal(
        status_table.prepared(status_table.read(tmp_path / "status.csv")),
        status_table.prepared(made),
    )


def test_words_that_look_like_nothing_stay_words(tmp_path):
    file = tmp_path / "status.csv"
    file.write_text("name,state,class,cause,host,seconds\nx,failed,unknown,null,NA,\n")
    row = status_table.prepared(status_table.read(file)).loc["x"]
    assert (row["cause"], row["host"]) == ("null", "NA")
    assert np.isnan(row["seconds"]) and row["footprint"] == "" and row["mission"] == ""


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column name and no column state"):
        status_table.read(tmp_path / "other.csv")
    with pytest.raises(ValueError, match="'killed' is none of done, failed, running, pending"):
        table(state=["killed"])
    twice = pd.DataFrame({"state": ["done", "done"]}, index=["a", "a"])
    with pytest.raises(ValueError, match="a stands in the table twice"):
        status_table.prepared(twice)


# -- the page --------------------------------------------------------------------------------


def page(folder: Path, rows: pd.DataFrame, **settings: str) -> str:
    report.write(folder / "report.html", rows, Layout(folder), settings, {})
    return (folder / "report.html").read_text()


def held(text: str) -> dict:
    """The data that a page holds."""
    return json.loads(re.search(r'id="data">(.*)</script>', text)[1])


def test_what_is_not_selected_is_told_apart(tmp_path):
    rows = made_up.table(60)
    rows["selected"] = ["no", "no", *["yes"] * 58]
    text = page(tmp_path, rows)
    done = int((rows["state"][2:] == "done").sum())
    assert f">{done} of 58 SAFEs are done</h1>" in text
    assert held(text)["others"] == 2
    assert rows.index[0] not in text and rows.index[2] in text


def test_lines_for_a_profile_are_in_it_where_something_was_measured(tmp_path):
    rows = made_up.table(60)
    # A product of a notebook: nobody knows what it took.
    rows.loc[rows.index[rows["state"] == "done"][:3], ["seconds", "peak_memory_mb"]] = np.nan
    done = int((rows["state"] == "done").sum()) - 3
    most = pd.to_numeric(rows.loc[rows["state"] == "done", "peak_memory_mb"]).max()
    text = page(tmp_path, rows)
    lines = "\n".join(held(text)["advice"])
    assert f"# {done} conversions needed up to {most:.0f} MB and" in lines
    assert re.search(r"\n  convert:\n    mem_mb: attempt \* \d+\n    runtime: attempt", lines)
    assert held(page(tmp_path, rows[rows["state"] != "done"]))["advice"] == []


def test_a_page_holds_every_row_of_the_table(tmp_path):
    rows = made_up.table(60)
    rows["safe"] = [f"/archive/{name}.SAFE" for name in rows.index]
    columns = held(page(tmp_path, rows))["columns"]
    assert columns["name"] == list(rows.index)
    assert columns["safe"]["of"] == ["/archive/*.SAFE"]
    states = columns["state"]
    assert [states["of"][place] for place in states["at"]] == list(rows["state"])
    seconds = [None if np.isnan(value) else value for value in rows["seconds"]]
    assert columns["seconds"] == pytest.approx(seconds, abs=0.01)
    known = [bool(path) for path in columns["path"]]
    assert known == list(rows["footprint"] != "")


def test_a_name_that_no_file_can_hold_and_a_tag_are_text(tmp_path):
    rows = table(cause=["</script>\udcff"], state=["failed"])
    text = page(tmp_path, rows)
    assert "</script>\\" not in text
    assert held(text)["columns"]["cause"]["of"] == ["</script>\N{REPLACEMENT CHARACTER}"]


# -- at the end of a run ---------------------------------------------------------------------


def test_the_report_at_the_end_of_a_run_has_settings_and_versions(ready, config):
    ready = plan_of(config, report=True)
    rows = status.table(ready.catalogue.safes.index, ready.done.pending, ready.layout)
    status.write(ready.layout.status, rows)
    assert command.at_end(ready, End(0, rows=rows)) == ""
    text = ready.layout.report.read_text()
    assert ">2 of 4 SAFEs are done</h1>" in text
    told = held(text)["told"]
    assert told["settings"]["output_dir"] == str(ready.settings.output_dir)
    assert told["settings"]["safes"] == ready.settings.safes[0]
    assert told["versions"]["xsar"] == metadata.version("xsar")


def test_a_report_that_cannot_be_written_is_one_line_at_the_end(config, tmp_path):
    run = begun(plan_of(config, report=True))
    make(run, 1)
    run.plan.layout.report.mkdir()
    lines = ended(run)
    place = lines.index(f"    1 of 4 SAFEs are done; each of them: {tmp_path}/out/status.csv")
    file = f"{tmp_path}/out/report.html"
    assert lines[place + 1] == f"    {file} cannot be written: {file}: Is a directory"


def test_a_run_that_ends_meanwhile_is_counted_in(config, monkeypatch):
    """Its `status.csv` is newer than what was looked at."""
    at_work = begun(plan_of(config), 1)
    looks = []

    def table(*arguments, **more):
        looks.append(1)
        rows = status_table(*arguments, **more)
        if len(looks) == 1:
            make(at_work, 1)
            ended(at_work)
        return rows

    status_table = status.table
    monkeypatch.setattr(command.status, "table", table)
    plan, rows = command.as_it_stands(config, SCHEMA_FILE)
    assert [row["state"] for row in rows] == ["done", *["pending"] * 3]
    assert len(plan.done.pending) == 3


# -- the map ---------------------------------------------------------------------------------


def ring(*points: tuple[float, float]) -> str:
    return f"POLYGON (({', '.join(f'{x} {y}' for x, y in (*points, points[0]))}))"


def drawn(*texts: str) -> tuple:
    found = footprints.read(texts)
    window = fitting(found.bounds)
    return window, footprints.paths(found, window)


def extent(path: str) -> tuple[float, float]:
    """Width and height of the parts of a path, the largest each way."""
    sizes = []
    for part in path.split("M")[1:]:
        first, rest = part.rstrip("z").split("l")
        start = np.array(first.split(), float)
        steps = np.array(re.findall(r"-?\d+", rest), float).reshape(-1, 2)
        sizes.append(np.ptp(np.vstack([start, start + np.cumsum(steps, axis=0)]), axis=0))
    return tuple(np.max(sizes, axis=0))


#: In two parts, as the footprint of a SAFE is told.
PACIFIC = footprint.wkt([(178.5, -18), (-179, -17.6), (-179.4, -16), (178.1, -16.4)])
BRITTANY = ring((-6, 47), (-3, 47.4), (-3.4, 49), (-6.4, 48.6))


def test_a_footprint_across_the_date_line_is_not_smeared():
    window, paths = drawn(PACIFIC)
    assert window.west < 178.1 and 181 < window.east < 200
    assert paths[0].count("M") == 2
    assert extent(paths[0])[0] == pytest.approx(1.9 / (window.east - window.west) * WIDTH, rel=0.01)


def test_it_is_there_on_both_edges_of_a_map_of_the_world():
    places = [(x, y) for x in range(-180, 180, 30) for y in (-60, 0, 60)]
    others = [ring((x, y), (x + 2, y), (x + 2, y + 2), (x, y + 2)) for x, y in places]
    window, paths = drawn(*others, PACIFIC)
    assert (window.west, window.east) == (-180, 180)
    assert paths[len(others)].count("M") == 2
    assert max(extent(path)[0] for path in paths.values()) < WIDTH / 60


def test_both_halves_of_a_split_footprint_stay_together():
    halves = (
        "MULTIPOLYGON (((178 -18, 180 -18, 180 -16, 178 -16, 178 -18)),"
        " ((-180 -18, -178 -18, -178 -16, -180 -16, -180 -18)))"
    )
    window, paths = drawn(halves)
    assert window.east - window.west < 60
    assert paths[0].count("M") == 2


def test_shapes_are_true_in_the_middle_of_the_map():
    """At 60° a degree of longitude is half as long as one of latitude."""
    _, paths = drawn(ring((10, 59), (14, 59), (14, 61), (10, 61)))
    width, height = extent(paths[0])
    assert width == pytest.approx(height, rel=0.01)


def test_data_all_round_a_pole_are_seen_from_above():
    circle = [ring((x, 75), (x + 8, 75), (x + 8, 77), (x, 77)) for x in range(-180, 180, 12)]
    window, paths = drawn(*circle)
    assert window.pole == 1 and window.height == WIDTH
    # 8 degrees at 75°N are 230 km, as long as 2.1 degrees of latitude.
    assert max(extent(paths[0])) == pytest.approx(2.1 * window.scale, rel=0.2)
    assert (
        fitting(footprints.read([text.replace(" 7", " -7") for text in circle]).bounds).pole == -1
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "POLYGON ((",
        "POLYGON EMPTY",
        "POINT (1 2)",
        "POLYGON ((0 0, nan 1, 1 1, 0 0))",
        "POLYGON ((0 0, 0 95, 1 95, 0 0))",
        "<script>alert(1)</script>",
    ],
)
def test_a_footprint_that_is_none_is_left_out_and_the_others_are_drawn(text):
    _, paths = drawn(BRITTANY, text, BRITTANY)
    assert set(paths) == {0, 2}
    assert paths[0] == paths[2]


def test_a_lone_scene_has_surroundings_and_a_coast():
    window, _ = drawn(BRITTANY)
    assert window.north - window.south >= 6
    land = coast.path(window)
    assert land.startswith("M") and 5_000 < len(land) < 300_000
    assert re.fullmatch(r"(M-?\d+ -?\d+(l[-\d ]+|h1)z)+", land)


def test_without_the_coastline_there_is_a_map_that_says_so(monkeypatch):
    def missing(*_, **__):
        raise failures.LandMaskError("the coastline is not installed")

    monkeypatch.setattr(coast.gshhg, "read", missing)
    made = footprint_map.draw(table(footprint=[BRITTANY]))
    assert made.trouble == "the coastline is not installed" and not made.land
    assert made.paths[0].startswith("M")


def test_the_view_stays_while_all_lies_within_it():
    first = footprint_map.draw(table(footprint=[BRITTANY]))
    near = ring((-5, 47.5), (-4, 47.5), (-4, 48.5), (-5, 48.5))
    farther = footprint_map.draw(table(footprint=[BRITTANY, near, PACIFIC]))
    assert footprint_map.draw(table(footprint=[BRITTANY, near]), first).window == first.window
    assert footprint_map.draw(table(footprint=[BRITTANY, PACIFIC]), first).window == farther.window
    world = footprint_map.draw(table(footprint=[""]))
    assert footprint_map.draw(table(footprint=[BRITTANY]), world).window == first.window


# -- failures --------------------------------------------------------------------------------


def test_logs_are_quoted_of_every_cause_first(tmp_path, monkeypatch):
    monkeypatch.setattr(excerpts, "QUOTED", 3)
    layout = Layout(tmp_path)
    layout.logs.mkdir()
    # Causes that differ only in names and numbers are one.
    causes = ["x1.tiff is empty", "x2.tiff is empty", "x3.tiff is empty", "other"]
    rows = table(cause=causes, state=["failed"] * 4, **{"class": ["unknown"] * 4})
    for name in rows.index:
        layout.log(name).write_text("said\n")
    assert set(excerpts.of(rows, layout)) == set(rows.index[[0, 1, 3]])


def test_every_class_says_what_to_do():
    assert {*failures.EXIT_CODES, "killed", "interrupted"} == {*states.ADVICE}
    assert "Leave it out by select, or change resolution." in states.ADVICE.values()


# -- logs and quicklooks ---------------------------------------------------------------------


def test_the_end_of_a_log_whatever_is_in_it(tmp_path):
    log = tmp_path / "x.log"
    assert excerpts.tail(log) == ""
    log.mkdir()
    assert excerpts.tail(log) == ""
    log.rmdir()
    os.mkfifo(log)
    assert excerpts.tail(log) == ""
    log.unlink()
    log.write_bytes(b"")
    assert excerpts.tail(log) == ""
    log.write_bytes(b"10 %\r20 %\r\x1b[31mred\x1b[0m \xff\x00\n" + b"x" * 900 + b"\n\n\n")
    red, long = excerpts.tail(log).split("\n")
    assert red == "red \N{REPLACEMENT CHARACTER}"
    assert len(long) == excerpts.CHARACTERS and long.endswith("…")


def test_only_the_end_of_a_huge_log_is_read(tmp_path):
    log = tmp_path / "x.log"
    with log.open("wb") as file:
        # 100 GB, of which nothing takes space.
        file.truncate(100 << 30)
        file.seek(0, 2)
        file.write(b"\n" + b"".join(b"line %d\n" % k for k in range(100)))
    assert excerpts.tail(log).split("\n") == [f"line {k}" for k in range(85, 100)]


def test_the_newest_quicklooks_are_taken_as_far_as_there_is_room(tmp_path, monkeypatch):
    rows = table(ended=[f"2026-01-0{k}T00:00:00Z" for k in range(1, 8)])
    layout = Layout(tmp_path)
    assert quicklooks.there(layout) == set()
    (tmp_path / "quicklooks").mkdir()
    png = b"\x89PNG\r\n\x1a\n" + bytes(992)
    for name in rows.index[:6]:
        (tmp_path / "quicklooks" / f"{name}.png").write_bytes(png)
    (tmp_path / "quicklooks" / f"{rows.index[5]}.png").write_bytes(b"no picture")
    (tmp_path / "quicklooks" / "of_nobody.png").write_bytes(png)
    monkeypatch.setattr(quicklooks, "BYTES", 3500)
    found = quicklooks.newest(rows, layout, quicklooks.there(layout))
    assert [one.name for one in found] == list(rows.index[[4, 3, 2]])
    assert found[0].words == "S1A IW DV, 2024-03-04 06:30 UTC"
