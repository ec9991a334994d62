"""What is to be made, and the run round it: recipes, done and pending, plan, lock, messages.

All on real folders, with the steps of Snakemake done by hand.
"""

import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import xarray as xr
from plan_helpers import (
    NO_PROCESS,
    begun,
    make_products,
    name,
    names,
    plan_of,
    put_in_force,
)

from xsar_batch.batch import lock, pending, previous
from xsar_batch.batch.plan import Plan
from xsar_batch.conversion import job_table, modules, outcome, recipe, user_function
from xsar_batch.conversion.forkserver import client
from xsar_batch.failures import BadSafe, ConfigError
from xsar_batch.system import messages, module_file

FIRST = {"resolution": "1000m", "function": "xsar_batch.l1b:l1b", "land_mask": "GSHHG"}
SECOND = {**FIRST, "resolution": "500m"}


@pytest.fixture
def own(tmp_path):
    """Write a user's function file; returns `path:name`."""

    def write(text):
        (tmp_path / "mine.py").write_text(text)
        return f"{tmp_path / 'mine.py'}:l1b"

    return write


def text(lines):
    return "\n".join(lines)


# -- recipe ----------------------------------------------------------------------------------


def test_digest_is_stable():
    # Pinned: a job finds the run file by it, in a process of its own.
    assert recipe.digest(FIRST) == "5d6360e1156b"
    assert recipe.digest(dict(reversed(FIRST.items()))) == recipe.digest(FIRST)
    assert recipe.digest(SECOND) != recipe.digest(FIRST)
    assert re.fullmatch(r"[0-9a-f]{12}", recipe.digest("any text"))


def test_recipe_names_what_changes_values_and_no_paths(own):
    assert recipe.recipe("1000m", user_function.OURS, "GSHHG") == FIRST
    # On by default, and not told then: products of before there was that choice stay.
    assert recipe.recipe("1000m", user_function.OURS, "GSHHG", repairs=True) == FIRST
    mine = own("def l1b(): pass\n")
    assert recipe.recipe("500m", mine, "mine.shp", repairs=False) == {
        "resolution": "500m",
        "function": user_function.identity(mine),
        "land_mask": "mine.shp",
        "repairs": "off",
    }


def test_what_changes_no_value_changes_no_recipe(config, tmp_path):
    plan = plan_of(config)
    (tmp_path / "archive" / "below").mkdir()
    same = {
        "threads": 4,
        "compression": 9,
        "output_dir": str(tmp_path / "elsewhere"),
        "safes": [str(tmp_path / "archive" / "below")],
        "resolution": "1000.0m",
    }
    assert plan_of(config, **same).recipe == plan.recipe
    assert plan_of(config, resolution="500m").recipe == {**plan.recipe, "resolution": "500m"}
    assert plan_of(config, repairs=False).recipe == {**plan.recipe, "repairs": "off"}


def test_a_folder_has_one_recipe(layout):
    assert recipe.in_force(layout.internal) is None
    assert recipe.next_file(layout.internal) == layout.internal / "recipe-000001.json"
    one = put_in_force(layout, FIRST)
    assert recipe.in_force(layout.internal) == recipe.InForce(one, FIRST)
    assert recipe.in_force(layout.internal).is_first
    two = put_in_force(layout, SECOND)
    assert recipe.in_force(layout.internal) == recipe.InForce(two, SECOND)
    assert not recipe.in_force(layout.internal).is_first
    assert [path.name for path in layout.internal.iterdir()] == ["recipe-000002.json"]
    # Back to an earlier one is a change as any other.
    assert recipe.next_file(layout.internal) == layout.internal / "recipe-000003.json"


def test_the_last_number_counts_and_not_age(layout):
    layout.internal.mkdir()
    for number in (10, 2, 9):
        # Killed before the earlier ones were removed.
        path = layout.internal / f"recipe-{number:06d}.json"
        path.write_text(json.dumps({"number": str(number)}))
    # As after `snakemake --touch`, or in an archive that was copied without its times.
    os.utime(layout.internal / "recipe-000002.json", (2e9, 2e9))
    assert recipe.in_force(layout.internal).recipe == {"number": "10"}
    assert recipe.next_file(layout.internal).name == "recipe-000011.json"


