"""A module file: the same modules as without it, and few questions to the file system."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from xsar_batch.system import module_file
from xsar_batch.system.module_file import start

RECORD = """
import sys
from pathlib import Path
from xsar_batch.system.module_file.record import Record
record = Record()
with record.watching():
    import json.tool
    import numpy
    import psutil
    from importlib import metadata
    metadata.version("numpy")
    try:
        import not_installed_anywhere
    except ImportError:
        pass
record.write(Path(sys.argv[1]), [Path(sys.base_prefix), Path(sys.prefix)])
"""

#: Files of modules that are opened from here on.
OPENED = """
import sys
opened = []
def hook(event, words):
    if event == "open" and str(words[0]).endswith((".py", ".pyc", ".txt", "METADATA")):
        opened.append(words[0])
    elif event in ("os.listdir", "os.scandir"):
        opened.append(words[0])
sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("modules") / "modules.pyc"
    subprocess.run([sys.executable, "-c", RECORD, path], check=True)
    return path


def ran(
    file: Path, script: str, folder: Path, *words: str, python: str | Path = sys.executable
) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    command = [python, "-S", file, folder / "script.py", *words]
    env = {**os.environ, module_file.VARIABLE: str(file)}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env)


def said(file: Path, script: str, tmp_path: Path, *words: str) -> str:
    return ran(file, script, tmp_path, *words).stdout


def test_nothing_is_looked_for_that_is_known(file, tmp_path):
    script = f"""{OPENED}
import json.tool
try:
    import not_installed_anywhere
except ImportError as error:
    assert error.name == "not_installed_anywhere"
print(opened)
from importlib import metadata
metadata.version("numpy")
print([path for path in opened if "dist-info" in path])
"""
    assert said(file, script, tmp_path) == "[]\n[]\n"


def test_modules_are_what_they_are_without(file, tmp_path):
    script = """
import inspect, json.decoder, sys
print(json.__file__, json.decoder.__file__, json.__path__, json.decoder.__spec__.origin)
print(json.decoder.__cached__, inspect.getsource(json.decoder.JSONDecoder)[:40], json.loads("[1]"))
print(json.decoder.JSONDecoder.decode.__code__.co_filename, __file__, sys.argv, __name__)
"""
    with_file = said(file, script, tmp_path, "a", "b")
    command = [sys.executable, tmp_path / "script.py", "a", "b"]
    without = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert with_file == without


def test_what_it_does_not_hold_is_found_as_always(file, tmp_path):
    (tmp_path / "mine.py").write_text("VALUE = 3")
    assert said(file, "import mine, xml.dom\nprint(mine.VALUE)", tmp_path) == "3\n"


