"""Power loss, as far as it can be seen from outside: what is put on disk, and in which order."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment
from repository import SCRIPTS

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")

#: With the file that a handle stands for, and no text of what is written.
STRACE = ("strace", "-f", "-y", "-s", "0", "-e", "trace=write,pwrite64,fsync,fdatasync,/rename")


def traced(tmp_path: Path, *command: object) -> list[tuple[str, str]]:
    """System calls of a command in their order: name, arguments."""
    trace = tmp_path / "trace"
    words = [*STRACE, "-o", trace, sys.executable, *command]
    done = subprocess.run([str(word) for word in words], env=environment(), capture_output=True)
    if b"Operation not permitted" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    calls = re.findall(r"^\d+ +(\w+)\((.*)\) += \d+", trace.read_text(), re.MULTILINE)
    assert calls
    return calls


def check_order(calls: list[tuple[str, str]], path: Path) -> None:
    """All writes, fsync of the file, rename, fsync of its folder; and no write after that."""
    half = re.compile(rf"{re.escape(str(path.parent))}/\.{re.escape(path.name)}\.\S+\.part")
    of_file = [(name, text) for name, text in calls if half.search(text)]
    names = [name for name, _ in of_file]
    assert names.count("fsync") == 1
    synced = names.index("fsync")
    assert synced > 0 and {*names[:synced]} <= {"write", "pwrite64", "fdatasync"}
    (rename,) = names[synced + 1 :]
    assert rename.startswith("rename")
    assert f'"{path}"' in of_file[-1][1]
    after = calls[calls.index(of_file[-1]) + 1 :]
    assert [name for name, text in after if text.endswith(f"<{path.parent}>")][:1] == ["fsync"]
    assert not [text for name, text in after if "write" in name and f"<{path}>" in text]


@needs_strace
def test_product_is_on_disk_before_it_has_its_name(tmp_path, scene, land_mask_file):
    product, outcome = tmp_path / "out" / "one.nc", tmp_path / "logs" / "one.json"

    def moments() -> list[str]:
        calls = traced(
            tmp_path,
            *(SCRIPTS / "convert.py", scene(0), product),
            *("--land-mask", land_mask_file, "--outcome", outcome, "--log", tmp_path / "one.log"),
        )
        check_order(calls, product)
        return [
            path.name
            for name, text in calls
            for path in (product, outcome)
            if name.startswith("rename") and f'"{path}"' in text
        ]

    # The outcome says that it runs, and that it is done.
    assert moments() == ["one.json", "one.nc", "one.json"]
    # Before a product is replaced it says that nobody knows which one is there.
    assert moments() == ["one.json", "one.json", "one.nc", "one.json"]


WRITES = """
import sys
from pathlib import Path
from xsar_batch.conversion import job_table
from xsar_batch.system import atomic_write
atomic_write.write_text(Path(sys.argv[1]), "text")
job_table.write(Path(sys.argv[2]), {"a": 1}, {"NAME": "/path"})
"""


@needs_strace
def test_files_of_a_run_are_on_disk_before_they_have_their_name(tmp_path):
    text, table = tmp_path / "a" / "recipe.json", tmp_path / "b" / "run.sqlite"
    calls = traced(tmp_path, "-c", WRITES, text, table)
    check_order(calls, text)
    check_order(calls, table)