@pytest.mark.parametrize(
    "file",
    [
        # Of a writer that was killed.
        f".recipe-000002.json.{os.uname().nodename.split('.')[0]}-{NO_PROCESS}.part",
        "recipe-5d6360e1156b.json",
    ],
)
def test_file_of_another_name_is_no_recipe(layout, file):
    put_in_force(layout, FIRST)
    (layout.internal / file).write_text(json.dumps(SECOND))
    assert recipe.in_force(layout.internal).recipe == FIRST
    assert recipe.next_file(layout.internal).name == "recipe-000002.json"


@pytest.mark.parametrize("contents", ["{half", "", None])
def test_recipe_that_cannot_be_read_is_none(layout, contents):
    put_in_force(layout, FIRST)
    unreadable = layout.internal / "recipe-000002.json"
    if contents is None:
        unreadable.mkdir()
    else:
        unreadable.write_text(contents)
    assert recipe.in_force(layout.internal).recipe == FIRST
    assert recipe.next_file(layout.internal).name == "recipe-000003.json"


@pytest.mark.parametrize("made_with", [FIRST, {**FIRST, "repairs": "off"}])
def test_recipe_of_a_product(tmp_path, made_with):
    attributes = {
        "resolution": made_with["resolution"],
        "function": made_with["function"],
        "land_mask_source": made_with["land_mask"],
        "repairs": made_with.get("repairs", "on"),
    }
    xr.Dataset(attrs=attributes).to_netcdf(tmp_path / "a.nc")
    assert recipe.of_product(tmp_path / "a.nc") == made_with


def test_recipe_of_a_product_that_does_not_tell(tmp_path):
    xr.Dataset(attrs={"resolution": "1000m"}).to_netcdf(tmp_path / "a.nc")
    (tmp_path / "b.nc").write_text("no product")
    for file in ("a.nc", "b.nc", "gone.nc"):
        assert recipe.of_product(tmp_path / file) is None


def test_changes():
    assert recipe.changes(FIRST, FIRST) == []
    assert recipe.changes(FIRST, SECOND) == ["resolution 1000m -> 500m"]
    assert recipe.changes({"b": "1"}, {"a": "2", "b": "1"}) == ["a None -> 2"]


# -- done ------------------------------------------------------------------------------------


def test_without_a_recipe_all_that_is_there_is_trusted(layout):
    make_products(layout, 1, 3)
    # Tidied up was `.xsar_batch` alone: what an outcome says is not asked.
    make_products(layout, 4, made_with=SECOND)
    told = pending.tell(names(), layout, FIRST)
    assert told == pending.Done(there={*names(1, 3, 4)}, pending=names(2), trusted=3)


def test_with_one_recipe_no_outcome_is_read(layout):
    put_in_force(layout, FIRST)
    make_products(layout, 1)
    # If it were read, it would tell otherwise; if this were, nothing would ever be told.
    make_products(layout, 2, made_with=SECOND)
    make_products(layout, 3)
    os.mkfifo(layout.outcome(name(3)))
    told = pending.tell(names(), layout, FIRST)
    assert told == pending.Done(there={*names(1, 2, 3)}, pending=names(4))


def test_other_settings_are_refused(layout):
    put_in_force(layout, FIRST)
    assert pending.tell(names(), layout, SECOND).pending == names()
    make_products(layout, 1)
    with pytest.raises(ConfigError) as caught:
        pending.tell(names(), layout, SECOND)
    first, *advice = str(caught.value).splitlines()
    assert first == (
        f"output_dir: the products in {layout.output_dir} were made with other settings: "
        "resolution 1000m -> 500m"
    )
    assert [line.split(":   ")[0].strip() for line in advice] == [
        "write another folder",
        "or make all products in this one again",
    ]


def test_remake(layout):
    put_in_force(layout, FIRST)
    make_products(layout, 1, made_with=FIRST)
    # By a run that was killed before the recipe could be written down again.
    make_products(layout, 2, made_with=SECOND)
    told = pending.tell(names(), layout, SECOND, remake=True)
    assert (told.pending, told.outdated) == (names(1, 3, 4), names(1))
    assert told.why == "resolution 1000m -> 500m"


