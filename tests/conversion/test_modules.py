"""What a run asks of the environment: little, and next to nothing for each SAFE after the first."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xsar_batch.conversion import modules
from xsar_batch.system import module_file
from xsar_batch.system.module_file.record import Record

#: Files of the environment that are opened, and folders listed, from here on.
WATCH = """
import os, sys
asked = []
def hook(event, words):
    if event in ("open", "os.listdir", "os.scandir") and not isinstance(words[0], int):
        path = os.path.abspath(os.fsdecode(words[0] or "."))
        if path.startswith((sys.prefix + "/", sys.base_prefix + "/", SOURCES)):
            asked.append(path)
sys.addaudithook(hook)
"""

CONVERSION = """
import json, sys
from xsar_batch.conversion import command
from xsar_batch.conversion.forkserver import preloading
preloading.preload()
known = set(sys.modules)
{watch}
code = command.main(sys.argv[1:])
print(json.dumps([code, sorted(set(sys.modules) - known), asked]))
"""

PBS_JOB = """
{watch}
import json
import snakemake_executor_plugin_pbs.inside, snakemake_executor_plugin_pbs.supervisor
import snakemake.cli, snakemake.workflow, snakemake.executors.local
import xsar_batch.batch.plan, xsar_batch.batch.preview, xsar_batch.batch.run
import xsar_batch.batch.summary, xsar_batch.report.command, xsar_batch.report.live
from xsar_batch.conversion.forkserver import preloading
unneeded = [name for name in ("lxml", "numpy", "pandas", "shapely") if name in sys.modules]
preloading.preload()
print(json.dumps([unneeded, asked]))
"""


def watching(script: str) -> str:
    sources = str(Path(modules.__file__).parents[2])
    return script.format(watch=f"SOURCES = {sources!r}\n{WATCH}")


def test_a_fork_imports_nothing_and_opens_no_file_of_the_environment(
    scene, land_mask_file, tmp_path
):
    words = [scene(0), tmp_path / "a.nc", "--land-mask", land_mask_file]
    words += ["--quicklook", tmp_path / "a.png"]
    command = [sys.executable, "-c", watching(CONVERSION), *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    code, imported, asked = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert imported == []
    # Folders of the path are for what was not there; the function is read for its identity.
    files = [Path(path).name for path in asked if not Path(path).is_dir()]
    assert files == ["l1b.py"]
    assert len(asked) < 15


def test_a_pbs_job_opens_one_file_instead_of_thousands(tmp_path):
    file = tmp_path / "modules.pyc"
    make = [sys.executable, "-m", "xsar_batch.conversion.modules_made", str(file)]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (tmp_path / "job.py").write_text(watching(PBS_JOB))
    command = [sys.executable, file, tmp_path / "job.py"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    unneeded, asked = json.loads(done.stdout.splitlines()[-1])
    # The Snakemake in a PBS job does without what the server of its conversions loads.
    assert unneeded == []
    read = [path for path in asked if path.endswith((".py", ".pyc", "entry_points.txt"))]
    # The source whose compiled form numba keeps, and a module that puts another in its place.
    assert len(read) <= 3, read
    # Data of libraries, and folders of the path.
    assert len(asked) < 120, asked


@pytest.fixture
def environment(monkeypatch, tmp_path) -> Path:
    # Set first: so it is put back afterwards, whatever the test makes of it.
    monkeypatch.setenv(module_file.VARIABLE, "")
    monkeypatch.delenv(module_file.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return module_file.of_environment(modules.PACKAGES)


def test_a_run_is_told_of_the_file_that_is_there(environment):
    modules.announce(is_made=False)
    assert module_file.VARIABLE not in os.environ
    Record().write(environment, [])
    modules.announce(is_made=False)
    assert os.environ[module_file.VARIABLE] == str(environment)


def test_a_run_that_was_started_by_another_one_is_told_of_its_own(environment, monkeypatch):
    monkeypatch.setenv(module_file.VARIABLE, "/of/another.pyc")
    modules.announce(is_made=False)
    assert module_file.VARIABLE not in os.environ
    Record().write(environment, [])
    monkeypatch.setenv(module_file.VARIABLE, "/of/another.pyc")
    modules.announce(is_made=False)
    assert os.environ[module_file.VARIABLE] == str(environment)


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Module files that are made in the background."""
    made = []
    monkeypatch.setattr(subprocess, "Popen", lambda words, **options: made.append(words[-1]))
    return made


def test_it_is_made_for_jobs_that_begin_later(environment, made):
    modules.announce(is_made=True)
    assert made == [str(environment)] == [os.environ[module_file.VARIABLE]]


def test_a_damaged_one_is_made_anew(environment, made):
    Record().write(environment, [])
    environment.write_bytes(environment.read_bytes()[:-1])
    modules.announce(is_made=False)
    assert module_file.VARIABLE not in os.environ
    modules.announce(is_made=True)
    assert made == [str(environment)] == [os.environ[module_file.VARIABLE]]
    assert not environment.exists()


def test_who_wants_none_says_so(environment, monkeypatch):
    monkeypatch.setenv(module_file.VARIABLE, "")
    modules.announce(is_made=True)
    assert os.environ[module_file.VARIABLE] == ""


def test_a_job_that_does_not_see_it_does_without(environment, monkeypatch):
    monkeypatch.setenv(module_file.VARIABLE, str(environment))
    modules.check()
    assert module_file.VARIABLE not in os.environ
