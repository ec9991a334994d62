"""Nodes on which PBS jobs end before they begin: no Python there, no shared disk, a full /tmp."""

from dataclasses import dataclass, field

from .backoff import Backoff

#: So many PBS jobs in a row that never began end the run, if no other one runs.
MOST = 5


@dataclass
class BrokenNodes:
    """Counts PBS jobs that never began, and the pauses that follow.

    A broken node is free again at once, so it would eat all that waits. Its jobs are not at fault
    and go again, but after growing pauses, in which other nodes become free.
    """

    pause: Backoff = field(default_factory=Backoff)
    in_a_row: int = 0
    _hosts: dict[str, int] = field(default_factory=dict)
    _reason: str = ""

    def failed(self, host: str, reason: str, now: float) -> bool:
        """Count one; True if this host is news."""
        host = host or "an unknown host"
        self.in_a_row += 1
        self._reason = reason
        self._hosts[host] = self._hosts.get(host, 0) + 1
        self.pause.failed(now)
        return self._hosts[host] == 1

    def worked(self) -> None:
        """A PBS job has begun: not all nodes are broken."""
        self.in_a_row = 0
        self.pause.worked()

    @property
    def why_to_end(self) -> str:
        """Why the run ends; empty as long as it need not."""
        if self.in_a_row < MOST:
            return ""
        hosts = ", ".join(f"{host} ({count} times)" for host, count in self._hosts.items())
        return (
            f"{self.in_a_row} PBS jobs in a row ended before their Python began, on {hosts}: "
            f"{self._reason}. No job has failed for it. Check that Python and the working "
            "directory are there on the nodes, or ask the site about them; then repeat the command"
        )
