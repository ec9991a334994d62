"""Ends PBS jobs when the run is cancelled.

OpenPBS 23.06 notices within 1.5 s that a job has ended by itself, but takes up to 12 s when qdel
has killed it. So jobs that run are asked to end (the request is in their folder), and are deleted
only if they do not.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

from .commands import Commands
from .running import Running

#: Seconds within which Ctrl-C has ended everything, or says what is left to do.
WITHIN = 9.0

#: Seconds in which jobs that run may end by themselves.
BY_THEMSELVES = 5.0

#: Seconds between two looks.
TICK = 0.5

#: Seconds that qstat may take here: a server that is slower is told to delete everything.
TIMEOUT = 3.0


def end_all(
    left: Sequence[Running],
    server: Commands,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """End PBS jobs. Returns a warning of those that may be left after `WITHIN` seconds; empty if
    none is."""
    for one in left:
        # Where qdel does not reach a job, it neither begins nor goes on.
        with suppress(OSError):
            one.folder.revoke()
        one.folder.stop()
    ids = [one.id for one in left if one.id]
    if not ids:
        return ""
    server.ask_again()
    ids, problem = _end(ids, server, clock, sleep)
    for one in left:
        one.is_over = one.id not in ids
    if not ids:
        return ""
    return (
        f"PBS jobs may be left ({problem}). "
        f"They stop by themselves; to be sure:  qdel {' '.join(ids)}"
    )


def _end(
    ids: Sequence[str],
    server: Commands,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> tuple[list[str], str]:
    """End PBS jobs that were asked to stop. Returns ids that may be left, and why."""
    begin, left = clock(), list(ids)
    deleted: set[str] = set()
    while left:
        answer = server.qstat(left, timeout=TIMEOUT)
        ended = {i for i in left if i in answer.jobs and answer.jobs[i].is_over}
        left = [i for i in left if i not in ended | answer.gone]
        elapsed = clock() - begin
        runs = {i for i in left if i in answer.jobs and not answer.jobs[i].is_waiting}
        patient = runs if elapsed < min(BY_THEMSELVES, WITHIN) else set()
        if to_delete := [i for i in left if i not in deleted | patient]:
            deleted |= set(to_delete)
            if problem := server.qdel(to_delete, timeout=WITHIN):
                return left, problem
        elif left and elapsed >= WITHIN:
            break
        if left:
            sleep(TICK)
    return left, "they take their time to end"
