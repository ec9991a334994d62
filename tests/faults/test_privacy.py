"""Nothing of a SAFE reaches a shell; what the workflow makes is the user's alone."""

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from fault_helpers import NOBODY, needs_setpriv
from processes import until
from safes import copy_safe
from work import Work, preview

from xsar_batch.conversion.layout import NAME

#: What a shell would make of it is a file `touched` somewhere.
HOSTILE = (
    "$(touch touched)",
    "`touch touched`",
    ";touch touched;",
    "'; touch touched; '",
    '"; touch touched; "',
    "|touch touched",
    "&& touch touched",
    "\ntouch touched\n",
    "{wildcards.name}",
    "{output}",
    "../../..",
    "--help",
    "%s\\$x\\",
)


@pytest.fixture
def work(tmp_path, scene, land_source) -> Work:
    return Work.new(tmp_path / "work", land_source, [scene(0)])


def touched(folder: Path) -> list[Path]:
    return list(folder.rglob("touched*"))


def as_file_name(text: str) -> str:
    return text.replace("/", "_")


def test_names_and_listings_that_mean_something_to_a_shell(work, scene, tmp_path):
    """A name that is found must be one of Sentinel-1, one that is listed any plain word; a path
    may be anything."""
    name = scene(0).stem
    for text in HOSTILE:
        (work.archive / f"{as_file_name(text)}.SAFE").mkdir(exist_ok=True)
        (work.archive / f"{name}{as_file_name(text)}.SAFE").mkdir(exist_ok=True)
        (work.archive / f"{as_file_name(text)}{name}.SAFE").mkdir(exist_ok=True)
    # A whole one below a folder of such a name.
    below = work.folder / as_file_name("$(touch touched);`touch touched`'\"&|")
    below.mkdir()
    other = copy_safe(scene(1), below, linked=True)
    lines = [*(text.replace("$", "\\$") for text in HOSTILE if "\n" not in text)]
    listed = [line for line in lines if "$" not in line]
    (work.folder / "listing.txt").write_text("\n".join([*listed, str(other).replace("$", "$D")]))
    work.change(safes=["archive", "listing.txt"])

    ran = work.snakemake(D="$")

    assert set(work.products) == {name, scene(1).stem}, ran.out
    names = {(work.folder / line).resolve().name for line in listed}
    failed = {path.stem for path in (work.out / "logs").glob("*.json")} - set(work.products)
    assert failed == {name for name in names if re.fullmatch(NAME, name)}
    assert re.search(r"    \d+ not a Sentinel-1 name, left out: ", preview(ran))
    assert touched(tmp_path) == []
    assert touched(Path.cwd()) == []


def open_for_others(folder: Path) -> list[str]:
    """What others than the user may write to."""
    found = []
    for path in [folder, *folder.rglob("*")]:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & 0o022:
            found.append(f"{path} {mode & 0o777:o}")
    return found


#: As somebody else, by the system's Python: tests may run in one of root's own.
CONNECT = """
import os, socket, sys
for path in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(path)
    except PermissionError as error:
        print("refused")
    else:
        print("connected")
"""


@needs_setpriv
@pytest.mark.skipif(not shutil.which("/usr/bin/python3"), reason="needs a Python of the system")
def test_warm_interpreter_is_for_this_user_alone(work, traces):
    """Whatever the umask."""
    work.change(function="mine.py:convert")
    for file in ("hold", "passed"):
        (work.folder / file).touch()
    with work.running(umask="000", **traces.environment) as process:
        (socket,) = until(lambda: list(traces.tmp.glob("xsar-batch-*/*/socket")), process)
        place = socket.parents[1]
        assert place.stat().st_mode & 0o777 == 0o700
        traces.tmp.chmod(0o755)
        nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command = [*nobody, "/usr/bin/python3", "-c", CONNECT, str(socket)]
        ran = subprocess.run(command, capture_output=True, text=True, cwd="/")
        assert ran.stdout == "refused\n", ran.stderr
        (work.folder / "hold").unlink()
        assert process.wait(60) == 0
    traces.assert_nothing_left()


@pytest.mark.faults
def test_files_have_the_mode_that_the_umask_asks_for(work, traces):
    """A group that shares its products sets its umask; nobody else may write under a usual one."""
    with work.running(umask="027", **traces.environment) as process:
        assert process.wait(120) == 0, work.said
    assert open_for_others(work.out) == []
    (product,) = work.out.glob("*.nc")
    assert product.stat().st_mode & 0o777 == 0o640
    assert json.loads((work.out / "logs" / f"{product.stem}.json").read_text())["state"] == "done"
    assert os.stat(work.out / ".xsar_batch").st_mode & 0o777 == 0o750  # noqa: PTH116
