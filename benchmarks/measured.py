"""Run a command and tell what it cost, with all that it started: ``python -m benchmarks.measured``.

Jobs of a batch system and servers are no children of the command. This process adopts what loses
its parent (``PR_SET_CHILD_SUBREAPER``), waits for all of it, and so knows the CPU of all of it.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def main(result: str, *command: str) -> int:
    """Write CPU seconds (user and system) and wall seconds to ``result``."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    begin = time.monotonic()
    process = subprocess.Popen(command)
    code = process.wait()
    wall = time.monotonic() - begin
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "code": code}
    Path(result).write_text(json.dumps(cost))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
