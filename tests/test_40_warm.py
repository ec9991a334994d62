"""The warm interpreter: forks that nobody can tell from processes of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from helpers import PATIENCE, SCRIPTS, TIFF, copy_safe, environment, last_line, only, outcome

from xsar_batch.conversion import forkserver, job_table, recipe
from xsar_batch.conversion.forkserver import client
from xsar_batch.conversion.layout import Layout
from xsar_batch.conversion.user_function import OURS
from xsar_batch.system.process import began

#: A user's function that does what its SAFE's folder holds a file for.
MINE = """
import os, signal, time
from pathlib import Path
from xsar_batch.l1b import l1b

def convert(safe, resolution):
    here = Path(__file__).parent
    for name in ("sleep", "abort", "environment"):
        if (here / name).exists():
            globals()[name](here)
    return l1b(safe, resolution)

def sleep(here):
    (here / "sleeping").write_text(str(os.getpid()))
    time.sleep(600)

def abort(here):
    os.kill(os.getpid(), signal.SIGSEGV)

def environment(here):
    import json, resource
    said = {"folder": os.getcwd(), "variable": os.environ.get("OF_THE_CLIENT"),
            "umask": os.umask(0o022), "nice": os.nice(0), "files": resource.getrlimit(7)[0],
            "modules": "xsar" in __import__("sys").modules, "parent": os.getppid()}
    (here / "environment").write_text(json.dumps(said))