def test_a_remake_goes_on_with_or_without_being_asked_again(layout):
    put_in_force(layout, FIRST)
    put_in_force(layout, SECOND)
    make_products(layout, 1, made_with=FIRST)
    make_products(layout, 2, 3, made_with=SECOND)
    for remake in (True, False):
        told = pending.tell(names(), layout, SECOND, remake)
        assert (told.pending, told.outdated, told.trusted) == (names(1, 4), names(1), 0)
        assert told.why == "an earlier run did not come that far"
    with pytest.raises(ConfigError, match="resolution 500m -> 1000m"):
        pending.tell(names(), layout, FIRST)
    # Back to the first: what was not made again by then is done.
    told = pending.tell(names(), layout, FIRST, remake=True)
    assert (told.pending, told.outdated) == (names(2, 3, 4), names(2, 3))


def test_a_remake_of_the_same_settings_makes_nothing(layout):
    put_in_force(layout, FIRST)
    make_products(layout, 1, made_with=FIRST)
    assert pending.tell(names(1), layout, FIRST, remake=True).pending == []


@pytest.mark.parametrize("unreadable", [None, "", '{"state": "do'])
def test_where_no_record_tells_the_product_does(layout, unreadable):
    put_in_force(layout, FIRST)
    put_in_force(layout, SECOND)
    make_products(layout, 1)
    attributes = {"function": SECOND["function"], "land_mask_source": SECOND["land_mask"]}
    attributes |= {"resolution": SECOND["resolution"], "repairs": "on"}
    xr.Dataset(attrs=attributes).to_netcdf(layout.product(name(2)))
    if unreadable is not None:
        layout.logs.mkdir()
        layout.outcome(name(2)).write_text(unreadable)
    else:
        # Killed between the product and its record.
        layout.logs.mkdir()
        outcome.Outcome(layout.outcome(name(2)), name(2), recipe=FIRST).forget_old_product()
    assert pending.tell(names(1, 2), layout, SECOND).outdated == names(1)


def test_failed_attempt_at_a_remake(layout):
    put_in_force(layout, FIRST)
    make_products(layout, 1, made_with=FIRST)
    put_in_force(layout, SECOND)
    one = outcome.Outcome(layout.outcome(name(1)), name(1), recipe=SECOND)
    one.failed(BadSafe("on tape"))
    # The product was kept. With the slip in the settings undone it is what it was.
    assert pending.tell(names(1), layout, FIRST, remake=True).pending == []


def test_only_whole_files_of_that_name_are_products(layout):
    make_products(layout, 1)
    make_products(layout, 2, text="")
    layout.product(name(3)).mkdir()
    layout.product(name(4)).symlink_to("gone.nc")
    layout.product(name(5)).symlink_to(layout.product(name(1)))
    (layout.output_dir / f".{name(6)}.nc.host-12.part").write_text("half")
    (layout.output_dir / f".{name(7)}.nc").write_text("hidden")
    (layout.output_dir / f"{name(8)}.ncx").write_text("another")
    assert pending.products(layout.output_dir) >= {name(1), name(5)}
    assert pending.tell(names(*range(1, 9)), layout, FIRST).pending == names(2, 3, 4, 6, 7, 8)


def test_products_that_go_while_they_are_listed_hide_no_others(layout):
    # A dry run beside a run that makes products again.
    make_products(layout, *range(1, 31))
    program = (
        "import sys; from pathlib import Path\n"
        "files = [Path(sys.argv[1]) / f'{number}.nc' for number in range(50)]\n"
        "while True:\n"
        "    [file.write_text('x') for file in files]; [file.unlink() for file in files]"
    )
    with subprocess.Popen([sys.executable, "-c", program, layout.output_dir]) as churning:
        try:
            for _ in range(500):
                assert pending.products(layout.output_dir) >= {*names(*range(1, 31))}
        finally:
            churning.kill()


# -- plan ------------------------------------------------------------------------------------


def test_plan_tells_done_from_pending(config, tmp_path):
    plan = plan_of(config)
    assert plan.done.pending == names()
    assert plan.products() == [f"{tmp_path}/out/{one}.nc" for one in names()]
    assert not (tmp_path / "out").exists()  # a dry run writes nothing
    make_products(plan.layout, 1, 3)
    plan = plan_of(config)
    assert (plan.done.pending, plan.done.outdated) == (names(2, 4), [])
    assert len(plan.products(everything=True)) == 4


def test_resolution_that_fits_no_product_is_told_before_a_run(config, own):
    with pytest.raises(ConfigError, match=r"^resolution: IW GRDH: a resolution of 504m is no who"):
        plan_of(config, resolution="504m")
    # To a function of the user it may mean anything.
    mine = own("def l1b(safe, resolution): return 1\n")
    assert plan_of(config, resolution="504m", function=mine).recipe["resolution"] == "504m"


