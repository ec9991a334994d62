"""The catalogue: SAFEs are found wherever they are, filtered, counted, and none is opened."""

import os
import time

import pytest

from xsar_batch.batch import catalogue
from xsar_batch.failures import ConfigError


def name(
    *,
    mission="S1A",
    mode="IW",
    product="GRDH",
    pol="1SDV",
    start="20240301T180000",
    unique="ABCD",
    datatake="0671C0",
):
    stop = start[:-2] + "25"
    return f"{mission}_{mode}_{product}_{pol}_{start}_{stop}_052792_{datatake}_{unique}"


def make(folder, *names, **fields):
    """Folders of SAFEs; returns the last one's path."""
    for one in names or [name(**fields)]:
        safe = folder / f"{one}.SAFE"
        # As in real ones there are folders within, which nobody should look into.
        (safe / "annotation" / "calibration").mkdir(parents=True)
    return safe


def processed(safe, when, mtime=None):
    """Give a SAFE a manifest like IPF's; the facility's own times are later and do not count."""
    manifest = safe / "manifest.safe"
    manifest.write_text(
        f'<safe:processing name="SLC Post Processing" start="2024-03-01T19:00:00" stop="{when}">'
        '<safe:facility name="X"/><safe:resource><safe:processing name="SLC" '
        'stop="2024-03-01T18:30:00"/></safe:resource></safe:processing>'
    )
    if mtime is not None:
        os.utime(manifest, (mtime, mtime))


def read(*places, select=None, duplicates="latest"):
    found = catalogue.read([str(place) for place in places], select or {}, duplicates)
    parts = found.not_selected + found.duplicates + found.listed_twice + len(found.not_sentinel1)
    assert found.found == len(found.safes) + parts
    return found


def complaint(place):
    with pytest.raises(ConfigError) as error:
        read(place)
    return str(error.value)


# -- folders ---------------------------------------------------------------------------------


def test_safes_are_found_at_any_depth(tmp_path):
    days = [f"202403{day:02}T180000" for day in range(1, 4)]
    safes = [
        make(tmp_path, start=days[0]),
        make(tmp_path / "2024", start=days[1]),
        make(tmp_path / "2024" / "03" / "IW" / "GRDH", start=days[2]),
    ]
    # Nobody looks into a SAFE.
    make(safes[0] / "annotation", start="20240304T180000")
    found = read(tmp_path)
    assert found.safes["path"].tolist() == [str(safe) for safe in safes]
    assert found.safes.index.tolist() == [safe.stem for safe in safes]
    assert found.safes["there"].all()
    assert found.found == 3


