"""One server that takes part: it is started, watched, measured, and ended when it is wrong.

Read load.py and entrants.py first. Next: rounds.py.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psutil

from course_lib.lab.bench.cpu_clock import CpuClock
from course_lib.lab.bench.echo_load import Failed
from course_lib.lab.bench.entrants import Entrant, PythonServer
from course_lib.lab.bench.load import Load, Measurement
from course_lib.lab.bench.pinning import Places, pin
from course_lib.lab.bench.program import Program
from course_lib.lab.bench.settings import Settings
from course_lib.lab.gauntlet.child import ChildError
from course_lib.lab.gauntlet.target import SPIN

LOOK = 0.1
"""Seconds for which a server without work is watched: does it sleep?"""

STILL = 0.02
"""Seconds without work after which a server is done with what was left to do."""

SETTLE_LIMIT = 10.0
"""Seconds that it may take for that."""

DEATH = 0.5
"""Seconds that a process may take to end, once its connections have broken."""


@dataclass
class Row:
    """One server at one number of connections. ``skipped`` or ``failed`` says why there is no result."""

    server: str
    connections: int
    rounds: list[Measurement] = field(default_factory=list)
    skipped: str = ""
    failed: str = ""
    spins: bool = False
    """It keeps its processor busy when it has nothing to do."""

    @property
    def measured(self) -> bool:
        return bool(self.rounds) and not self.failed


class Runner:
    """A server that takes part, and its row."""

    def __init__(self, entrant: Entrant, row: Row, stack: ExitStack) -> None:
        assert entrant.make is not None
        self.row = row
        self.end = stack.enter_context(ExitStack())
        self.server: PythonServer | Program = self.end.enter_context(entrant.make())

    def start(self, load: Load, settings: Settings, places: Places | None) -> None:
        """Start it, and let a first client come and go. Raises Failed, ChildError."""
        self.address = self.server.start()
        if places:
            pin(self.server.process.pid, places.server)
        # A process pays for some things once, and for some until its first client has left: glibc gives
        # large blocks back to the kernel at once, and takes new ones, until it has seen that they come again.
        load.hold(self.address, 1, settings.size)
        load.release()
        self.pids = [
            self.server.process.pid,
            *(each.pid for each in self.server.process.children(recursive=True)),
        ]

    def look(self) -> None:
        """Suspend it if it does not sleep although it has no client."""
        clock, start = CpuClock(self.pids), time.monotonic()
        before = clock.read()
        time.sleep(LOOK)
        self.row.spins = (clock.read() - before) / (time.monotonic() - start) > SPIN
        self.suspend()

    def suspend(self) -> None:
        if self.row.spins:
            for pid in self.pids:
                psutil.Process(pid).suspend()

    def resume(self) -> None:
        if self.row.spins:
            for pid in self.pids:
                psutil.Process(pid).resume()

    def measure(self, load: Load, settings: Settings) -> None:
        """Measure one round. Raises Failed."""
        self.resume()
        found = load.measure(
            settings.seconds,
            self.row.connections,
            settings.idle,
            address=self.address,
            pids=self.pids,
            size=settings.size,
        )
        self.settle()
        self.suspend()
        self.row.rounds.append(found)

    def settle(self) -> None:
        """Let it close its side of all the connections, which must not happen in the next one's turn."""
        clock, end = CpuClock(self.pids), time.monotonic() + SETTLE_LIMIT
        before = clock.read()
        while not self.row.spins and time.monotonic() < end:
            time.sleep(STILL)
            now = clock.read()
            if now - before < SPIN * STILL:
                return
            before = now

    def attempt(self, act: Callable[..., object], *arguments: Any) -> None:
        """Do something with the server; note in its row what goes wrong, and end it."""
        try:
            act(*arguments)
        except (Failed, ChildError) as error:
            gone = self.server.why_gone(DEATH)
            self.row.failed = str(error) if not gone or gone in str(error) else f"{error}: {gone}"
        except psutil.NoSuchProcess:
            self.row.failed = self.server.why_gone(DEATH) or "its process has ended"
        if self.row.failed:
            self.end.close()  # now, or it might disturb the others
