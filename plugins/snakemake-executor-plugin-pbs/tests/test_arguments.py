"""Snakemake's command line, taken apart."""

import random
import shlex
from pathlib import Path

import pytest
from snakemake_executor_plugin_pbs.arguments import words
from snakemake_interface_executor_plugins.utils import (
    TargetSpec,
    encode_target_jobs_cli_args,
    format_cli_arg,
    join_cli_args,
)


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
