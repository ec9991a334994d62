"""What a PBS job takes over from here: Snakemake's command line, the environment, the umask."""

import os
import random
import shlex
from pathlib import Path

import pytest
from snakemake_executor_plugin_pbs import job_script
from snakemake_executor_plugin_pbs.arguments import words
from snakemake_executor_plugin_pbs.environment import OF_THE_NODE, portable
from snakemake_interface_executor_plugins.utils import (
    TargetSpec,
    encode_target_jobs_cli_args,
    format_cli_arg,
    join_cli_args,
)

# -- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", []),
        ("   ", []),
        ("-m snakemake --retries 0", ["-m", "snakemake", "--retries", "0"]),
        ("  a \t b\n", ["a", "b"]),
        ("convert:name=a,b=[1]", ["convert:name=a,b=[1]"]),
        ("/some/path\\with", ["/some/path\\with"]),
        ("base64//YWJjCg==", ["base64//YWJjCg=="]),
        # Parts side by side are one word.
        ("'a'\"'\"'b'", ["a'b"]),
        ("--x='a b'", ["--x=a b"]),
        ("'a''b'", ["ab"]),
        ("a'b c'd\"e\"", ["ab cde"]),
        ("'' '' a", ["", "", "a"]),
        ("''a", ["a"]),
        ("'a' 'b'", ["a", "b"]),
        # The other quote is nothing within one.
        ('"it\'s" \'say "so"\'', ["it's", 'say "so"']),
        (r"'a\'b' 'c'", ["a'b", "c"]),
        (r"'a\\' 'b'", ["a\\", "b"]),
    ],
)
def test_words(command, expected):
    assert words(command) == expected


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_quoted(seed):
    """As Python does it, and as a shell: but for a backslash, which Python reads otherwise."""
    chance = random.Random(seed)
    letters = "a '\"é=-,#$`{%*&\\\n\t\x07\x00\u00a0日😀"
    for _ in range(300):
        texts = ["".join(chance.choices(letters, k=chance.randint(0, 9))) for _ in range(5)]
        quoted = [
            shlex.quote(text)
            if not {*"\\\n\x00"} & {*text} and chance.random() < 0.5
            else repr(text)
            for text in texts
        ]
        assert words(" ".join(quoted)) == texts
        assert words("".join(quoted)) == ["".join(texts)]


def test_as_snakemake_puts_it_together():
    """The very functions that it does that with."""
    config = {"note": """it's "so" \\ été""", "count": 3, "folder": "/a b", "more": {"x": [1, "y"]}}
    targets = [TargetSpec("convert", {"name": "a,b"}), TargetSpec("all", {"x": "it's", "y": "1"})]
    paths = [Path("/data/a b/it's.yaml"), Path("/data/été.yaml"), Path("/plain.yaml")]
    command = join_cli_args(
        [
            format_cli_arg("--target-jobs", encode_target_jobs_cli_args(targets)),
            format_cli_arg("--force", True),
            format_cli_arg("--verbose", False),
            format_cli_arg("--configfiles", paths),
            format_cli_arg("--config", config),
            format_cli_arg("--attempt", 2),
            format_cli_arg("--rules", ["a", "b"], quote=False),
        ]
    )
    assert words(command) == [
        *("--target-jobs", 'convert:name="a,b"', "all:x=it's,y=1"),
        "--force",
        *("--configfiles", *map(str, paths)),
        *("--config", *(f"{name}={value}" for name, value in config.items())),
        *("--attempt", "2"),
        *("--rules", "a", "b"),
    ]


# -- environment -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "LANG", "LC_ALL", "PYTHONPATH", "CONDA_PREFIX", "MODULEPATH", "LD_LIBRARY_PATH"),
        *(
            "http_proxy",
            "MY_TOKEN",
            "PBS",
            "SSHKEY",
            "HOMEPAGE",
            "OMP_STACKSIZE",
            "MKL_NUM_THREADS",
        ),
    ],
)
def test_what_is_taken_over(name):
    assert portable({name: "a\nb"}) == {name: "a\nb"}


@pytest.mark.parametrize(
    "name",
    [
        *sorted(OF_THE_NODE),
        *("PBS_JOBID", "PBS_O_WORKDIR", "PBS_ENVIRONMENT", "SSH_AUTH_SOCK", "SSH_CONNECTION"),
        *("XDG_RUNTIME_DIR", "KRB5CCNAME", "STY", "TMUX", "TMUX_PANE", "SNAKEMAKE_PROFILE"),
    ],
)
def test_what_is_of_the_node(name):
    assert portable({name: "x", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_the_environment_itself(monkeypatch):
    """Any mapping; nothing of it is changed."""
    monkeypatch.setenv("PBS_JOBID", "7.s")
    monkeypatch.setenv("MY_TOKEN", "été")
    found = portable(os.environ)
    assert type(found) is dict
    assert found["MY_TOKEN"] == "été"
    assert "PBS_JOBID" not in found
    assert os.environ["PBS_JOBID"] == "7.s"


# -- this process ----------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o22, 0o7])
def test_umask(mask):
    before = os.umask(mask)
    try:
        assert job_script.current_umask() == f"{mask:03o}"
        # It is asked for only.
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
