"""A generator or a coroutine under buttons: one click resumes it once, and tells what went in and came out.

    f = frame_stepper(lambda: countdown(3))     with buttons, in JupyterLab
    f.step()  f.send("x")  f.throw(ValueError("no"))  f.reset()     one step each, told in words

It is kept by its name: the next one ends its predecessor.

Read values.py first.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from course_lib.lab.frames.life import Life, is_resumable
from course_lib.lab.frames.steps import State, Step
from course_lib.lab.named import ByName, Shown

__all__ = ["State", "Step", "TheFrames", "frame_stepper"]

HOW = """\
The buttons step, send, throw and reset are shown in JupyterLab, when this cell is run there.
Without them, step() resumes it once and tells what came out."""

T = TypeVar("T")


class TheFrames(Shown):
    """What ``frame_stepper`` returns. Its text is how it stands, and its last step."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make
        self.life = Life(make)
        self._changing = threading.Lock()

    def step(self) -> Step:
        """Resume it once: ``next()`` for a generator, ``send(None)`` for a coroutine."""
        return self._shown(self.life.step())

    def send(self, value: object) -> Step:
        """Resume it; ``value`` is what its ``yield`` gives."""
        return self._shown(self.life.send(value))

    def throw(self, error: BaseException | type[BaseException]) -> Step:
        """Resume it; ``error`` is raised at the line where it stands."""
        return self._shown(self.life.throw(error))

    def reset(self) -> State:
        """Close it, and make a new one; return how that stands."""
        new = Life(self._make)
        with self._changing:
            old, self.life = self.life, new
        old.end()
        return self._shown(self.state)

    def end(self) -> None:
        """Close it. Any number of times."""
        self.life.end()
        if self._board is not None:
            self._board.end()

    def _shown(self, told: T) -> T:
        """Bring the board up to date, if there is one."""
        if self._board is not None:
            self._board.look()
        return told

    @property
    def state(self) -> State:
        """Its frames, each with the line at which it stands and its local variables."""
        return self.life.state

    @property
    def history(self) -> list[Step]:
        """The last steps, the earliest first."""
        return list(self.life.history)

    def make_board(self) -> Any:
        from course_lib.lab.frames.board import Board

        return Board(self)

    def __repr__(self) -> str:
        last = self.history[-1:]
        told = repr(last[0]) if last else f"it {self.state}" if not self.life.error else repr(self.state)
        return f"Frames under buttons.\n{told}\n{HOW}"


_frames: ByName[TheFrames] = ByName()


def frame_stepper(make: Callable[[], Any], name: str = "frames") -> TheFrames:
    """Return a stepper for the generator or coroutine that ``make()`` returns, a new one each time.

    The last one of that ``name`` is ended. Raises TypeError when ``make`` is no function.
    """
    if is_resumable(make):
        raise TypeError(
            "give a function that makes it, such as `lambda: countdown(3)`: so it can be made anew"
        )
    if not callable(make):
        raise TypeError(
            f"make is a function that returns a generator or coroutine, and no {type(make).__name__}"
        )
    return _frames.start(name, lambda: TheFrames(make))
