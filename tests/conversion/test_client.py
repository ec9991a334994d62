"""Who waits for a conversion whose server goes away: stopped with it, or to convert by itself."""

import signal

import pytest
from processes import python

from xsar_batch.conversion import forkserver
from xsar_batch.conversion.forkserver.client import WAIT_FOR_STOP

#: A server that takes the request, names a process if it is to, and goes away. CODE comes after.
CODE = """
import json, os, signal, socket, subprocess, sys, threading, time
from pathlib import Path
from xsar_batch.conversion.forkserver import VARIABLE, client
from xsar_batch.conversion.watchdog import Watch

place = Path(sys.argv[1])
os.environ[VARIABLE] = str(place)
place.mkdir(mode=0o700)
(place / "1").mkdir()
listener = socket.socket(socket.AF_UNIX)
listener.bind(str(place / "1" / "socket"))
listener.listen()

def serve():
    connection, _ = listener.accept()
    length = int.from_bytes(connection.recv(8), "big")
    while length > 0:
        length -= len(connection.recv(length))
    BODY
    connection.close()
    AFTER

threading.Thread(target=serve, daemon=True).start()
begin = time.monotonic()
print(client._ask(Watch(["--threads", "1"])), time.monotonic() - begin)
"""
NAME = """conversion = subprocess.Popen(["sleep", "60"])
    connection.sendall(json.dumps({"process": conversion.pid}).encode() + b"\\n")"""
STOP = "os.kill(os.getpid(), signal.SIGTERM)"


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """``ask(body, after)``: how a process ends whose server does that; the exit code and text."""
    monkeypatch.delenv(forkserver.VARIABLE, raising=False)

    def run(body: str, after: str):
        code = CODE.replace("BODY", body).replace("AFTER", after)
        return python(code, tmp_path / "place")

    return run


def test_stopped_a_moment_after_the_server_it_is_not_converted_again(ask):
    """PBS tells all processes of a job at once, one after the other."""
    ran = ask(NAME, f"time.sleep(0.3); {STOP}")
    assert ran.code == 0
    answer, seconds = ran.out.split()
    assert int(answer) == 128 + signal.SIGTERM
    # It does not wait longer than until it is told.
    assert 0.3 <= float(seconds) < 0.3 + WAIT_FOR_STOP / 2


def test_stopped_before_the_conversion_began_it_ends_by_the_signal(ask):
    ran = ask("pass", f"time.sleep(0.2); {STOP}")
    assert ran.code == -signal.SIGTERM
    assert "imported anew" not in ran.out


def test_server_that_goes_away_alone_leaves_the_conversion_to_who_asked(ask):
    ran = ask(NAME, "conversion.kill()")
    said, answer = ran.out.splitlines()
    assert said == "the warm interpreter went away: xsar is imported anew"
    assert answer.split()[0] == "None"
    assert float(answer.split()[1]) >= WAIT_FOR_STOP
