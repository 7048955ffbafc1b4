"""What a learner calls a handle or a descriptor of asyncio's loop: never a number, never an address.

    step of main                               a handle that is the next step of a task
    _set_result_unless_cancelled for main      one that settles the future for which a task waits
    _read_ready                                any other goes by its callback

Read ../registered.py first. Next: watched.py.
"""

import asyncio
import functools
from collections.abc import Sequence
from typing import Any

from course_lib.lab.registered import events_of, kind_of


def handle_name(handle: asyncio.Handle) -> str:
    callback: Any = handle._callback  # type: ignore[attr-defined]
    args = tuple(handle._args or ())
    while isinstance(callback, functools.partial):
        callback, args = callback.func, (*callback.args, *args)
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return f"step of {task_name(owner)}"
    name = getattr(callback, "__name__", type(callback).__name__)
    waiting = [task for each in args for task in waiting_for(each)]
    return f"{name} for {task_name(waiting[0])}" if waiting else name


def waiting_for(future: Any) -> list[asyncio.Task[Any]]:
    """Return the tasks whose next step the end of ``future`` will order."""
    callbacks = getattr(future, "_callbacks", None) if isinstance(future, asyncio.Future) else None
    owners = [getattr(callback, "__self__", None) for callback, _ in callbacks or ()]
    return [owner for owner in owners if isinstance(owner, asyncio.Task)]


def task_name(task: asyncio.Task[Any]) -> str:
    """Return the name that the program has given to it; else that of its coroutine."""
    if not task.get_name().startswith("Task-"):
        return task.get_name()
    coro = task.get_coro()
    return getattr(coro, "__name__", type(coro).__name__)


def ready_names(ready: Sequence[tuple[Any, int]]) -> list[str]:
    """Name what ``select`` has returned."""
    return [f"{kind_of(key.fileobj)} for {events_of(mask)}" for key, mask in ready]
