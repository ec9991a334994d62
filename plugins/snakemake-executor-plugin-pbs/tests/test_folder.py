"""The folder of a PBS job: who may run it, and what it tells of its jobs."""

import subprocess
import sys
import time

import pytest
from snakemake_executor_plugin_pbs.folder import Folder, Pack, Task

TASKS = [
    Task("convert", {"name": name}, [f"convert:name={name}"], [f"/out/{name}"], "d")
    for name in "ab"
]
#: Of a Snakemake that is dead.
PACK = Pack(
    *("pack", TASKS, ["--keep"], 1, 600, 500, "/log", "/output"),
    owner={"host": "other", "pid": 1},
)


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "pbs" / "pack-1")
    made.write(PACK)
    return made


# -- the folder ------------------------------------------------------------------------------


def test_what_is_written_is_read(folder):
    assert Folder(folder.path).pack() == PACK


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "a"}', '{"tasks": []}', "null"])
def test_a_pack_that_is_not_ours(folder, text):
    (folder.path / "pack.json").write_text(text)
    with pytest.raises((ValueError, KeyError, TypeError)):
        folder.pack()


def test_the_id_comes_from_qsub_or_from_the_job_itself(folder):
    assert folder.id is None
    assert folder.take(id="7.s", pid=1)
    # qsub was killed before it could tell.
    assert Folder(folder.path).id == "7.s"
    folder.id = "8.s"
    assert Folder(folder.path).id == "8.s"
    assert not list(folder.path.glob(".*"))


# -- claims ----------------------------------------------------------------------------------


def test_only_one_of_many_processes_gets_the_claim(folder):
    """Each waits for the same moment; who wins is told by each, and by the file."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from snakemake_executor_plugin_pbs.folder import Folder\n"
        "folder = Folder(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\n"
        "time.sleep(max(0, float(sys.stdin.readline()) - time.time()))\n"
        "print(folder.revoke() if sys.argv[2] == '0' else folder.take(id=sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, folder.path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, str(number)], **pipes) for number in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    moment = str(time.time() + 0.2)
    won = [process.communicate(moment)[0].strip() for process in processes]
    assert sorted(won) == ["False"] * 7 + ["True"]
    winner = won.index("True")
    assert folder.claim() == ({"revoked": True} if winner == 0 else {"id": str(winner)})


def test_a_claim_that_was_never_written(folder):
    """Its process died in between: somebody began, so it cannot be revoked."""
    (folder.path / "claim").touch()
    assert folder.claim() == {}
    assert not folder.revoke()


# -- fates -----------------------------------------------------------------------------------


def test_events(folder):
    folder.tell("started", 0)
    folder.tell("started", 1)
    folder.tell("done", 0, seconds=3)
    folder.tell("failed", 1, why="x")
    fates = Folder(folder.path).read()
    assert (set(fates.started), set(fates.done), set(fates.failed)) == ({0, 1}, {0}, {1})
    assert (fates.done[0]["seconds"], fates.failed[1]["why"]) == (3, "x")
    assert (fates.stopped, fates.is_over, fates.killed) == (None, False, set())
    folder.tell("over", stopped="")
    assert not fates.is_over
    assert folder.read().is_over


def test_a_line_that_is_not_whole_is_read_when_it_is(folder):
    folder.tell("done", 0)
    reader = Folder(folder.path)
    with (folder.path / "events").open("a") as file:
        file.write('{"event": "done", ')
        file.flush()
        assert set(reader.read().done) == {0}
        assert set(reader.read().done) == {0}
        file.write('"task": 1}\n{"event": "over", "task": nu')
        file.flush()
        assert set(reader.read().done) == {0, 1}
        file.write("ll}\n")
    assert reader.read().is_over


def test_only_what_is_new_is_read(folder):
    folder.tell("breach", 2, limit="runtime")
    for _ in range(3):
        assert folder.read().breaches == {2: "runtime"}
    folder.tell("started", 1)
    assert folder.read().breaches == {2: "runtime"}


@pytest.mark.parametrize(
    "corrupt",
    [
        b"\n",
        b"{}\n",
        b'[1]\n5\nnull\n"over"\n',
        b"\x00\xff\xfe\x00\n",
        b'{"event": "done"}\n',
        b'{"event": "done", "task": [0]}\n',
        b'{"event": "breach", "task": null}\n',
        b'{"event": "of a later version", "task": 0}\n',
        b'{"event": "done", "task": 0\n',
    ],
)
def test_corrupt_lines_are_passed_over(folder, corrupt):
    (folder.path / "events").write_bytes(corrupt)
    folder.tell("done", 1)
    fates = folder.read()
    assert (set(fates.done), set(fates.failed), fates.is_over) == ({1}, set(), False)


def test_what_falls_with_the_pbs_job_is_no_fault_of_its_own(folder):
    folder.tell("done", 0)
    folder.tell("failed", 1)
    folder.tell("stopped", by="SIGTERM")
    folder.tell("failed", 2)
    folder.tell("done", 3)
    fates = folder.read()
    assert set(fates.failed) == {1}  # before the stop
    assert fates.killed == {2}
    assert set(fates.done) == {0, 3}
    assert fates.stopped["by"] == "SIGTERM"


def test_a_breach_is_that_of_its_task(folder):
    folder.tell("breach", 1, limit="runtime")
    folder.tell("failed", 0)
    folder.tell("failed", 1)
    folder.tell("breach", 2, limit="memory")
    fates = folder.read()
    assert set(fates.failed) == {0, 1}
    assert fates.breaches == {1: "runtime", 2: "memory"}


def test_lines_of_several_processes_do_not_mix(folder):
    program = (
        "import sys; from pathlib import Path\n"
        "from snakemake_executor_plugin_pbs.folder import Folder\n"
        "for n in range(int(sys.argv[2]), 400, 4):\n"
        "    Folder(Path(sys.argv[1])).tell('done', n, why='x' * 500)"
    )
    command = [sys.executable, "-c", program, folder.path]
    processes = [subprocess.Popen([*command, str(n)]) for n in range(4)]
    while any(process.poll() is None for process in processes):
        folder.read()
    assert set(folder.read().done) == set(range(400))


# -- small signs -----------------------------------------------------------------------------


def test_asked_to_stop(folder):
    assert not folder.is_to_stop
    folder.stop()
    assert Folder(folder.path).is_to_stop
    folder.remove()
    folder.stop()  # of what is not there, nothing need end
