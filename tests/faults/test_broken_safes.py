"""Every kind of broken SAFE: a class and a sentence, or a product that is right.

The kinds are in ``safe_*_kinds.py``, what is asked of each case in ``safe_cases.py``. To see one:
``python tests/faults/safe_cases.py KIND --seed N``.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment
from repository import REPO

CASES = Path(__file__).with_name("safe_cases.py")

#: Seeds of each kind.
EACH = 13


def judged(folder: Path, *words: str) -> list[dict]:
    """The verdicts on cases, in a process that has nothing of pytest."""
    report = folder / "verdicts.json"
    command = [sys.executable, CASES, *words, "--json", report]
    ended = subprocess.run(command, cwd=REPO, env=environment(), capture_output=True, text=True)
    assert report.exists(), ended.stderr
    verdicts = json.loads(report.read_text())
    wrong = [verdict for verdict in verdicts if verdict["end"] == "wrong"]
    assert ended.returncode == (1 if wrong else 0), ended.stderr
    assert not wrong, ended.stdout
    return verdicts


def kinds() -> dict[str, str]:
    """Kinds and their fates."""
    command = [sys.executable, CASES, "--list"]
    listed = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return dict(line.split()[:2] for line in listed.stdout.splitlines())


def test_one_of_each_kind(tmp_path):
    """Those that are to be refused, and every third of the others, which take a conversion each.

    The kinds of sentinel1/test_safe.py are left to it.
    """
    fates = kinds()
    refused = [name for name, fate in fates.items() if fate == "refused"]
    others = [name for name in fates if name not in refused]

    verdicts = judged(tmp_path, *refused, *others[::3])

    assert len(refused) > 60
    assert {verdict["end"] for verdict in verdicts} >= {"bad-safe", "right"}
    assert {verdict["stage"] for verdict in verdicts} == {"check", "conversion"}


@pytest.mark.faults
def test_thousands_of_cases(tmp_path):
    verdicts = judged(tmp_path, "--each", str(EACH))

    assert len(verdicts) > 1_000
    assert len({verdict["kind"] for verdict in verdicts}) > 60
    assert sum(verdict["stage"] == "conversion" for verdict in verdicts) > 200
    assert max(verdict["cpu"] for verdict in verdicts) < 10
