"""One generator or coroutine, from its making to its end: resumed by hand, and told of each time.

It runs in the thread that asks for a step. Another thread that asks meanwhile is refused.

Read steps.py first. Next: board_html.py.
"""

import inspect
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from course_lib.lab.explain import one_line
from course_lib.lab.frames.chain import chain, part, raised_at
from course_lib.lab.frames.steps import RUNNING, State, Step
from course_lib.lab.frames.values import in_words

HISTORY = 50
"""So many steps are kept."""


class Life:
    """All methods may be called from any thread."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.error = ""
        """Why there is nothing to step, in one line."""
        self.history: deque[Step] = deque(maxlen=HISTORY)
        self.thread: threading.Thread | None = None
        """The one that runs it right now."""
        self._resuming = threading.Lock()
        self._steps = 0
        self._suspended = self._made(make)
        words = f"Nothing can be stepped: {self.error}" if self.error else "has not begun"
        self._told = State(words, [] if self.error else chain(self._suspended))

    def _made(self, make: Callable[[], Any]) -> Any:
        try:
            made = make()
        except Exception as error:
            self.error = f"make() raised {one_line(error)}"
            return None
        if not is_resumable(made):
            self.error = f"make() must return a generator or a coroutine, and not {in_words(made)}"
            return None
        if not is_fresh(made):
            self.error = "make() must return a new one each time, and this one has begun already"
            return None
        return made

    @property
    def state(self) -> State:
        """How it stands now. While it runs no frames are told: they change."""
        return self._told if self.thread is None else State(RUNNING, [])

    def step(self) -> Step:
        """Resume it once, with nothing."""
        if inspect.iscoroutine(self._suspended):  # it has no next()
            return self._resume("send(None)", lambda: self._suspended.send(None))
        return self._resume("next()", lambda: next(self._suspended))

    def send(self, value: object) -> Step:
        """Resume it; ``value`` is what its ``yield`` gives."""
        return self._resume(f"send({in_words(value)})", lambda: self._suspended.send(value))

    def throw(self, error: Any) -> Step:
        """Resume it; ``error`` is raised where it stands."""
        went_in = f"throw({error.__name__ if isinstance(error, type) else in_words(error)})"
        kind = error if isinstance(error, type) else type(error)
        if not issubclass(kind, BaseException):
            return _refused(went_in, "throw takes an exception, such as ValueError('no')")
        return self._resume(went_in, lambda: self._suspended.throw(error), kind)

    def _resume(
        self, went_in: str, resume: Callable[[], object], thrown: type[BaseException] | None = None
    ) -> Step:
        if self.error:
            return _refused(went_in, f"nothing can be stepped: {self.error}")
        if not self._resuming.acquire(blocking=False):
            return _refused(went_in, "it is running, and has not come back from the step before")
        try:
            if part(self._suspended, "frame") is None:
                return _refused(went_in, f"it {self._told.words}; reset() makes a new one")
            self.thread = threading.current_thread()
            return self._told_of(went_in, resume)
        except KeyboardInterrupt:
            if thrown is None or not issubclass(thrown, KeyboardInterrupt):
                raise  # Ctrl-C has ended it, and ends the cell too
            return self.history[-1]
        finally:
            self.thread = None
            self._resuming.release()

    def _told_of(self, went_in: str, resume: Callable[[], object]) -> Step:
        try:
            value = resume()
        except StopIteration as stop:
            return self._note(went_in, "returned", stop.value, in_words(stop.value))
        except BaseException as error:
            if is_fresh(self._suspended):  # Python has not let it begin
                return _refused(went_in, one_line(error))
            # The first two lines of the traceback are our own: this function, and the lambda.
            at = raised_at(error.__traceback__, 2)
            self._note(went_in, "raised", one_line(error), one_line(error), at and f", in {at}")
            if isinstance(error, KeyboardInterrupt):
                raise
            return self.history[-1]
        return self._note(went_in, "yielded", value, in_words(value))

    def _note(self, went_in: str, out: str, value: object, words: str, at: str = "") -> Step:
        frames = chain(self._suspended)
        self._steps += 1
        step = Step(self._steps, went_in, frames, out, value, f"{out} {words}{at}")
        self.history.append(step)
        self._told = State("is suspended" if frames else f"has {out} {words}", frames)
        return step

    def end(self) -> None:
        """Close it. Any number of times. One that runs and does not come back is left to itself."""
        if self._suspended is None or not self._resuming.acquire(blocking=False):
            return
        try:
            if part(self._suspended, "frame") is not None:
                self._told = State("has been closed", [])
                self._suspended.close()
        except BaseException:  # what it raises on its way out is the learner's, and nobody waits for it
            pass
        finally:
            self._resuming.release()


def is_resumable(made: object) -> bool:
    return inspect.isgenerator(made) or inspect.iscoroutine(made)


def is_fresh(made: Any) -> bool:
    """Tell whether it has not begun."""
    if inspect.iscoroutine(made):
        return inspect.getcoroutinestate(made) == inspect.CORO_CREATED
    return inspect.getgeneratorstate(made) == inspect.GEN_CREATED


def _refused(went_in: str, why: str) -> Step:
    return Step(0, went_in, [], "refused", why, f"refused: {why}")
