"""The parent's side of load_main.py: commands to the load's process, and what it found.

Read load_main.py and ../child_process.py first. Next: peers.py.
"""

from dataclasses import dataclass
from typing import Any

from course_lib.lab.bench.echo_load import PATIENCE, Failed
from course_lib.lab.child_process import ChildProcess, last_words

NET = 20.0
"""Seconds beyond which the load's process itself must be broken. It has limits of its own."""


@dataclass
class Measurement:
    """One round of one server. Times in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    slowest: float
    server_cpu: float
    load_cpu: float
    load_queued: float
    """For so long the load was ready to run and had no processor."""

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_per_request(self) -> float:
        """Seconds of the server's CPU time."""
        return self.server_cpu / self.requests

    @property
    def server_busy(self) -> float:
        """CPU time for each second that passed."""
        return self.server_cpu / self.seconds

    @property
    def load_busy(self) -> float:
        return self.load_cpu / self.seconds


class LoadBroken(Exception):
    """The load's process has died or hangs; no server is to blame."""


class Load(ChildProcess):
    def __init__(self) -> None:
        super().__init__("course_lib.lab.bench.load_main")

    def measure(self, seconds: float, connections: int, idle: int, **details: Any) -> Measurement:
        """Raises Failed where the server does not do what it should."""
        limit = connecting_limit(connections + idle)
        return Measurement(
            **self._ask(
                "measure",
                2 * limit + 2 * seconds + 3 * PATIENCE,
                seconds=seconds,
                connections=connections,
                idle=idle,
                limit=limit,
                **details,
            )
        )

    def hold(self, address: tuple[str, int], count: int, size: int) -> None:
        """Hold so many connections open, until ``release``. Raises Failed."""
        limit = connecting_limit(count)
        self._ask("hold", limit, address=address, count=count, size=size, limit=limit)

    def release(self) -> None:
        self._ask("release", 0.0)

    def _ask(self, command: str, allowed: float, **details: Any) -> dict[str, Any]:
        self._say(do=command, **details)
        answer = self._wait("done", allowed + NET)
        if answer is None:
            words = last_words(self.printed(), 1) or f"no word within {allowed + NET:g} s"
            raise LoadBroken(f"the load's own process is broken: {words}")
        del answer["event"]
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer


def connecting_limit(count: int) -> float:
    """Return how many seconds ``count`` connections may take to be made: 5 ms each, and some to spare."""
    return 5.0 + 0.005 * count
