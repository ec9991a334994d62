"""Ending PBS jobs when the run is cancelled.

OpenPBS 23.06 notices within 1.5 s that a job has ended by itself, but takes up to 12 s when qdel
has killed it. So jobs that run are asked to end (the request is in their folder), and are deleted
only if they do not.
"""

from collections.abc import Callable, Sequence

from .commands import Commands

#: Seconds in which jobs that run may end by themselves.
BY_THEMSELVES = 5.0

#: Seconds between two looks.
TICK = 0.5

#: Seconds that qstat may take here: a server that is slower is told to delete everything.
TIMEOUT = 3.0


def end_all(
    ids: Sequence[str],
    server: Commands,
    within: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> tuple[list[str], str]:
    """End PBS jobs that were asked to stop. Returns ids that may be left after so many seconds, and
    why."""
    begin, left = clock(), list(ids)
    deleted: set[str] = set()
    while left:
        answer = server.qstat(left, timeout=TIMEOUT)
        ended = {i for i in left if i in answer.jobs and answer.jobs[i].is_over}
        left = [i for i in left if i not in ended | answer.gone]
        elapsed = clock() - begin
        runs = {i for i in left if i in answer.jobs and not answer.jobs[i].is_waiting}
        patient = runs if elapsed < min(BY_THEMSELVES, within) else set()
        if to_delete := [i for i in left if i not in deleted | patient]:
            deleted |= set(to_delete)
            if problem := server.qdel(to_delete, timeout=within):
                return left, problem
        elif left and elapsed >= within:
            break
        if left:
            sleep(TICK)
    return left, "they take their time to end"
