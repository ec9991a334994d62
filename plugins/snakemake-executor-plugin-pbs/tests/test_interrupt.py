"""Ctrl-C that Snakemake swallows: it is sent again. With real signals to a process of its own."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from processes import TIMEOUT, environment
from snakemake_executor_plugin_pbs.interrupt import Interrupt

#: The main thread is deaf for a while, as Snakemake's is that writes a log message.
DEAF = """
import sys, threading, time
from snakemake_executor_plugin_pbs.interrupt import Interrupt

interrupt = Interrupt()
heard = threading.Event()

def repeat():
    while not heard.is_set():
        time.sleep(0.1)
        interrupt.repeat(is_heard=heard.is_set())

threading.Thread(target=repeat, daemon=True).start()
try:
    print("ready", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("swallowed", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("heard", flush=True)
    heard.set()
    interrupt.ignore()
    print("deleting", flush=True)
    time.sleep(1.5)
    interrupt.restore()
try:
    print("done", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("as before", flush=True)
"""


def test_it_is_sent_again_until_it_is_heard():
    command = [sys.executable, "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as process:
        lines = iter(process.stdout.readline, "")
        assert next(lines) == "ready\n"
        process.send_signal(signal.SIGINT)
        assert next(lines) == "swallowed\n"
        # Nobody presses the key again.
        assert next(lines) == "heard\n"
        assert next(lines) == "deleting\n"
        process.send_signal(signal.SIGINT)
        assert next(lines) == "done\n"
        process.send_signal(signal.SIGINT)
        assert next(lines) == "as before\n"
        assert process.wait(TIMEOUT) == 0


def test_nothing_is_sent_where_nothing_came():
    interrupt = Interrupt()
    try:
        for _ in range(20):
            interrupt.repeat(is_heard=False)
        time.sleep(0.1)
    finally:
        interrupt.restore()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_raises_at_once_as_usual():
    interrupt = Interrupt()
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        interrupt.restore()


def test_in_another_thread_nothing_is_done_and_nothing_breaks():
    usual = signal.getsignal(signal.SIGINT)
    done = []

    def use():
        interrupt = Interrupt()
        interrupt.repeat(is_heard=False)
        interrupt.ignore()
        interrupt.restore()
        done.append(True)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert done == [True]
    assert signal.getsignal(signal.SIGINT) is usual
