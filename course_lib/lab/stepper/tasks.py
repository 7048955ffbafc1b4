"""The tasks of a loop: at which line each stands, and what it waits for.

A task waits for a future, and a future does not know who is going to settle it. So those are asked who may:
the timers, the descriptors, the ready queue.

Read ../frames/chain.py and task_names.py first. Next: state.py.
"""

from collections.abc import Iterator
from pathlib import Path
from types import CellType
from typing import TYPE_CHECKING, Any, NamedTuple

import course_lib.eventloop
from course_lib.eventloop import READ, Future, Task
from course_lib.eventloop.gathering import Gathering
from course_lib.lab.frames.chain import Standing, chain
from course_lib.lab.stepper.names import unwrapped
from course_lib.lab.stepper.task_names import own_name, step_of

if TYPE_CHECKING:
    from course_lib.lab.stepper.observed_loop import ObservedLoop

LOOP_FOLDER = str(Path(course_lib.eventloop.__file__).parent)

IN_QUEUE = "is in the ready queue"


class TaskState(NamedTuple):
    """One task that is not done."""

    name: str
    function: str
    """Where it stands: the innermost function that is not the loop's own."""

    source: str
    """The line."""

    waits: str
    """"waits for its timer", "is in the ready queue"."""

    seconds: float | None
    """Until its timer is due; None where it waits for something else."""

    own: str
    """The function of its coroutine."""

    def __repr__(self) -> str:
        where = "" if self.function == self.own else f" in {self.function}"
        return f"{self.name}: {self.waits},{where} at {self.source}"


def tasks_of(loop: "ObservedLoop") -> list[TaskState]:
    """Return all that are not done, the oldest first. Any thread."""
    tasks = [task for task in loop.names.tasks.all() if not task.done()]
    reasons = Reasons(loop) if tasks else None
    found = [_state(loop, task, reasons) for task in sorted(tasks, key=loop.names.tasks.order)]
    return [each for each in found if each is not None]


def _listed(changing: Any) -> list[Any]:
    """Return what is in a collection that another thread may change."""
    while True:
        try:
            return list(changing)
        except RuntimeError:
            pass


def _state(loop: "ObservedLoop", task: Task[Any], reasons: Any) -> TaskState | None:
    frames = chain(task.coro, with_names=False)
    if not frames:
        return None  # it has just ended
    place = _own_place(frames)
    name = loop.names.tasks.of(task)
    return TaskState(
        name,
        place.function,
        place.source,
        reasons.of(task),
        reasons.seconds.get(task.waits_for),
        own_name(task),
    )


def _own_place(frames: list[Standing]) -> Standing:
    """Return the innermost frame whose code is not the loop's own, else the outermost."""
    own = [each for each in frames if each.code and not each.code.co_filename.startswith(LOOP_FOLDER)]
    return own[-1] if own else frames[0]


class Reasons:
    """Who is going to settle which future, at this moment."""

    def __init__(self, loop: "ObservedLoop") -> None:
        self._loop = loop
        self.seconds: dict[Any, float] = {}
        self._words: dict[Any, str] = {}
        self._queued = {step_of(unwrapped(callback)[0]) for callback, _ in _listed(loop._ready)}
        for timer in loop._timers.pending():
            for future in _futures(timer.args):
                self.seconds[future] = timer.when - loop.time()
                self._words[future] = "its timer"
        for fd, callbacks in _listed(loop._directions._callbacks.items()):
            for event, callback in _listed(callbacks.items()):
                ready = "to be readable" if event == READ else "to be writable"
                for future in _futures(getattr(callback, "__closure__", None) or ()):
                    self._words[future] = f"{loop.labels.get(fd, 'a descriptor')} {ready}"

    def of(self, task: Task[Any]) -> str:
        """Return what a task does: it waits, for something; is in the queue; runs."""
        if task is self._loop.current_task:
            return "runs"
        if task in self._queued:
            return IN_QUEUE
        return f"waits for {self._awaited(task.waits_for) or _by_its_frames(task)}"

    def _awaited(self, future: Any) -> str:
        names = self._loop.names.tasks
        if isinstance(future, Task):
            return f"task {names.of(future)}"
        if isinstance(future, Gathering):
            left = [part for part in future._parts if not part.done()]
            return " and ".join(self._awaited(part) or "a future" for part in left)
        return self._words.get(future, "")


def _by_its_frames(task: Task[Any]) -> str:
    """Return what a task waits for where nobody here knows its future."""
    frames = chain(task.coro, with_names=False)
    return "a thread" if any(each.function == "Loop.run_in_thread" for each in frames) else "a future"


def _futures(values: Any) -> Iterator[Future[Any]]:
    """Yield those of the values, or of the cells of a closure, that are futures."""
    for value in values:
        if isinstance(value, CellType):
            value = value.cell_contents
        if isinstance(value, Future):
            yield value
