"""Trying again, less and less often."""

from dataclasses import dataclass

#: Seconds until the next try when the server is away or a limit is reached: first and longest.
BACKOFF = (5.0, 300.0)


@dataclass
class Backoff:
    """When to try again what did not work: at growing intervals."""

    not_before: float = float("-inf")
    _wait: float = 0.0

    def failed(self, now: float) -> bool:
        """Wait longer; True the first time."""
        is_first = not self._wait
        self._wait = min(2 * self._wait or BACKOFF[0], BACKOFF[1])
        self.not_before = now + self._wait
        return is_first

    def worked(self) -> bool:
        """Forget about it; True if it had failed before."""
        had_failed, self._wait, self.not_before = bool(self._wait), 0.0, float("-inf")
        return had_failed
