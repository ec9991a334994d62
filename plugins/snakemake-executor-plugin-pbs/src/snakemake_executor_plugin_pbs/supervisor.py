"""What a PBS job runs: ``python -m snakemake_executor_plugin_pbs.supervisor FOLDER``.

It starts one Snakemake for all jobs of the pack and outlives it: when Snakemake is killed, those
that it had begun have failed and the others get a new Snakemake; when it cannot even begin, each
job gets one of its own, so that the one at fault is alone.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from . import inside
from .folder import NO_FOLDER, Folder, Pack, Task, Use
from .limits import Limits, Watchdog
from .processes import descendants, is_alive, of_jobs, signal_all

#: Seconds between looks at limits, and between signs of life.
TICK = 1.0
BEAT = 15.0

#: Seconds that running jobs have after SIGTERM. PBS waits for 10 before it kills.
GRACE = 3.0

#: Who asks by a file in the folder to stop.
MAIN_PROCESS = "Snakemake's main process"

#: Signals that end the PBS job.
STOPS = frozenset({signal.SIGTERM, signal.SIGINT})

#: prctl: what is orphaned below this process becomes its child.
_PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    """Runs one pack to its end."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.pack: Pack = folder.pack()
        memory = (of_pbs and of_pbs * 2**20 for of_pbs in (self.pack.mem_mb, self.pack.asked_mb))
        self.watchdog = Watchdog(Limits(self.pack.runtime, *memory), beside=[psutil.Process()])
        self.stopped = ""
        self._next_beat = 0.0
        self._began = time.monotonic()

    def run(self) -> int:
        """Returns the exit code of the PBS job: 0 if all jobs went well."""
        todo = dict(enumerate(self.pack.tasks))
        self._import_snakemake()
        try:
            if self.pack.is_group:
                self._group(todo)
            else:
                self._singles(todo)
        finally:
            self.folder.tell("over", stopped=self.stopped, use=asdict(self._use()))
            self.folder.flush()
        if self.stopped:
            return 128 + signal.SIGTERM
        return int(bool(self.folder.read().failed))

    def _use(self) -> Use:
        """What has been used so far; by what is left behind, such as a fork server, too."""
        own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        cpu_seconds = sum(u.ru_utime + u.ru_stime for u in (own, children))
        for process in descendants(psutil.Process()):
            with suppress(psutil.Error):
                used = process.cpu_times()
                cpu_seconds += used.user + used.system
                cpu_seconds += used.children_user + used.children_system
        return Use(
            seconds=round(time.monotonic() - self._began, 3),
            cpu_seconds=round(cpu_seconds, 2),
            # The own one begins with the size of the process that started this one.
            largest_mb=round(children.ru_maxrss / 1024),
            together_mb=round(self.watchdog.largest_memory / 2**20),
        )

    def _import_snakemake(self) -> None:
        """Import Snakemake before the first fork: a second one of this pack then starts at once.

        On a busy parallel file system that takes a minute: a stop is heard meanwhile. Afterwards
        the signals are blocked, and waited for.
        """

        def look(number: int, frame: object) -> None:
            if number == signal.SIGALRM and not self.folder.is_to_stop:
                return
            self._set_stopped(MAIN_PROCESS if number == signal.SIGALRM else "SIGTERM")
            self.folder.tell("over", stopped=self.stopped)
            os._exit(128 + signal.SIGTERM)

        before = {number: signal.signal(number, look) for number in (*STOPS, signal.SIGALRM)}
        signal.setitimer(signal.ITIMER_REAL, TICK / 2, TICK / 2)
        import snakemake.cli

        assert snakemake.cli
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {*STOPS, signal.SIGCHLD})
        for number, handler in before.items():
            signal.signal(number, handler)

    def _group(self, todo: dict[int, Task]) -> None:
        """A group job has one end: that of its Snakemake."""
        self.folder.tell("started", 0)
        code = self._snakemake(todo)
        self.folder.tell("failed" if code else "done", 0, why=_ending(code))

    def _singles(self, todo: dict[int, Task]) -> None:
        while todo and not self.stopped:
            code = self._snakemake(todo)
            events = self.folder.read()
            begun = {n for n in todo if n in events.started}
            ended = {*events.done, *events.failed, *events.killed}
            for number in begun - ended:
                # Killed with its Snakemake, or its outputs are not there: Snakemake logs no event.
                self.folder.tell("failed", number, why=_ending(code))
            if not begun and not self.stopped:
                if len(todo) > 1:
                    for number, task in todo.items():
                        self._singles({number: task})
                else:
                    self.folder.tell("failed", next(iter(todo)), why=_ending(code))
                return
            todo = {n: task for n, task in todo.items() if n not in begun}

    def _snakemake(self, tasks: dict[int, Task]) -> int:
        """Run one Snakemake to its end; returns its exit code, negative for a signal."""
        if signal.sigpending() & STOPS:
            self._set_stopped("SIGTERM")
            return -signal.SIGTERM
        if self.folder.is_to_stop:
            self._set_stopped(MAIN_PROCESS)
            return -signal.SIGTERM
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _be_snakemake(self.folder, tasks, self.pack, {*STOPS, signal.SIGCHLD})
        process = psutil.Process(child)
        while True:
            got = signal.sigtimedwait({*STOPS, signal.SIGCHLD}, TICK)
            is_told = got is not None and got.si_signo in STOPS
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                # PBS tells all processes at once: our turn may come a moment later.
                if is_told or (
                    code == -signal.SIGTERM and signal.sigtimedwait({signal.SIGTERM}, 0.5)
                ):
                    self._set_stopped("SIGTERM")
                if code < 0:
                    _end_orphans()
                return code
            if is_told:
                return self._stop(process, "SIGTERM")
            self._look_after(process)
            if self.folder.is_to_stop:
                return self._stop(process, MAIN_PROCESS)

    def _look_after(self, process: psutil.Process) -> None:
        if time.monotonic() > self._next_beat:
            self._next_beat = time.monotonic() + BEAT
            # On a full disk nobody shall be killed for that.
            with suppress(OSError):
                self.folder.beat()
        for number, limit in self.watchdog.look(process, of_jobs(process)):
            self.folder.tell("breach", number, limit=limit)

    def _set_stopped(self, by: str) -> None:
        self.stopped = by
        self.folder.tell("stopped", by=by)

    def _stop(self, process: psutil.Process, by: str) -> int:
        """End all that runs: the jobs politely, then everything."""
        self._set_stopped(by)
        jobs = descendants(process)
        # Who deletes a PBS job sends SIGTERM to all its processes: a second one would disturb them.
        if by == "SIGTERM":
            _wait_for(jobs, 0.5)
        # Snakemake too, so that it begins no others.
        signal_all([process, *jobs], signal.SIGTERM)
        _wait_for(jobs, GRACE)
        signal_all([*descendants(process), process, *jobs], signal.SIGKILL)
        _, status = os.waitpid(process.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _be_snakemake(
    folder: Folder, tasks: dict[int, Task], pack: Pack, blocked: Iterable[int]
) -> None:
    """The child: never returns."""
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        os.setpgid(0, 0)
        code = inside.run(folder, tasks, pack.arguments, pack.cores)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait_for(processes: Iterable[psutil.Process], seconds: float) -> None:
    until = time.monotonic() + seconds
    while any(map(is_alive, processes)) and time.monotonic() < until:
        time.sleep(0.05)


def _end_orphans() -> None:
    """End what a killed Snakemake has left running: its jobs are done again."""
    left = psutil.Process().children(recursive=True)
    signal_all(left, signal.SIGTERM)
    _, alive = psutil.wait_procs(left, GRACE)
    signal_all(alive, signal.SIGKILL)


def _ending(code: int) -> str:
    if code < 0:
        return f"Snakemake in the PBS job was killed by signal {-code}"
    return f"Snakemake in the PBS job ended with exit code {code} and said no more of it"


def _is_begun_again(folder: Folder, job: str) -> bool:
    """Whether PBS begins this PBS job a second time (qrerun, preemption): its processes were
    killed, and what they had not finished is submitted anew."""
    return bool(job) and (folder.claim() or {}).get("id") == job


def main(path: str) -> int:
    folder = Folder(Path(path))
    job = os.environ.get("PBS_JOBID", "")
    if not folder.path.is_dir():
        print(f"{folder.path} is not there on {socket.gethostname()}", file=sys.stderr)
        return NO_FOLDER
    if not folder.take(id=job, host=socket.gethostname(), pid=os.getpid()):
        if _is_begun_again(folder, job):
            folder.tell("stopped", by="a requeue")
            folder.tell("over", stopped="a requeue")
        # Or Snakemake has given it up.
        print("another process has claimed this pack: nothing to do", file=sys.stderr)
        return 0
    folder.tell("began", host=socket.gethostname())
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = Supervisor(folder)
    log = Path(supervisor.pack.log)
    with suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    names = f"{supervisor.pack.name}, {job or 'no PBS job'} on {socket.gethostname()}"
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {names}: {len(supervisor.pack.tasks)} jobs")
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
