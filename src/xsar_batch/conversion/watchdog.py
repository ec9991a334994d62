"""The conversion of one SAFE as seen by who waits for it: signals, a limit of time, the last word.

Snakemake limits no job on the machine that it runs on, and a read from a mount that hangs never
comes back. So the process that Snakemake waits for touches nothing of the SAFE. Another one does
(a fork of this one, or of the warm interpreter), which is told when its time is over, then killed,
and left alone if not even that ends it: a process that waits for a disk cannot be killed. Of one
that could not say how it ended, the outcome is written here.

It imports next to nothing: this is what Snakemake starts for each SAFE.
"""

import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from xsar_batch.system.process import is_orphaned

# As in typing, whose import would cost each client a few milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from xsar_batch.failures import Failure

#: Signals that somebody may send to a conversion.
FORWARDED = tuple(
    getattr(signal, f"SIG{name}") for name in ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2")
)

#: Share of the limit after which a conversion is ended: before PBS or its supervisor ends it, since
#: they do not say what was at fault.
SHARE = 0.98

#: Seconds between two looks whether anybody waits for the end.
LOOK_EVERY = 1.0

#: Seconds to clean up after the first signal, and to be gone after the second.
GRACE = 10.0
GONE = 5.0

#: prctl: the signal that a process gets when its parent dies.
_PR_SET_PDEATHSIG = 1


class Watch:
    """Sees one conversion to its end. ``words`` are the arguments of its command."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self.minutes = float(self._option("--minutes", "0"))
        self._began = time.monotonic()
        self._process = 0
        self._waiting: list[int] = []
        self._told = 0

    def _option(self, name: str, default: str) -> str:
        return self.words[self.words.index(name) + 1] if name in self.words else default

    @property
    def threads(self) -> int:
        """Threads of the conversion."""
        return int(self._option("--threads", "1"))

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float | None:
        """Seconds until the time is over; None without a limit."""
        return max(self.minutes * 60 * SHARE - self.seconds, 0) if self.minutes else None

    @property
    def until_next_look(self) -> float:
        """Seconds until the next look whether it is over, or nobody waits for it."""
        return LOOK_EVERY if self.left is None else min(LOOK_EVERY, self.left)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return self.left == 0

    # -- signals ----------------------------------------------------------------------------

    def hand_on_signals(self) -> None:
        """From now on signals are for the conversion, even before it is there."""
        for number in FORWARDED:
            signal.signal(number, self._hand_on)

    def keep_signals(self) -> None:
        """They are for this process again, and those that came too."""
        for number in FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._waiting:
            os.kill(os.getpid(), self._waiting[0])

    def is_of(self, process: int) -> None:
        """The conversion has begun: this is its process."""
        self._process = process
        for number in self._waiting:
            self._hand_on(number, None)

    def _hand_on(self, number: int, frame: object) -> None:
        if self._process:
            self._told = number
            self._send(number)
        else:
            self._waiting.append(number)

    def stopped_by(self, seconds: float) -> int:
        """The signal by which this conversion was stopped, waited for so many seconds; 0 if none
        came. What was stopped is not to be converted a second time."""
        until = time.monotonic() + seconds
        while not (number := self._told or next(iter(self._waiting), 0)):
            if time.monotonic() > until:
                return 0
            time.sleep(0.02)
        return number

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._process, number)

    # -- the end ----------------------------------------------------------------------------

    def wait_for_end(self, wait: Callable[[float], int | None]) -> int:
        """Wait for the end; returns the exit code, or ends in the same way if a signal ended it.

        ``wait(seconds)`` returns the status of the process as `os.waitpid` has it, None if it has
        not ended by then. Whatever it raises goes on to who calls.
        """
        while (status := wait(self.until_next_look)) is None:
            if is_orphaned():
                self._end_it(wait, signal.SIGTERM)
                return 128 + signal.SIGTERM
            if self.is_over:
                # It may end just in time.
                is_done = self._end_it(wait, signal.SIGALRM) == 0
                return 0 if is_done else self.time_over()
        code = os.waitstatus_to_exitcode(status)
        if code < 0 and not self._told:
            self.say(killed(-code))
        return _end_as(code)

    def _end_it(self, wait: Callable[[float], int | None], first: int) -> int | None:
        """Politely, and then not; returns its status, None if it could not be ended."""
        with suppress(OSError, ValueError, EOFError):
            for number, seconds in ((first, GRACE), (signal.SIGKILL, GONE)):
                self._send(number)
                if (status := wait(seconds)) is not None:
                    return status
        return None

    def time_over(self) -> int:
        """Say that the time was over; returns the exit code of that."""
        from xsar_batch.failures import TimedOut

        failure = TimedOut(time_out(self.minutes))
        self.say(failure)
        return failure.exit_code

    def say(self, failure: "Failure") -> None:
        """The last word on a conversion that has not said it itself: outcome, log and stderr."""
        with suppress(Exception):
            from xsar_batch.conversion import command, job_table, outcome
            from xsar_batch.conversion.layout import Layout

            file, name = command.run_and_name(self.words)
            known, safe = job_table.read(file, name)
            layout = Layout(Path(known["output_dir"]))
            about = {"safe": safe, "run": known.get("run"), "threads": self.threads}
            line = outcome.end_of(
                layout.outcome(name), name, self._process, failure, self.seconds, **about
            )
            if line:
                print(f"{name}: {line}", file=sys.stderr, flush=True)
                with layout.log(name).open("a") as log:
                    print(line, file=log)


def time_out(minutes: float) -> str:
    """What is said of a conversion that took too long."""
    return (
        f"not done after {minutes:g} minutes: the place of the SAFE or of the products hangs, or "
        "the machine is overloaded; the next attempt has more time"
    )


def killed(number: int) -> "Failure":
    """What is said of a conversion that was ended by a signal."""
    from xsar_batch.failures import Killed

    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        why = f"{name} ended it, most often sent as memory ran out; the next attempt asks for more"
    else:
        why = f"{name} ended it: a library crashed"
    failure = Killed(why)
    failure.exit_code = 128 + number
    return failure


# -- the conversion itself --------------------------------------------------------------------


def in_a_fork(watch: Watch) -> int:
    """Convert in a fork of this process, and wait for it; returns the exit code."""
    reader, writer = os.pipe()
    watch.hand_on_signals()
    parent = os.getpid()
    process = os.fork()
    if process == 0:
        os.close(reader)
        # Ctrl-C in a terminal is for the parent, which hands it on.
        os.setpgid(0, 0)
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        convert(watch.words)
    # It is closed in the moment in which the last process that has it ends.
    os.close(writer)
    watch.is_of(process)

    def wait(seconds: float) -> int | None:
        ready, _, _ = select.select([reader], [], [], seconds)
        return os.waitpid(process, 0)[1] if ready else None

    return watch.wait_for_end(wait)


def die_with_parent() -> None:
    """No conversion goes on that nobody waits for; and signals mean what they usually mean."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (*FORWARDED, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def convert(words: Sequence[str]) -> "NoReturn":
    """Be the conversion, in a process that is there for nothing else."""
    code = 1
    try:
        from xsar_batch.conversion import command

        code = command.main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _end_as(code: int) -> int:
    """The exit code; or, if a signal has ended the conversion, end in the same way."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code
