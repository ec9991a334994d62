"""A module file: the same modules as without it, and few questions to the file system."""

import subprocess
import sys
from pathlib import Path

import pytest

from xsar_batch.system import module_file

RECORD = """
import sys
from pathlib import Path
from xsar_batch.system.module_file.record import Record
record = Record()
with record.watching():
    import json.tool
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


def said(file: Path, script: str, tmp_path: Path, *words: str) -> str:
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-S", file, tmp_path / "script.py", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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