def test_runs_with_other_settings_have_other_run_files(config):
    base = plan_of(config)
    changes = [{"resolution": "500m"}, {"compression": 9}, {"select": {"mode": "IW"}}]
    files = {plan_of(config, **change).run_file for change in changes}
    assert len(files | {base.run_file}) == 4
    assert plan_of(config).run_file == base.run_file


def test_a_job_has_places_and_asks_for_nothing(config, tmp_path, monkeypatch):
    config = {**config, "function": "gone.py:l1b", "land_mask": "$NO_SUCH_PLACE/land.shp"}
    monkeypatch.setenv("NO_SUCH_PLACE", str(tmp_path))
    (tmp_path / "land.shp").write_text("")
    (tmp_path / "gone.py").write_text("def l1b(): pass\n")
    monkeypatch.chdir(tmp_path)
    plan = plan_of(config)
    # Where the job runs there is none of it.
    monkeypatch.delenv("NO_SUCH_PLACE")
    for there in (tmp_path / "land.shp", tmp_path / "gone.py"):
        there.unlink()
    (tmp_path / "archive").rename(tmp_path / "moved")
    job = Plan.of_job(config)
    assert (job.layout, job.run_file) == (plan.layout, plan.run_file)
    assert job.command(Path("convert.py")) == plan.command(Path("convert.py"))
    assert (job.catalogue, job.products(), job.products(everything=True)) == (None, [], [])
    # Else each job of 100,000 would look for the rule behind.
    assert job.inputs_of_conversions == []


def test_command_of_a_conversion_means_what_it_says(config, tmp_path, monkeypatch):
    plan = plan_of(config, output_dir=str(tmp_path / "a 'place' of mine & $ more"))
    # Snakemake formats it, and the shell takes it apart.
    monkeypatch.setattr(sys, "executable", "/env {wild}/python")
    command = plan.command(Path("/scripts {wild}/convert.py")).format(wild="WRONG")
    expected = ["/scripts {wild}/convert.py", "--run", str(plan.run_file)]
    for starter, more in (("", []), ("/my {wild}/modules", ["-S", "/my {wild}/modules"])):
        done = subprocess.run(
            ["bash", "-c", f"printf '%s\\n' {command}"],
            env={module_file.VARIABLE: starter},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == ["/env {wild}/python", *more, *expected]


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("is_done", [True, False])
def test_xsar_is_imported_while_snakemake_plans(config, monkeypatch, is_local, is_done):
    """Here; for PBS jobs, which import it themselves, a module file is made."""
    done = []
    monkeypatch.setattr(client, "start", lambda threads: done.append(f"start {threads}"))
    monkeypatch.setattr(modules, "announce", lambda is_made: done.append(f"announce {is_made}"))
    plan = plan_of(config, threads=2)
    assert plan.done.pending
    if is_done:
        plan.done.pending = []
    plan.begin_at_once(is_local)
    expected = ["announce False", "start 2"] if is_local else ["announce True"]
    assert done == ([] if is_done else expected)


# -- plan: what waits for what ---------------------------------------------------------------


@pytest.mark.parametrize("is_there", [False, True])
def test_at_first_all_waits_for_the_recipe_and_that_for_the_land_mask(config, is_there):
    plan = plan_of(config)
    if is_there:
        # The same input as before it was there: to Snakemake the recipe is not outdated.
        plan.land_mask_file.parent.mkdir(parents=True)
        plan.land_mask_file.write_text("")
    assert plan.recipe_file == plan.layout.internal / "recipe-000001.json"
    assert plan.inputs_of_conversions == [plan.recipe_file]
    assert plan.inputs_of_recipe == [str(plan.land_mask_file)]


def test_a_land_mask_that_was_tidied_up_is_made_again(config):
    plan = plan_of(config)
    path = put_in_force(plan.layout, plan.recipe)
    make_products(plan.layout, 1)
    plan = plan_of(config)
    assert plan.recipe_file == path
    assert plan.inputs_of_conversions == [str(path), plan.land_mask_file]
    assert plan.inputs_of_recipe == [str(plan.land_mask_file)]


def test_conversions_do_not_wait_when_all_is_there(ready, config):
    assert ready.done.pending == names(3, 4)
    # The same input as before there was a recipe: to Snakemake it is the same job.
    assert ready.inputs_of_conversions == [str(ready.recipe_file)]
    assert ready.inputs_of_recipe == [str(ready.land_mask_file)]
    make_products(ready.layout, 3, 4)
    assert plan_of(config).inputs_of_conversions == [str(ready.recipe_file)]


@pytest.mark.parametrize("changed", ["resolution", "land_mask"])
def test_conversions_wait_for_another_recipe(ready, config, tmp_path, changed):
    (tmp_path / "land.shp").write_text("other land")
    setting = {"resolution": "500m", "land_mask": str(tmp_path / "land.shp")}[changed]
    other = plan_of(config, remake=True, **{changed: setting})
    assert (other.done.pending, other.done.outdated) == (names(), names(1, 2))
    assert (other.land_mask_file == ready.land_mask_file) == (changed == "resolution")
    assert other.recipe_file == ready.layout.internal / "recipe-000002.json"
    assert other.inputs_of_conversions == [other.recipe_file]
    assert other.inputs_of_recipe == [str(other.land_mask_file)]


# -- previous --------------------------------------------------------------------------------


def kept(layout):
    return sorted(path.name for path in layout.previous.iterdir())


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    """On file systems with hard links, and on those without, by the words of such."""
    if request.param == "no links":

        def refuse(source, target):
            source.stat()
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), source)

        monkeypatch.setattr(os, "link", refuse)
    return request.param


