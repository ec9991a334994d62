"""What a PBS job begins with: the environment, the site's own lines, Python."""

import os
import stat
import subprocess

import pytest
from snakemake_executor_plugin_pbs.environment import as_bash, portable
from snakemake_executor_plugin_pbs.job_script import STARTER, current_umask, job_script, write


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "LANG", "LC_ALL", "PYTHONPATH", "CONDA_PREFIX", "MODULEPATH", "LD_LIBRARY_PATH"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "http_proxy", "MY_TOKEN", "PBS", "SSHKEY"),
        *("HOMEPAGE", "OMP_STACKSIZE", "MKL_NUM_THREADS"),
    ],
)
def test_what_is_taken_over(name):
    assert portable({name: "a\nb"}) == {name: "a\nb"}


@pytest.mark.parametrize(
    "name",
    [
        *("HOME", "TMPDIR", "NCPUS", "DISPLAY"),
        *("PBS_JOBID", "PBS_O_WORKDIR", "PBS_ENVIRONMENT", "SSH_AUTH_SOCK", "SSH_CONNECTION"),
        *(
            "XDG_SESSION_ID",
            "XDG_RUNTIME_DIR",
            "KRB5CCNAME",
            "STY",
            "TMUX",
            "TMUX_PANE",
            "SNAKEMAKE_PROFILE",
        ),
    ],
)
def test_what_is_of_the_node(name):
    assert portable({name: "x", "PATH": "/bin"}) == {"PATH": "/bin"}


ODD = {
    "PLAIN": "a",
    "SPACES": " a  b ",
    "LINES": "one\ntwo\n",
    "QUOTES": 'it\'s "so" $HOME `id` \\',
    "EMPTY": "",
    "ACCENT": "é",
    "BASH_FUNC_greet%%": '() {  echo "hello $1"\n}',
}


def test_bash_sets_the_very_values(tmp_path):
    file = tmp_path / "env.sh"
    file.write_text(as_bash({**ODD, "UID": "7", "with-dash": "x"}))
    program = f". {file} && greet you && env -0"
    done = subprocess.run(
        ["bash", "-c", program], env={"PATH": os.environ["PATH"]}, capture_output=True, check=True
    )
    assert done.stderr == b""
    greeting, rest = done.stdout.split(b"\n", 1)
    assert greeting == b"hello you"
    found = dict(one.split("=", 1) for one in rest.decode().split("\0") if one)
    assert {name: found[name] for name in ODD if "%%" not in name} == {
        name: value for name, value in ODD.items() if "%%" not in name
    }
    assert "with-dash" not in found


def test_the_sites_lines_come_after_the_environment_and_before_the_command(tmp_path):
    (tmp_path / "a b").mkdir()
    environment = {"LD_LIBRARY_PATH": "/mine", "KEPT": "yes"}
    precommand = "export LD_LIBRARY_PATH=/site:$LD_LIBRARY_PATH\nexport MORE=1"
    command = ["sh", "-c", 'echo "$LD_LIBRARY_PATH $KEPT $MORE $PWD"; umask']
    before = os.umask(0)
    try:
        script = write(tmp_path / "p", tmp_path / "a b", "027", environment, precommand, command)
    finally:
        os.umask(before)
    # The environment may hold what is nobody else's business.
    assert stat.S_IMODE((tmp_path / "p" / "env.sh").stat().st_mode) == 0o600
    done = subprocess.run(
        ["bash", str(script)], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.stdout.split("\n")[:2] == [f"/site:/mine yes 1 {tmp_path}/a b", "0027"]


def test_python_begins_with_the_starter_where_it_is_there(tmp_path):
    (tmp_path / "env.sh").touch()
    (tmp_path / "a starter").touch()
    text = job_script(tmp_path, "027", tmp_path / "env.sh", "", ["echo", "-m", "module", "$word"])
    for starter, said in (("a starter", "a starter -m"), ("gone", "-m"), ("", "-m")):
        done = subprocess.run(
            ["bash", "-c", text], capture_output=True, text=True, check=True,
            env={"PATH": os.environ["PATH"], STARTER: starter},
        )  # fmt: skip
        assert done.stdout == f"{said} module $word\n"


@pytest.mark.parametrize("mask", [0o22, 0o7])
def test_umask(mask):
    before = os.umask(mask)
    try:
        assert current_umask() == f"{mask:03o}"
        # It is asked for only.
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