def test_files_and_dead_links_are_no_safes(tmp_path):
    others = [f"{name(start=f'2024030{day}T180000')}.SAFE" for day in (2, 3)]
    make(tmp_path)
    (tmp_path / others[0]).write_text("a file")
    (tmp_path / others[1]).symlink_to(tmp_path / "gone")
    (tmp_path / f"{name()}.zip").write_text("a file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "itself").symlink_to("itself")
    assert read(tmp_path).found == 1


def test_ways_to_write_a_place(tmp_path, monkeypatch):
    safe = make(tmp_path / "archive")
    monkeypatch.chdir(tmp_path)
    places = ("archive/", "./archive", f"{tmp_path}/archive//", "archive/../archive")
    for place in (*places, str(safe), f"{safe}/", f"archive/{safe.name}"):
        assert read(place).safes["path"].tolist() == [str(safe)]


def test_links_are_followed(tmp_path):
    safe = make(tmp_path / "disk2" / "2024")
    linked = make(tmp_path / "disk3", start="20240302T180000")
    archive = tmp_path / "archive"
    archive.mkdir()
    (archive / "2024").symlink_to(safe.parent)
    (archive / linked.name).symlink_to(linked)
    paths = read(archive).safes["path"].tolist()
    assert paths == [f"{archive}/2024/{safe.name}", f"{archive}/{linked.name}"]


def test_loops_of_links_end(tmp_path):
    make(tmp_path / "a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read(tmp_path).safes.index.tolist() == [name()]
    assert read(tmp_path).found == 1


def test_missing_folder(tmp_path):
    text = complaint(tmp_path / "gone")
    assert text.startswith(f"safes: the folder {tmp_path}/gone is not there.\n")
    assert text.endswith(
        "\n    write the path of a folder that holds *.SAFE folders, a glob, or a .txt listing, "
        "for example:  safes: [/a/folder]"
    )


def test_folder_without_safes_is_told(tmp_path):
    make(tmp_path / "full")
    (tmp_path / "empty").mkdir()
    found = read(tmp_path / "full", tmp_path / "empty", tmp_path / "no*thing")
    assert found.empty_places == [f"{tmp_path}/empty", f"{tmp_path}/no*thing"]
    nothing = read(tmp_path / "empty", select={"mode": ["IW"], "name": "*", "stop": "2024-01-01"})
    assert (nothing.found, len(nothing.safes), nothing.missing) == (0, 0, [])


# -- globs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "months"),
    [
        ("*/*/*_202403*.SAFE", ["03"]),
        ("2024*", ["03", "04"]),
        ("202[34]/*", ["12", "03", "04"]),
        ("**/*.SAFE", ["12", "03", "04", "05"]),
        # There is a folder of that name: so it is no glob.
        ("archive [2024]", ["05"]),
    ],
)
def test_globs(tmp_path, place, months):
    folders = {"12": "2023/12", "03": "2024/03", "04": "2024/04", "05": "archive [2024]"}
    for month, folder in folders.items():
        make(tmp_path / folder, start=f"202{3 + (month != '12')}{month}01T180000")
    (tmp_path / "2024.txt.old").write_text("a file that a glob matches too")
    found = read(tmp_path / place).safes["start"]
    assert found.str[4:6].tolist() == months


# -- listings --------------------------------------------------------------------------------


def test_listing(tmp_path, monkeypatch):
    first, second = make(tmp_path / "a"), make(tmp_path / "b", start="20240302T180000")
    gone = f"/no/such/place/{name(start='20240303T180000')}.SAFE"
    monkeypatch.setenv("ARCHIVE", str(tmp_path))
    listing = tmp_path / "list.txt"
    listing.write_text(
        f"# a comment\n\n{first}/\n   \n  $ARCHIVE/b/{second.name}  \r\n#{first}\n{gone}\n"
    )
    found = read(listing)
    assert found.safes["path"].tolist() == [str(first), str(second), gone]
    assert found.safes["there"].tolist() == [True, True, False]
    assert found.missing == [gone]


@pytest.mark.parametrize(
    ("contents", "first", "second"),
    [
        (
            None,
            "safes: cannot read the listing {}: [Errno 2] No such file or directory: '{}'",
            "write the path of a text file (UTF-8) with the path of a SAFE a line",
        ),
        (b"\xff\xfe\x00", "safes: cannot read the listing {}: 'utf-8' codec can't decode", ""),
        (
            b"# first line\n$NO_SUCH_PLACE/x.SAFE\n",
            "safes: {}, line 2: the environment variable $NO_SUCH_PLACE is not set.",
            "set it first:  export NO_SUCH_PLACE=/a/folder",
        ),
    ],
)
def test_listing_that_cannot_be_read(tmp_path, monkeypatch, contents, first, second):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    listing = tmp_path / "list.txt"
    if contents is not None:
        listing.write_bytes(contents)
    lines = complaint(listing).splitlines()
    assert lines[0].startswith(first.replace("{}", str(listing)))
    assert lines[1].startswith(f"    {second}")


# -- twice -----------------------------------------------------------------------------------


def test_listed_twice(tmp_path):
    safe = make(tmp_path)
    (tmp_path / "list.txt").write_text(f"{safe}\n{safe}/\n")
    found = read(tmp_path / "list.txt", safe, tmp_path)
    assert (found.found, found.listed_twice, len(found.safes)) == (4, 3, 1)


def test_under_two_roots_the_first_counts(tmp_path):
    first, second = make(tmp_path / "a"), make(tmp_path / "b")
    assert read(tmp_path / "b", tmp_path / "a").safes["path"].tolist() == [str(second)]
    found = read(tmp_path / "a", tmp_path / "b")
    assert found.safes["path"].tolist() == [str(first)]
    assert found.listed_twice == 1


@pytest.mark.parametrize("listing_first", [True, False])
def test_one_that_is_there_beats_one_that_is_only_listed(tmp_path, listing_first):
    safe = make(tmp_path / "archive")
    (tmp_path / "list.txt").write_text(f"/no/such/place/{safe.name}\n")
    places = [tmp_path / "list.txt", tmp_path / "archive"]
    found = read(*(places if listing_first else reversed(places)))
    assert found.safes["path"].tolist() == [str(safe)]
    assert found.missing == []
    assert found.listed_twice == 1


def test_names_that_are_not_sentinel_1(tmp_path):
    make(tmp_path, name(), "S2A_MSIL1C_20240301T110000", f"{name()}-copy", name().lower())
    found = read(tmp_path)
    assert found.safes.index.tolist() == [name()]
    assert sorted(found.not_sentinel1) == sorted(
        f"{tmp_path}/{other}.SAFE"
        for other in ("S2A_MSIL1C_20240301T110000", f"{name()}-copy", name().lower())
    )


def test_one_that_is_listed_fails_alone_whatever_its_name(tmp_path):
    """Two names that differ in their last digits only are no duplicates of one another."""
    twin = make(tmp_path / "archive", "error1")
    (tmp_path / "list.txt").write_text(f"{twin}\n/nowhere/error2.SAFE\n/nowhere/$(rm) x.SAFE\n")
    found = read(tmp_path / "list.txt", tmp_path / "archive", "/nowhere/error3.SAFE")
    assert found.safes["there"].to_dict() == {"error1": True, "error2": False, "error3": False}
    assert found.not_sentinel1 == ["/nowhere/$(rm) x.SAFE"]
    assert read(tmp_path / "list.txt", select={"mode": ["IW"]}).safes.empty


# -- select ----------------------------------------------------------------------------------

ARCHIVE = {
    "iw": name(),
    "vv": name(pol="1SSV", start="20240301T235959"),
    "ew": name(mission="S1B", mode="EW", product="GRDM", pol="1SDH", start="20240302T000000"),
    "sm": name(mission="S1C", mode="S3", pol="1SSH", start="20240302T120000"),
    "slc": name(product="SLC_", start="20240303T235959"),
    "wv": name(mode="WV", product="OCN_", pol="2SSV", start="20240304T000000"),
}


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ({}, "iw vv ew sm slc wv"),
        ({"mission": ["S1A"]}, "iw vv slc wv"),
        ({"mission": ["S1B", "S1C"]}, "ew sm"),
        ({"mode": ["IW"]}, "iw vv slc"),
        ({"mode": ["SM"]}, "sm"),
        ({"mode": ["S1", "S3"]}, "sm"),
        ({"mode": ["S1", "S2"]}, ""),
        ({"mode": ["EW", "SM"]}, "ew sm"),
        ({"product_type": ["GRDH"]}, "iw vv sm"),
        ({"product_type": ["GRDM", "SLC_", "OCN_"]}, "ew slc wv"),
        ({"polarisation": ["DV"]}, "iw slc"),
        ({"polarisation": ["SV", "SH"]}, "vv sm wv"),
        ({"start": "2024-03-02"}, "ew sm slc wv"),
        ({"start": "2024-03-01T23:59:59"}, "vv ew sm slc wv"),
        ({"start": "2024-03-02T00:00:01"}, "sm slc wv"),
        # A day counts whole, a time is where it ends.
        ({"stop": "2024-03-01"}, "iw vv"),
        ({"stop": "2024-03-01T23:59:59"}, "iw"),
        ({"stop": "2024-03-02 12:00"}, "iw vv ew"),
        ({"start": "2024-03-02", "stop": "2024-03-02"}, "ew sm"),
        ({"start": "2024-03-03", "stop": "2024-03-02"}, ""),
        ({"name": "*_20240302T*"}, "ew sm"),
        ({"name": "S1?_IW_*"}, "iw vv slc"),
        ({"name": "*_GRDH_*_ABCD.SAFE"}, "iw vv sm"),
        ({"name": "GRDH"}, ""),
        ({"mission": ["S1A"], "mode": ["IW"], "stop": "2024-03-01"}, "iw vv"),
    ],
)
def test_select(tmp_path, select, expected):
    make(tmp_path, *ARCHIVE.values())
    found = read(tmp_path, select=select)
    assert set(found.safes.index) == {ARCHIVE[key] for key in expected.split()}
    assert found.not_selected == len(ARCHIVE) - len(expected.split())


