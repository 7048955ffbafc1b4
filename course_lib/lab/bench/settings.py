"""How to measure: the knobs, checked before anything is started.

Read entrants.py first. Next: memory.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from course_lib.lab.bench.echo_load import LARGEST
from course_lib.lab.bench.entrants import BenchError
from course_lib.lab.descriptor_room import room_for
from course_lib.lab.machine import descriptor_limits

SPARE = 100
"""Descriptors that a process has open beside its connections."""


@dataclass(frozen=True)
class Settings:
    """``seconds`` is the time that one round of one server is measured; ``size`` is in bytes."""

    connections: tuple[int, ...] = (1, 100, 1000)
    idle: int = 0
    seconds: float = 2.0
    rounds: int = 3
    size: int = 1024

    def __post_init__(self) -> None:
        """Raises BenchError for what cannot be meant."""
        if not self.connections or min(self.connections) < 1:
            raise BenchError("connections are numbers from 1 up, such as 1,100,1000")
        if self.idle < 0:
            raise BenchError(f"there cannot be {self.idle} idle connections")
        if not 0.01 <= self.seconds <= 3600:
            raise BenchError(f"a round lasts from 0.01 to 3600 seconds, not {self.seconds:g}")
        if self.rounds < 1:
            raise BenchError(f"there must be at least one round, not {self.rounds}")
        if not 1 <= self.size <= LARGEST:
            raise BenchError(f"a message has from 1 to {LARGEST} bytes, not {self.size}")

    @property
    def most(self) -> int:
        """The most connections that are open at the same time."""
        return max(self.connections) + self.idle


@contextmanager
def room(connections: int) -> Iterator[None]:
    """Let this process, and those that it starts, have so many connections. Raises BenchError."""
    need = connections + SPARE
    limits = descriptor_limits()
    with room_for(need) as enough:
        if not enough and limits is not None:
            soft, hard = limits
            # Only an administrator may go beyond the hard limit.
            how = f"raise it with `ulimit -n {need}`" if hard < 0 or hard > need else hard_limit(hard, need)
            raise BenchError(f"{connections} connections need {need} descriptors, the limit is {soft}: {how}")
        yield


def hard_limit(hard: int, need: int) -> str:
    return (
        f"the hard limit is {hard} (`ulimit -Hn`); an administrator can raise it to {need}, or ask for fewer"
    )
