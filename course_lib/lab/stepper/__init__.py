"""A reactor under buttons: one click is one ``run_once``, and all that happens in it is told.

    stepper()           an echo server and a heartbeat, with buttons, in JupyterLab
    stepper(build)      what ``build(reactor)`` sets up; if it returns an address, clients can be opened
    stepper(build)      the reactor is a loop too: what ``build`` spawns on it is told as tasks
    stepper().step()    one round, told in words

A stepper is kept by its name: the next one ends its predecessor, and nothing is left of that.

Read ../../eventloop/reactor.py first (and loop.py, for tasks), then task_names.py.
"""

from collections.abc import Callable
from typing import Any

from course_lib.eventloop import Loop, Reactor
from course_lib.lab.hand_client import HandClient
from course_lib.lab.named import ByName, Shown
from course_lib.lab.stepper.drive import Drive
from course_lib.lab.stepper.example import echo_and_heartbeat
from course_lib.lab.stepper.rounds import Round
from course_lib.lab.stepper.session import Session
from course_lib.lab.stepper.state import State, state_of
from course_lib.servers.base import Address

__all__ = ["Round", "TheStepper", "stepper"]

STEP_SECONDS = 8.0
"""So long ``step`` waits for the end of its round."""

HOW = """\
The buttons step, run, pause and reset are shown in JupyterLab, when this cell is run there.
Without them, step() runs one round and tells it."""


class TheStepper(Shown):
    """What ``stepper`` returns. Its text is what it holds and its last round."""

    def __init__(self, build: Callable[[Any], object]) -> None:
        super().__init__()
        self.session = Session(build)
        self._unfinished: tuple[Drive, int] | None = None
        """The round that ``step`` has returned while it slept."""

    def step(self, limit: float = STEP_SECONDS) -> Round:
        """Run one round, or wait for the one that is under way; return it.

        When nothing is due, the reactor sleeps in select. A round that is not over after ``limit`` seconds is
        returned as it is then; the next ``step`` goes on to wait for it. Raises RuntimeError when ``build``
        has failed, or the stepper has been ended.
        """
        drive = self.session.drive
        if drive.error:
            raise RuntimeError(f"there is nothing to step: build raised {drive.error}")
        if drive.over:
            raise RuntimeError(
                f"{drive.ending or 'this stepper has been ended'}: run the cell that made it again"
            )
        unfinished = self._unfinished
        number = unfinished[1] if unfinished and unfinished[0] is drive else drive.step()
        self._unfinished = drive, number  # from here on, so that an interrupt does not lose the round
        drive.wait_for(number, limit)
        told = drive.round(number)
        if told.over:
            self._unfinished = None
        return told

    def run(self) -> None:
        """Run round after round, until ``pause``; ``session.set_speed`` tells how fast."""
        self.session.run()

    def pause(self) -> None:
        """Rest after the round that is under way."""
        self.session.pause()

    def reset(self) -> None:
        """Close everything, and build it anew."""
        self.session.reset()

    def end(self) -> None:
        self.session.end()
        if self._board is not None:
            self._board.end()

    def open(self) -> HandClient:
        """Open a client of the server. Raises ValueError when there is none to connect to."""
        if self.address is None:
            raise ValueError("build has returned no address to connect to")
        return self.session.clients.open(self.address)

    @property
    def reactor(self) -> Reactor:
        """The reactor that is stepped, until the next reset."""
        return self.session.drive.reactor

    @property
    def loop(self) -> Loop:
        """The same: it is a loop."""
        return self.session.drive.reactor

    @property
    def address(self) -> Address | None:
        """The address that ``build`` has returned; None where it has returned none."""
        return self.session.address

    @property
    def state(self) -> State:
        """What is registered, what is in the ready queue, which timers are set; where each task stands."""
        return state_of(self.session.drive.reactor)

    @property
    def history(self) -> list[Round]:
        """The last rounds, the earliest first; the first of all is the building."""
        return list(self.session.drive.reactor.history)

    def make_board(self) -> Any:
        from course_lib.lab.stepper.board import Board

        return Board(self.session)

    def __repr__(self) -> str:
        drive = self.session.drive
        if drive.error:
            return f"A reactor under buttons. Nothing can be stepped: build raised {drive.error}"
        last = repr(drive.reactor.round) if drive.reactor.round.number else "No round has run yet."
        return f"A reactor under buttons.\n{self.state}\n{last}\n{HOW}"


_steppers: ByName[TheStepper] = ByName()


def stepper(build: Callable[[Any], object] | None = None, name: str = "stepper") -> TheStepper:
    """Return a stepper for what ``build(reactor)`` sets up, and end the last one of that ``name``.

    Without ``build``: an echo server with a heartbeat beside it. It may be an ``async def``, which is run as
    a task. When the stepper is reset or ended, tasks are cancelled, and whatever is registered is closed.
    Raises TypeError when ``build`` is no function.
    """
    if build is not None and not callable(build):
        raise TypeError(f"build is a function of one reactor, and no {type(build).__name__}")
    return _steppers.start(name, lambda: TheStepper(build or echo_and_heartbeat))