# -- duplicates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "safes",
    [
        # Last digits, when it was processed, the manifest's age, the folder's age; the first wins.
        [
            ("8888", "2025-01-01", 1e9, 1e9),
            ("0001", "2024-03-01T20:00:00", 1.5e9, 1.5e9),
            ("FFFF", "2024-03-01T20:00:00", 1.5e9, 1.5e9),
        ],
        [("0000", "2024-03-01", 1.5e9, 1e9), ("FFFF", "2024-03-01", 1e9, 1.5e9)],
        [("0000", None, None, 1.5e9), ("FFFF", None, None, 1e9)],
    ],
    ids=[
        "processed last",
        "equal processing times: younger manifest",
        "no manifest: younger folder",
    ],
)
def test_latest_of_duplicates(tmp_path, safes):
    for unique, when, manifest_age, folder_age in safes:
        safe = make(tmp_path, unique=unique)
        if when:
            processed(safe, when, manifest_age)
        os.utime(safe, (folder_age, folder_age))
    found = read(tmp_path)
    assert found.safes.index.tolist() == [name(unique=safes[0][0])]
    assert found.duplicates == len(safes) - 1
    assert len(read(tmp_path, duplicates="all").safes) == len(safes)


def test_processing_stop_of_a_real_demo_manifest(tmp_path):
    from datetime import datetime

    import sentinel1_demo_scenes as demo

    size = {"lines": 100, "samples": 100}
    late = demo.make_safe(tmp_path, **size, unique_id="0000", processed=datetime(2024, 5, 1))
    early = demo.make_safe(tmp_path, **size, unique_id="FFFF", processed=datetime(2024, 4, 1))
    os.utime(late / "manifest.safe", (1e9, 1e9))
    assert early.exists()
    assert read(tmp_path).safes.index.tolist() == [late.stem]