"""


class Run:
    """A run's files, and this process as the owner of its warm interpreter."""

    def __init__(self, folder: Path, safes: list[Path], land_mask: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.layout = Layout(folder / "out")
        mine = folder / "mine.py"
        mine.write_text(MINE)
        function = f"{mine}:convert"
        self.recipe = recipe.recipe("1000m", function, "land")
        known = {
            "output_dir": str(self.layout.output_dir),
            "land_mask": str(land_mask),
            "recipe": self.recipe,
            "function": function,
            "compression": 4,
            "quicklooks": True,
        }
        assert function != OURS
        self.file = folder / "run.sqlite"
        job_table.write(self.file, known, {safe.stem: str(safe) for safe in safes})
        self.owner = subprocess.Popen(["sleep", "1000"])
        self.place = forkserver.place(self.owner.pid)
        self.started: list[subprocess.Popen] = []

    def start(self, safe: Path, warm: bool = True, before: str = "", **more: str):
        words = [sys.executable, str(SCRIPTS / "convert.py"), "--run", str(self.file), safe.stem]
        place = {"XSAR_BATCH_WARM": str(self.place) if warm else None}
        command = ["bash", "-c", f'{before}\nexec "$@"', "bash", *words] if before else words
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment(**place, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def convert(self, safe: Path, **options) -> tuple[int, str]:
        process = self.start(safe, **options)
        out, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, out

    def servers(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if "xsar_batch.conversion.forkserver.server" in command and str(self.place) in " ".join(
                command
            ):
                found.append(process)
        # Forks have its command line.
        return [one for one in found if one.ppid() not in {other.pid for other in found}]

    def do(self, name: str) -> Path:
        path = self.folder / name
        path.touch()
        return path

    def sleeping(self) -> psutil.Process:
        """The process of the conversion that sleeps."""
        path = self.folder / "sleeping"
        end = time.monotonic() + PATIENCE
        while not (path.exists() and path.read_text()):
            assert time.monotonic() < end
            time.sleep(0.02)
        return psutil.Process(int(path.read_text()))

    def end(self) -> None:
        for process in (*self.started, self.owner):
            process.kill()
            process.wait()
        gone(*self.servers())


def gone(*processes: psutil.Process, seconds: float = 5) -> None:
    """They end, or have ended."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture
def run(tmp_path, scene, land_mask_file):
    made = Run(tmp_path, [scene(0), scene(1)], land_mask_file)
    yield made
    made.end()
    assert not made.place.exists()


def test_same_product_log_and_outcome_with_and_without(run, scene):
    import xarray as xr

    said = {}
    for is_warm in (False, True):
        code, out = run.convert(scene(0), warm=is_warm)
        assert (code, out) == (0, "")
        name = scene(0).stem
        record = outcome(run.layout.outcome(name))
        log = run.layout.log(name).read_text().splitlines()
        with xr.open_dataset(run.layout.product(name)) as ds:
            said[is_warm] = (
                ds.load(),
                [line.split(" ", 2)[-1] for line in log[:-1]],
                set(record),
                {key: record[key] for key in ("state", "exit_code", "threads", "versions")},
                run.layout.quicklook(name).read_bytes(),
            )
        assert log[-1].startswith(f"DONE {name}")
        run.layout.product(name).unlink()
    assert said[True][0].equals(said[False][0])
    assert said[True][1:] == said[False][1:]


def test_imported_once_for_many(run, scene):
    processes = [run.start(scene(number)) for number in (0, 1)]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0]
    (server,) = run.servers()
    report = run.do("environment")
    assert run.convert(scene(0))[0] == 0
    assert json.loads(report.read_text())["parent"] == server.pid
    assert run.servers() == [server]


def test_started_before_it_is_asked_for(run, scene, monkeypatch):
    monkeypatch.setenv(forkserver.VARIABLE, str(run.place))
    client.start(1)
    # Who comes while it starts waits for it, and who starts it again does not.
    client.start(1)
    began = time.monotonic()
    while not any(one.cpu_times().user > 1 for one in run.servers()):
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.05)
    report = run.do("environment")
    assert run.convert(scene(0))[0] == 0
    (server,) = run.servers()
    assert json.loads(report.read_text())["parent"] == server.pid


def test_who_comes_while_it_starts_does_not_start_another(run, scene, monkeypatch):
    monkeypatch.setenv(forkserver.VARIABLE, str(run.place))
    client.start(1)
    assert run.convert(scene(0))[0] == 0
    assert len(run.servers()) == 1


def test_nothing_is_started_where_none_is_wanted(run, monkeypatch):
    monkeypatch.delenv(forkserver.VARIABLE, raising=False)
    client.start(1)
    assert not run.place.exists()


def test_a_bad_one_costs_no_import(run, scene, tmp_path, land_mask_file):
    bad = copy_safe(scene(2), tmp_path / "bad")
    only(bad, TIFF).write_bytes(b"")
    other = Run(tmp_path / "other", [bad], land_mask_file)
    try:
        code, out = other.convert(bad)
        assert code == 65
        assert out.endswith("is empty\n")
        assert last_line(other.layout.log(bad.stem)).startswith("FAILED bad-safe: ")
        (server,) = other.servers()
        times = server.cpu_times()
        assert times.user + times.system < 1
    finally:
        other.end()


def test_folder_environment_and_limits_are_those_of_who_asks(run, scene):
    report = run.do("environment")
    before = "umask 027; ulimit -n 321; renice -n 7 $$ >/dev/null; cd /"
    assert run.convert(scene(0), before=before, OF_THE_CLIENT="yes")[0] == 0
    said = json.loads(report.read_text())
    assert said["modules"]
    assert {key: said[key] for key in ("folder", "variable", "umask", "nice", "files")} == {
        "folder": "/",
        "variable": "yes",
        "umask": 0o027,
        "nice": 7,
        "files": 321,
    }


@pytest.mark.parametrize(
    ("number", "code", "state"),
    [(signal.SIGTERM, 143, "interrupted"), (signal.SIGINT, 130, "interrupted")],
)
def test_signals_are_handed_on(run, scene, number, code, state):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    process.send_signal(number)
    assert process.wait(20) == code
    gone(fork)
    assert outcome(run.layout.outcome(scene(0).stem))["state"] == state
    # The next one is not touched by it.
    (run.folder / "sleep").unlink()
    assert run.convert(scene(1))[0] == 0


def test_who_asks_is_killed_and_so_is_the_fork(run, scene):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    process.kill()
    process.wait()
    gone(fork)
    (run.folder / "sleep").unlink()
    assert run.convert(scene(1))[0] == 0


def test_a_crash_is_that_of_who_asks(run, scene):
    run.do("abort")
    code, _ = run.convert(scene(0))
    assert code == -signal.SIGSEGV
    (run.folder / "abort").unlink()
    assert run.convert(scene(1))[0] == 0


def test_server_is_killed_in_the_middle(run, scene):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    (server,) = run.servers()
    (run.folder / "sleep").unlink()
    server.kill()
    # It goes on by itself.
    assert process.wait(PATIENCE) == 0
    gone(fork)
    assert run.layout.product(scene(0).stem).exists()
    # And the next one starts another.
    assert run.convert(scene(1))[0] == 0
    assert len(run.servers()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_goes_with_its_owner(run, scene, number):
    run.do("sleep")
    process = run.start(scene(0))
    fork = run.sleeping()
    servers = run.servers()
    run.owner.send_signal(number)
    run.owner.wait()
    gone(*servers, fork)
    process.kill()
    process.wait()
    assert not run.place.exists()


def test_folder_is_for_the_user_alone(run, scene):
    # Left by one that was killed with its owner.
    left = run.place.with_name(f"xsar-batch-{os.getuid()}-4194305-1")
    (left / "1").mkdir(parents=True)
    assert run.convert(scene(0))[0] == 0
    assert not left.exists()
    assert run.place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_folder_that_others_may_enter_is_not_used(run, scene, mode):
    run.place.mkdir()
    run.place.chmod(mode)
    code, out = run.convert(scene(0))
    assert code == 0
    assert "is not a folder of this user alone): xsar is imported anew" in out
    assert not run.servers()
    run.place.rmdir()


def test_place_of_a_process(tmp_path, monkeypatch):
    place = forkserver.place(os.getpid())
    assert forkserver.owner_of(place) == (os.getpid(), began(os.getpid()))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 30)))
    assert forkserver.place(os.getpid()).parent == Path("/tmp")
    assert began(4_194_305) == 0
