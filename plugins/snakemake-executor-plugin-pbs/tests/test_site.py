"""Which batch system the commands belong to, and the environment that jobs are given."""

import os
import subprocess

import pytest
from snakemake_executor_plugin_pbs import site
from snakemake_executor_plugin_pbs.environment import as_bash, portable
from snakemake_executor_plugin_pbs.job_script import STARTER, job_script


@pytest.mark.parametrize(
    ("said", "name", "version", "is_refused"),
    [
        ("pbs_version = 23.06.06\n", "PBS", "23.06.06", False),
        ("pbs_version = 19.1.3", "PBS", "19.1.3", False),
        ("pbs_version = PBSPro_13.1.0.160576", "PBS", "13.1.0.160576", False),
        ("pbs_version = 2024.1.0.20240501", "PBS", "2024.1.0.20240501", False),
        ("pbs_version = PBSPro_12.2.404", "PBS Pro", "12.2.404", True),
        ("Version: 6.1.2\nCommit: 661e092552de43a785c15d39a3634a541d86898e\n",
         "Torque", "6.1.2", True),
        ("SGE 8.1.9\nusage: qstat [options]\n", "Grid Engine", "", True),
        ("", "unknown", "", False),
        ("Welcome to our site\npbs_version = 20.0.1\n", "PBS", "20.0.1", False),
    ],
)  # fmt: skip
def test_batch_systems(said, name, version, is_refused):
    known = site.batch_system(said)
    assert (known.name, known.version, bool(known.refusal)) == (name, version, is_refused)
    assert "\n" not in known.refusal


def test_a_command_that_hangs_or_is_not_there_is_no_error():
    assert site.ask(["sleep", "60"], timeout=0.1) == "no answer for 0.1 s"
    assert "no-such-command" in site.ask(["no-such-command"])
    assert site.ask(["sh", "-c", "echo x; exit 3"]) == "x\n"


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


def test_caches_travel_and_what_belongs_to_a_login_does_not():
    environment = {
        "XDG_CACHE_HOME": "/scratch/cache",
        "XDG_CONFIG_HOME": "/c",
        "XDG_RUNTIME_DIR": "/run/user/7",
        "XDG_SESSION_ID": "3",
        "LD_LIBRARY_PATH": "/opt/lib",
    }
    assert set(portable(environment)) == {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LD_LIBRARY_PATH"}


def test_the_sites_lines_come_after_the_environment_and_before_the_command(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "env.sh").write_text(as_bash({"LD_LIBRARY_PATH": "/mine", "KEPT": "yes"}))
    precommand = "export LD_LIBRARY_PATH=/site:$LD_LIBRARY_PATH\nexport MORE=1"
    command = ["sh", "-c", 'echo "$LD_LIBRARY_PATH $KEPT $MORE $PWD"; umask']
    text = job_script(tmp_path / "a b", "027", tmp_path / "env.sh", precommand, command)
    (tmp_path / "job.sh").write_text(text)
    done = subprocess.run(
        ["bash", str(tmp_path / "job.sh")], capture_output=True, text=True, check=True,
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