def test_of_a_safe_and_the_same_packed_the_one_that_was_packed(tmp_path):
    plain = make(tmp_path, unique="0001")
    processed(plain, "2024-03-01T20:00:00", 1e9)
    packed = make(tmp_path, f"{name(unique='FFFF')}_COG")
    (packed / "manifest.safe").write_text(
        '<safe:processing name="COGifier" start="2025-01-01T00:00:00" stop="2025-01-01T00:00:01">'
        f"<safe:resource>{(plain / 'manifest.safe').read_text()}</safe:resource></safe:processing>"
    )
    assert read(tmp_path).safes.index.tolist() == [plain.stem]
    # Of an older processing it is the other way round.
    processed(plain, "2023-03-01T20:00:00")
    assert read(tmp_path).safes.index.tolist() == [packed.stem]


def test_a_duplicate_that_is_not_there_loses(tmp_path):
    safe = make(tmp_path, unique="0000")
    processed(safe, "2024-03-01T20:00:00")
    (tmp_path / "list.txt").write_text(f"{tmp_path}/{name(unique='FFFF')}.SAFE\n{safe}\n")
    found = read(tmp_path / "list.txt")
    assert found.safes["path"].tolist() == [str(safe)]
    assert found.missing == []


def test_equal_in_everything_still_gives_one_and_always_the_same(tmp_path):
    (tmp_path / "list.txt").write_text(
        "".join(f"/gone/{name(unique=unique)}.SAFE\n" for unique in ("1111", "3333", "2222"))
    )
    found = read(tmp_path / "list.txt")
    assert found.safes.index.tolist() == [name(unique="3333")]


def test_a_difference_before_the_last_digits_is_no_duplicate(tmp_path):
    make(tmp_path, name(datatake="0671C0"), name(datatake="0671C1"))
    assert len(read(tmp_path).safes) == 2


def test_duplicates_are_sought_among_the_selected_only(tmp_path):
    for unique, when in (("0000", "2024-03-01T20:00:00"), ("FFFF", "2025-01-01T00:00:00")):
        processed(make(tmp_path, unique=unique), when)
    found = read(tmp_path, select={"name": "*_0000"})
    assert found.safes.index.tolist() == [name(unique="0000")]
    assert (found.not_selected, found.duplicates) == (1, 0)


def test_manifests_are_read_of_duplicates_only(tmp_path):
    alone = make(tmp_path, start="20240302T180000")
    twins = [make(tmp_path, unique=unique) for unique in ("0000", "FFFF")]
    for safe in (alone, *twins):
        processed(safe, "2024-03-01T20:00:00")
        os.utime(safe / "manifest.safe", (1e9, 1e9))  # opening it would move the access time
    read(tmp_path, duplicates="all")
    assert [_accessed(safe) for safe in (alone, *twins)] == [False, False, False]
    read(tmp_path)
    assert not _accessed(alone)
    if not all(_accessed(safe) for safe in twins):
        pytest.skip("this file system keeps no access times: nothing was shown")


def _accessed(safe):
    return (safe / "manifest.safe").stat().st_atime != 1e9


# -- together --------------------------------------------------------------------------------


def test_large_archive_is_quick(tmp_path):
    for number in range(5000):
        day = tmp_path / f"{number % 28 + 1:02}"
        day.mkdir(exist_ok=True)
        start = f"202403{number % 28 + 1:02}T{number // 3600 % 24:02}{number // 60 % 60:02}00"
        (day / f"{name(start=start, datatake=f'{number:06X}')}.SAFE").mkdir()
    select = {"mode": ["IW"], "start": "2024-03-01", "stop": "2024-03-31", "name": "S1A*"}
    # CPU, not wall time: others may be at work on this machine.
    before = time.process_time()
    found = read(tmp_path, select=select)
    assert time.process_time() - before < 3
    assert len(found.safes) == 5000