def test_product_of_a_job_that_fails_is_kept_and_one_made_again_is_forgotten(layout, links):
    make_products(layout, 1, 2, 3, text="old")
    previous.keep(names(1, 2, 3, 4), layout)
    assert kept(layout) == [f"{one}.nc" for one in names(1, 2, 3)]
    for number in (1, 2, 3):
        # Snakemake, before the jobs.
        layout.product(name(number)).unlink(missing_ok=True)
    make_products(layout, 3, text="new")
    assert sorted(previous.settle(layout)) == names(1, 2)
    texts = [layout.product(name(number)).read_text() for number in (1, 2, 3)]
    assert texts == ["old", "old", "new"]
    assert not layout.product(name(4)).exists()
    assert kept(layout) == []


def test_product_whose_job_never_began_stays(layout, links):
    make_products(layout, 1, text="old")
    inode = layout.product(name(1)).stat().st_ino
    previous.keep(names(1), layout)
    assert previous.settle(layout) == ([] if links == "links" else names(1))
    assert layout.product(name(1)).stat().st_ino == inode
    assert kept(layout) == []


def test_a_product_gets_a_second_name_once(layout):
    make_products(layout, 1, text="old")
    previous.keep(names(1), layout)
    # 100,000 of them are to be made again: a name each, and no bytes.
    assert layout.product(name(1)).samefile(layout.previous / f"{name(1)}.nc")
    layout.product(name(1)).unlink()
    make_products(layout, 1, text="new")
    previous.keep(names(1), layout)
    assert (layout.previous / f"{name(1)}.nc").read_text() == "old"


# -- lock ------------------------------------------------------------------------------------


@pytest.fixture
def path(layout):
    layout.internal.mkdir()
    return layout.lock


