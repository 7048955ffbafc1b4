"""A stepper without widgets: a reactor that is built, driven, and built anew, and clients beside it.

Read drive.py, state.py and ../hand_clients.py first. Next: board.py.
"""

import threading

from course_lib.lab.hand_clients import HandClients
from course_lib.lab.stepper.drive import Build, Drive
from course_lib.servers.base import Address

SPEEDS = {"slow": 2.0, "walking": 0.7, "quick": 0.2, "as fast as it can": 0.0}
"""Seconds between two rounds, by what the slider says."""


class Session:
    """All methods may be called from any thread."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.clients = HandClients()
        self.speed = "walking"
        self._life = threading.RLock()
        self._over = False
        self.drive = Drive(build, self.clients.name_of)

    @property
    def address(self) -> Address | None:
        """Where the clients connect to; None where ``build`` has not said it."""
        return None if self._over else self.drive.address

    def step(self) -> int:
        """Ask for one round; return its number."""
        return self.drive.step()

    def run(self) -> None:
        """Run round after round, at the speed that is set."""
        self.drive.run(SPEEDS[self.speed])

    def pause(self) -> None:
        self.drive.pause()

    def set_speed(self, speed: str) -> None:
        """Raises KeyError for a speed that is none."""
        SPEEDS[speed]
        self.speed = speed
        if self.drive.running:
            self.run()

    def reset(self) -> None:
        """End it all, and build it anew."""
        with self._life:
            self._end()
            self._over = False
            self.drive = Drive(self.build, self.clients.name_of)

    def end(self) -> None:
        """Leave no thread and no socket behind. Any number of times."""
        with self._life:
            self._over = True
            self._end()

    def _end(self) -> None:
        self.drive.end()
        self.clients.clear()