def test_a_module_that_was_not_there_may_be_put_beside(file, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    (more / "not_installed_anywhere.py").write_text("VALUE = 4")
    script = (
        f"import sys\nsys.path.append({str(more)!r})\n"
        "import not_installed_anywhere\nprint(not_installed_anywhere.VALUE)"
    )
    assert said(file, script, tmp_path) == "4\n"


def test_runs_a_module(file):
    command = [sys.executable, file, "-m", "json.tool", "--compact"]
    done = subprocess.run(command, input="[1,  2]", check=True, capture_output=True, text=True)
    assert done.stdout == "[1,2]\n"


def test_exit_codes_and_errors_are_those_of_the_script(file, tmp_path):
    (tmp_path / "script.py").write_text("import sys\nsys.exit(7)")
    assert subprocess.run([sys.executable, file, tmp_path / "script.py"]).returncode == 7
    (tmp_path / "script.py").write_text("\n1 / 0")
    command = [sys.executable, file, tmp_path / "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f'File "{tmp_path}/script.py", line 2' in done.stderr


def test_name_changes_with_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    package = tmp_path / "a_package"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    before = module_file.of_environment(["a_package"])
    assert before == module_file.of_environment(["a_package"])
    assert before.parent == tmp_path / "xsar-batch"
    (package / "module.py").write_text("1")
    assert module_file.of_environment(["a_package"]) != before


def test_python_is_started_with_the_file_where_it_is(file, monkeypatch):
    monkeypatch.setenv(module_file.VARIABLE, str(file))
    assert module_file.python() == [sys.executable, str(file)]
    monkeypatch.setenv(module_file.VARIABLE, str(file.with_name("gone")))
    assert module_file.python() == [sys.executable]
    monkeypatch.delenv(module_file.VARIABLE)
    assert module_file.python() == [sys.executable]


#: What stands for the environment, whether the file is used, and whether processes that this one
#: starts are told of it.
STATE = """
import json, os, sys
import numpy, psutil
from importlib import metadata
used = type(json.decoder.__loader__).__module__ == "__main__"
told = "PYTHON_STARTER" in os.environ
files = [numpy.__file__, psutil._psutil_linux.__file__]
print(json.dumps([used, told, *files, metadata.version("numpy")]))
"""


def state(file: Path, folder: Path, **options: Path) -> tuple[list, str]:
    done = ran(file, STATE, folder, **options)
    return json.loads(done.stdout), done.stderr


def as_without(folder: Path) -> list:
    (folder / "script.py").write_text(STATE)
    env = {key: value for key, value in os.environ.items() if key != module_file.VARIABLE}
    command = [sys.executable, folder / "script.py"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=env).stdout)


def test_small_compiled_modules_are_loaded_from_memory(file, tmp_path):
    script = """
import psutil
own = psutil._psutil_linux
print(own.__file__, own.__spec__.origin, own.__name__)
with open("/proc/self/maps") as maps:
    print("_psutil_linux" in maps.read().replace("memfd:psutil._psutil_linux", ""))
"""
    import psutil

    path = psutil._psutil_linux.__file__
    assert said(file, script, tmp_path) == f"{path} {path} psutil._psutil_linux\nFalse\n"


def test_a_compiled_module_that_does_not_load_from_memory_is_loaded_as_always(file, tmp_path):
    script = """
import posix, sys
def none(name): raise OSError("not here")
posix.memfd_create = none
import psutil
with open("/proc/self/maps") as maps:
    print(psutil._psutil_linux.__file__ in maps.read())
"""
    assert said(file, script, tmp_path) == "True\n"


def test_libraries_that_stay_where_they_are_are_known(file):
    """Python has them looked up while it is about something else."""
    known, descriptor = start.opened(str(file))
    os.close(descriptor)
    assert all(map(os.path.isfile, known["libraries"]))
    names = {Path(path).name.split(".")[0] for path in known["libraries"]}
    assert "_multiarray_umath" in names
    assert "_psutil_linux" not in names


@pytest.mark.parametrize("how", ["one byte short", "half", "a byte of the index", "code only"])
def test_a_damaged_file_is_noticed_and_not_used(file, tmp_path, how):
    damaged = tmp_path / "damaged.pyc"
    data = bytearray(file.read_bytes())
    if how == "a byte of the index":
        data[-100] ^= 1
    else:
        size = len(data)
        del data[{"one byte short": size - 1, "half": size // 2, "code only": 40_000}[how] :]
    damaged.write_bytes(data)
    assert not module_file.is_whole(damaged)
    found, error = state(damaged, tmp_path)
    assert found == as_without(tmp_path)
    assert found[:2] == [False, False]
    assert error == f"{damaged} is not used: it is damaged. Modules are imported as always.\n"


def test_damaged_code_is_imported_as_always(file, tmp_path):
    damaged = tmp_path / "damaged.pyc"
    data = file.read_bytes()
    # The beginning and the index stay as they are.
    begin = int.from_bytes(data[-16:-8], "big")
    damaged.write_bytes(data[:40_000] + bytes(begin - 40_000) + data[begin:])
    found, error = state(damaged, tmp_path)
    assert found == [True, True, *as_without(tmp_path)[2:]]
    assert error == ""


def test_a_damaged_beginning_is_noticed_before_it_is_used(file, tmp_path):
    assert module_file.is_whole(file)
    damaged = tmp_path / "damaged.pyc"
    data = file.read_bytes()
    damaged.write_bytes(data[:1000] + b"?" + data[1001:])
    assert not module_file.is_whole(damaged)
    damaged.write_bytes(b"")
    assert not module_file.is_whole(damaged)
    damaged.unlink()
    assert not module_file.is_whole(damaged)


def test_the_file_of_another_environment_is_not_used(file, tmp_path):
    """The same Python, called from another place, as in another environment made of it."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    (tmp_path / "script.py").write_text("import json\nprint(type(json.__loader__).__module__)")
    command = [python, "-S", file, tmp_path / "script.py"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "_frozen_importlib_external\n"
    assert "is not used: it is of another environment" in done.stderr


def test_the_file_of_an_earlier_state_of_the_environment_is_not_used(tmp_path):
    """Something was installed since."""
    site = tmp_path / "site-packages"
    site.mkdir()
    made = tmp_path / "modules.pyc"
    script = f"""
import sys, sysconfig
from pathlib import Path
sysconfig.get_path = lambda name: {str(site)!r}
from xsar_batch.system.module_file.record import Record
Record().write(Path({str(made)!r}), [])
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert said(made, "print(1)", tmp_path) == "1\n"
    assert module_file.is_whole(made)
    (site / "another.py").touch()
    assert not module_file.is_whole(made)
    done = ran(made, "print(1)", tmp_path)
    assert (done.stdout, "an earlier state" in done.stderr) == ("1\n", True)
