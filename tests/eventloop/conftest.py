from collections.abc import Iterator

import pytest

from course_lib.eventloop import Loop
from course_lib.eventloop.fake_time import FakeTime
from tests.helpers import nothing_left


class FakedLoop(Loop):
    """A loop whose clock jumps. ``reported`` is what it was told to report, ``rounds`` how often it ran."""

    def __init__(self) -> None:
        faketime = FakeTime()
        super().__init__(faketime, faketime.clock)
        self.reported: list[BaseException] = []
        self.on_error = self.reported.append
        self.rounds = 0

    def run_once(self, timeout: float | None = None) -> None:
        self.rounds += 1
        assert self.rounds < 10_000, "it spins"
        super().run_once(timeout)


@pytest.fixture
def loop() -> Iterator[FakedLoop]:
    """A test that expects errors to be reported takes them out of ``reported``."""
    with nothing_left():
        loop = FakedLoop()
        yield loop
        loop.close()
    assert loop.reported == []
    assert not loop.tasks