@contextmanager
def another_process(path):
    """A process that holds the lock, until it is told to go; it leaves it where it is."""
    program = (
        "import sys; from pathlib import Path; from xsar_batch.batch import lock\n"
        "lock.acquire(Path(sys.argv[1])); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.stdin.close()


def of_host(host, pid=1):
    return json.dumps({"host": host, "pid": pid, "since": "2024-03-01T18:00:00+00:00"})


def refusal(path):
    with pytest.raises(ConfigError) as error:
        lock.acquire(path)
    return str(error.value)


def test_lock_is_taken_and_given_back(path):
    for _ in range(2):
        lock.acquire(path)
        owner = json.loads(path.read_text())
        assert (owner["host"], owner["pid"]) == (os.uname().nodename, os.getpid())
        lock.release(path)
        assert not path.exists()
    lock.release(path)


def test_lock_of_a_process_that_is_at_work(path):
    with another_process(path) as other:
        owner = json.loads(path.read_text())
        before = path.read_text()
        host = os.uname().nodename
        assert refusal(path).splitlines() == [
            f"output_dir: another run is at work in {path.parents[1]}: "
            f"process {other.pid} on {host} since {owner['since']}.",
            f"    wait for its end; should it have died on another machine:  rm {path}",
        ]
        # Nor may we give back what is not ours.
        lock.release(path)
        assert path.read_text() == before
    # Its process is gone, and left it.
    assert path.exists()
    lock.acquire(path)
    assert json.loads(path.read_text())["pid"] == os.getpid()


def test_lock_of_another_host_is_not_judged(path):
    # Of processes elsewhere nobody knows here, whatever their number.
    for pid in (1, os.getpid(), NO_PROCESS):
        path.write_text(of_host("r1i2n3", pid))
        assert (
            f"process {pid} on r1i2n3 since 2024-03-01T18:00:00+00:00.\n    wait for its end; "
            f"should it have died on another machine:  rm {path}"
        ) in refusal(path)
        lock.release(path)
        assert path.read_text() == of_host("r1i2n3", pid)


@pytest.mark.parametrize("contents", ["", "{half"])
def test_lock_that_is_just_being_written(path, contents):
    path.write_text(contents)
    assert "another run is at work" in refusal(path)
    lock.release(path)
    assert path.exists()


def test_run_goes_on_under_the_name_of_one_that_died(path):
    with another_process(path):
        name = json.loads(path.read_text())["run"]
    assert lock.acquire(path) == name
    lock.release(path)
    assert lock.acquire(path) != name


def test_lock_of_a_process_whose_number_is_given_out_again(path):
    lock.acquire(path)
    # As after a restart of the machine: its number is that of another process.
    path.write_text(json.dumps({**json.loads(path.read_text()), "began": 1}))
    lock.acquire(path)
    assert json.loads(path.read_text())["began"] > 1


def test_lock_that_cannot_be_written_is_not_left(path, monkeypatch):
    """On a full disk, a lock of nobody would keep everybody out."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            lock.acquire(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert list(path.parent.iterdir()) == []


def no_link(*paths):
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_lock_where_there_are_no_hard_links(path, monkeypatch):
    monkeypatch.setattr(lock.os, "link", no_link)
    lock.acquire(path)
    assert f"process {os.getpid()} on" in refusal(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_of_many_that_find_a_stale_lock_one_has_it(path):
    program = (
        "import sys; from pathlib import Path; from xsar_batch.batch import lock\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "try: lock.acquire(Path(sys.argv[1])); print('mine', flush=True)\n"
        "except lock.ConfigError: print('refused', flush=True)\n"
        "sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    for _ in range(3):
        path.write_text(of_host(os.uname().nodename, NO_PROCESS))
        several = [subprocess.Popen(command, **pipes) for _ in range(6)]
        try:
            for one in several:
                assert one.stdout.readline() == "ready\n"
            for one in several:
                one.stdin.write("\n")
                one.stdin.flush()
            assert sorted(one.stdout.readline() for one in several) == ["mine\n"] + 5 * [
                "refused\n"
            ]
        finally:
            for one in several:
                one.communicate("\n")


# -- run -------------------------------------------------------------------------------------


def test_a_job_finds_its_safe_without_the_archive(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of(config, output_dir="products", safes=["archive"], compression=7)
    run = begun(plan)
    (tmp_path / "archive").rename(tmp_path / "moved")  # a job that listed it would fail
    known, path = job_table.read(plan.run_file, name(2))
    # Absolute paths, as jobs may run anywhere.
    assert path == str(tmp_path / "archive" / f"{name(2)}.SAFE")
    assert known == {
        "output_dir": str(tmp_path / "products"),
        "land_mask": str(tmp_path / plan.land_mask_file),
        "recipe": plan.recipe,
        "function": "xsar_batch.l1b:l1b",
        "compression": 7,
        "run": run.id,
        "quicklooks": True,
    }
    assert job_table.read(plan.run_file, "unknown")[1] is None


@pytest.mark.parametrize("place", ["products", "quicklooks", "file"])
def test_begin_clears_what_was_killed(config, place):
    layout = plan_of(config).layout
    make_products(layout, 1)
    folder = layout.quicklooks if place == "quicklooks" else layout.output_dir
    if place == "file":
        # Stands where the folder should be, and is in nobody's way.
        layout.quicklooks.write_text("")
    folder.mkdir(exist_ok=True)
    host = os.uname().nodename.split(".")[0]
    stale = folder / f".{name(2)}.{host}-{NO_PROCESS}.part"
    stale.write_text("half")
    begun(plan_of(config)).end()
    assert not stale.exists()
    assert layout.product(name(1)).exists()
    assert layout.logs.is_dir()


def test_forgotten_files_are_removed(config):
    plan = plan_of(config)
    begun(plan).end()
    plan.land_mask_file.write_text("in use")
    files = {
        plan.layout.run("old"): 31,
        plan.layout.run("young"): 29,
        plan.layout.land_mask("old"): 31,
        plan.layout.land_mask("young"): 29,
        # In use, or not to be forgotten, whatever their age.
        plan.land_mask_file: 31,
        plan.run_file: 31,
        put_in_force(plan.layout, plan.recipe): 31,
    }
    for file, days in files.items():
        file.touch()
        then = time.time() - days * 86_400
        os.utime(file, (then, then))
    begun(plan)
    gone = {file for file in files if not file.exists()}
    assert gone == {plan.layout.run("old"), plan.layout.land_mask("old")}


def test_begin_keeps_and_end_gives_back(config):
    make_products(plan_of(config).layout, 1, 2, 3, text="old")
    plan = plan_of(config)
    run = begun(plan, 1, 2, 4)
    # Only of those that will be made again.
    assert kept(plan.layout) == [f"{name(1)}.nc", f"{name(2)}.nc"]
    assert plan.layout.lock.exists()
    for number in (1, 2):
        plan.layout.product(name(number)).unlink()
    make_products(plan.layout, 2, text="new")
    assert run.end().restored == 1
    texts = [plan.layout.product(name(number)).read_text() for number in (1, 2, 3)]
    assert texts == ["old", "new", "old"]
    assert not plan.layout.lock.exists()
    assert kept(plan.layout) == []


def test_folder_called_as_a_product_stops_no_run(config):
    layout = plan_of(config).layout
    layout.product(name(1)).mkdir(parents=True)
    begun(plan_of(config), 1).end()
    assert layout.product(name(1)).is_dir()
    # What the user did about it.
    layout.product(name(1)).rmdir()
    make_products(layout, 1)
    begun(plan_of(config), 1).end()
    assert layout.product(name(1)).is_file()


def test_leftovers_of_a_killed_run_are_settled_by_the_next(config):
    layout = plan_of(config).layout
    make_products(layout, 1, 2, 3, text="old")
    previous.keep(names(1, 2), layout)
    for number in (1, 2):
        layout.product(name(number)).unlink()
    make_products(layout, 2, text="new")  # by a job that outlived it
    # The next one makes again what it was asked for.
    run = begun(plan_of(config), 1)
    assert kept(layout) == [f"{name(1)}.nc"]
    texts = [layout.product(name(number)).read_text() for number in (1, 2, 3)]
    assert texts == ["old", "new", "old"]
    layout.product(name(1)).unlink()
    assert run.end().restored == 1
    assert layout.product(name(1)).read_text() == "old"


def test_two_runs_do_not_meet(config):
    plan = plan_of(config)
    make_products(plan.layout, 1, text="old")
    plan.layout.internal.mkdir()
    # The other one is about to make it again.
    previous.keep(names(1), plan.layout)
    plan.layout.product(name(1)).unlink()
    with another_process(plan.layout.lock):
        second = plan_of(config)
        with pytest.raises(ConfigError, match=r"^output_dir: another run is at work in "):
            begun(second)
        assert kept(plan.layout) == [f"{name(1)}.nc"]
        assert not plan.layout.product(name(1)).exists()
        assert not second.run_file.exists()


def test_run_that_cannot_begin_gives_the_lock_back(config):
    plan = plan_of(config)
    plan.layout.internal.mkdir(parents=True)
    plan.layout.previous.write_text("a file where the folder should be")
    with pytest.raises(ConfigError):
        begun(plan)
    assert not plan.layout.lock.exists()


@pytest.mark.parametrize("step", ["list", "write"])
def test_output_dir_that_cannot_be(config, tmp_path, step):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" if step == "list" else tmp_path / "file" / "below"
    with pytest.raises(ConfigError) as error:
        begun(plan_of(config, output_dir=str(output)))
    first, second = str(error.value).splitlines()
    assert first.startswith("output_dir: cannot ") and str(output) in first
    assert second == ("    write the path of a folder that is yours:  output_dir: $DATAWORK/l1b")


def test_say_prints_to_stderr(capfd):
    messages.say(["one", "two"])
    assert capfd.readouterr() == ("", "one\ntwo\n")
