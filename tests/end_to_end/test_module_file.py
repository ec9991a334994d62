"""The module file of a PBS job, on the stand-in PBS: it is made, used, and done without if it is
damaged or of another environment."""

import _imp
import json
import marshal
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import Ran, environment, run, snakemake_command, until
from standin.pbs import Server
from work import Work

from xsar_batch.conversion import modules
from xsar_batch.system import module_file
from xsar_batch.system.module_file import start

pytestmark = pytest.mark.slow

QUICK = ("--seconds-between-status-checks", "1", "--pbs-pack-wait", "1", "--retries", "0")

#: A user's function that tells which module files the processes of its PBS job hold open: the fork
#: that converts and the server, the Snakemake that started this, and who waits for the conversion.
TELLING = """
import json
import os
from pathlib import Path

from xsar_batch.l1b import l1b


def held(process):
    folder = f"/proc/{process}/fd"
    files = []
    for name in os.listdir(folder):
        try:
            files.append(os.readlink(f"{folder}/{name}"))
        except OSError:
            # That of the listing.
            continue
    return sorted({file for file in files if file.endswith(".pyc")})


def parent(process):
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def client():
    # The process of this folder whose script is convert.py.
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\\0")
            is_script = any(word.endswith(b"/convert.py") for word in words)
            if is_script and os.readlink(process / "cwd") == os.getcwd():
                return process.name
        except OSError:
            # It has ended, or is somebody else's.
            continue


def convert(safe, resolution):
    server = os.getppid()
    told = {"fork": "self", "server": server, "snakemake": parent(server), "client": client()}
    text = json.dumps({name: held(process) for name, process in told.items()})
    Path("held.json").write_text(text)
    return l1b(safe, resolution)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The module file of this environment, and beside it no other."""
    file = tmp_path_factory.mktemp("made") / "modules.pyc"
    command = [sys.executable, "-m", "xsar_batch.conversion.modules_made", file]
    subprocess.run(command, check=True, env=environment(), capture_output=True)
    return file


class Started(Work):
    """One SAFE, a stand-in PBS, and a cache folder for module files."""

    server: Server

    @property
    def cache(self) -> Path:
        return self.folder.parent / "cache"

    @property
    def file(self) -> Path:
        """The module file of runs here."""
        name = module_file.of_environment(modules.PACKAGES).name
        return self.cache / "xsar-batch" / name

    def run(self, *arguments: str, starter: str | None = None) -> Ran:
        command = snakemake_command("--profile", "profiles/pbs", *QUICK, *arguments)
        cache = {"XDG_CACHE_HOME": str(self.cache), module_file.VARIABLE: starter}
        return run(*command, cwd=self.folder, **self.server.environment, **cache)

    @property
    def held(self) -> dict[str, list[str]]:
        return json.loads((self.folder / "held.json").read_text())


def held_by_all(*files: Path) -> dict[str, list[str]]:
    return {name: list(map(str, files)) for name in ("fork", "server", "snakemake", "client")}


@pytest.fixture
def work(tmp_path, scene, land_source):
    work = Started.new(tmp_path / "work", land_source, [scene(0)], function="mine.py:convert")
    (work.folder / "mine.py").write_text(TELLING)
    work.file.parent.mkdir(parents=True)
    work.server = Server.new(tmp_path / "pbs")
    yield work
    work.server.stop()


def test_a_pbs_job_is_started_with_the_file(work, made):
    shutil.copy(made, work.file)
    ran = work.run()
    assert len(work.products) == 1, ran.out
    assert work.held == held_by_all(work.file)


def test_a_file_that_is_damaged_while_the_job_waits_is_not_used(work, made):
    shutil.copy(made, work.file)
    ran = work.run("--precommand", f"truncate -s -1 {shlex.quote(str(work.file))}")
    assert len(work.products) == 1, ran.out
    assert work.held == held_by_all()


def test_a_damaged_file_is_made_anew_in_the_background(work, made):
    shutil.copy(made, work.file)
    os.truncate(work.file, work.file.stat().st_size // 2)
    ran = work.run()
    assert len(work.products) == 1, ran.out
    until(lambda: module_file.is_whole(work.file))


def test_the_file_of_another_environment_is_not_used(work, made):
    """One that a run elsewhere handed down, and one that the node names."""
    other = made.with_name("other.pyc")
    known, descriptor = start.opened(str(made))
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        data = file.read()
    known["environment"]["bin"] = "/another/bin"
    index = marshal.dumps(known)
    begin = data[-16:-8]
    data = data[: int.from_bytes(begin, "big")] + index + begin + _imp.source_hash(0, index)
    other.write_bytes(data)

    shutil.copy(made, work.file)
    ran = work.run(starter=str(other))
    assert len(work.products) == 1, ran.out
    assert work.held == held_by_all(work.file)

    shutil.rmtree(work.out)
    ran = work.run("--precommand", f"export {module_file.VARIABLE}={shlex.quote(str(other))}")
    assert len(work.products) == 1, ran.out
    assert work.held == held_by_all()
