"""What a learner calls a task: by its function, and by the client that was given to it, "echo of client 1".

Read ../../eventloop/task.py first. Next: names.py.
"""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from course_lib.eventloop import Future, Task

NOBODY = ("", "listener", "waker")
"""Whom a task is not named after. Everybody knows what a listener's task does."""


class TaskNames:
    """The names of tasks, and who waits for which future. ``known(value)`` is the name of a descriptor."""

    def __init__(self, known: Callable[[Any], str]) -> None:
        self._known = known
        self._given: WeakKeyDictionary[Task[Any], tuple[int, str]] = WeakKeyDictionary()
        self._numbers = itertools.count()
        self._counts: Counter[str] = Counter()
        self._waiting: WeakKeyDictionary[Future[Any], str] = WeakKeyDictionary()

    def of(self, task: Task[Any]) -> str:
        """Return the name of a task. One that has been given is kept."""
        return self._given_to(task)[1]

    def order(self, task: Task[Any]) -> int:
        """Return a number that rises from task to task."""
        return self._given_to(task)[0]

    def all(self) -> list[Task[Any]]:
        """Return the tasks that have names and that somebody still holds. Any thread."""
        while True:
            try:
                return list(self._given)
            except RuntimeError:  # it has changed meanwhile
                pass

    def _given_to(self, task: Task[Any]) -> tuple[int, str]:
        given = self._given.get(task)
        if given is None:
            given = self._given[task] = next(self._numbers), self._new(task)
        return given

    def _new(self, task: Task[Any]) -> str:
        function = own_name(task)
        names = [self._known(value) for value in arguments_of(task.coro)]
        client = next((f" of {name}" for name in names if name.split(" ")[0] not in NOBODY), "")
        self._counts[function + client] += 1
        count = self._counts[function + client]
        return function + (f" {count}" if count > 1 else "") + client

    def note_waiting(self, args: tuple[Any, ...], task: Task[Any] | None) -> None:
        """Note that the futures in ``args`` have been made by a task that is going to wait for them."""
        for each in args:
            if isinstance(each, Future) and task is not None:
                self._waiting[each] = f"task {self.of(task)}"

    def concerned(self, parts: tuple[Any, ...]) -> str:
        """Return the task that a call with these parts is about, "task echo"; ``""`` where there is none."""
        for each in parts:
            task = each if isinstance(each, Task) else getattr(each, "_task", None)  # that of a Timeout
            if isinstance(task, Task):
                return f"task {self.of(task)}"
            if isinstance(each, Future):
                waiting = [step_of(callback) for callback in list(each._callbacks)]
                found = next((f"task {self.of(task)}" for task in waiting if task is not None), "")
                return found or self._waiting.get(each, "")
        return ""


def arguments_of(coro: Any) -> list[Any]:
    """Return what a coroutine has at its beginning: arguments, and what it sees of the function around it."""
    frame = getattr(coro, "cr_frame", None)
    return list(frame.f_locals.values()) if frame else []


def own_name(task: Task[Any]) -> str:
    """Return the name of its coroutine's function, with its class."""
    name: str = getattr(task.coro, "__qualname__", type(task.coro).__name__)
    return name.rpartition("<locals>.")[2]


def step_of(callback: Any) -> Task[Any] | None:
    """Return the task of which ``callback`` is a step; else None."""
    owner = getattr(callback, "__self__", None)
    return owner if isinstance(owner, Task) and callback.__name__ == "_step" else None
