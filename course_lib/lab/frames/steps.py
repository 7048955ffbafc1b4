"""What is told of one step: what went in, where the frames stand now, what came out.

    step 2: send('hello')
    outer: total = yield from inner(3)
        n = 3
    inner: got = yield n
        n = 3, got = 'hello'
    yielded 3

Read chain.py first. Next: life.py.
"""

from typing import NamedTuple

from course_lib.lab.frames.chain import Standing

RUNNING = "is running"


class State(NamedTuple):
    """How a generator or coroutine stands between two steps."""

    words: str
    """"has not begun", "is suspended", "has returned 6", "has raised ValueError: no", RUNNING."""

    frames: list[Standing]
    """From the outermost to the innermost; none when it has ended."""

    def __repr__(self) -> str:
        return "\n".join([self.words, *map(repr, self.frames)])


class Step(NamedTuple):
    """One time that it was resumed."""

    number: int
    """0 where it was refused: nothing has been resumed."""

    went_in: str
    """``next()``, ``send('hello')``, ``throw(ValueError('no'))``."""

    frames: list[Standing]
    """Where it stands now; none when it has ended."""

    out: str
    """yielded, returned, raised or refused."""

    value: object
    """What it has yielded or returned; of an error, or of a refusal, the words."""

    words: str
    """The last line: ``yielded 3``."""

    def __repr__(self) -> str:
        head = f"step {self.number}: {self.went_in}" if self.number else self.went_in
        return "\n".join([head, *map(repr, self.frames), self.words])
