"""What a learner calls a descriptor or a callback: never a number, never an address.

A client that was opened by hand goes by its own name, "client 2"; its port tells which one it is.

Read ../../eventloop/reactor.py and task_names.py first. Next: rounds.py.
"""

import functools
import socket
import types
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from course_lib.eventloop import READ, WRITE, Timer
from course_lib.lab.registered import kind_of
from course_lib.lab.stepper.task_names import TaskNames, step_of

PREVIEW = 40
"""Up to so many bytes are shown; of more, the number."""

EXACT = 16 * 1024
"""Beyond, a number of bytes depends on the system's buffers, and differs from run to run."""

KINDS = {"listening socket": "listener", "Waker": "waker"}


class Names:
    """The names of descriptors. One that has been given is kept."""

    def __init__(self, client_of: Callable[[int], str]) -> None:
        self._client_of = client_of
        self._given: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._counts: Counter[str] = Counter()
        self.tasks = TaskNames(self.known)

    def of(self, watched: Any) -> str:
        """Return the name of a socket, or of whatever else can be registered."""
        name = self.known(watched) or self._new(watched)
        try:
            self._given[watched] = name
        except TypeError:
            pass  # a bare number, or something that cannot be kept in a dict: its kind must do
        return name

    def known(self, watched: Any) -> str:
        """Return the name that was given to it; ``""`` when none was."""
        try:
            return self._given.get(watched, "")
        except TypeError:
            return ""

    def _new(self, watched: Any) -> str:
        kind = kind_of(watched)
        kind = KINDS.get(kind, kind)
        if kind == "connection" and (client := self._client_of(peer_port(watched))):
            return client
        if isinstance(watched, int):
            return kind
        self._counts[kind] += 1
        return kind if self._counts[kind] == 1 else f"{kind} {self._counts[kind]}"

    def whose(self, callback: Any, args: tuple[Any, ...] = ()) -> str:
        """Return the name of the descriptor that a callback is about, as far as that can be seen."""
        for each in _parts(callback, args):
            for watched in (each, getattr(each, "sock", None), getattr(each, "listener", None)):
                if watched is not None and (name := self.known(watched)):
                    return name
        return "" if step_of(unwrapped(callback)[0]) else self.tasks.concerned(_own_parts(callback, args))

    def of_callback(self, callback: Any) -> str:
        """Return the name of a callback; a step of a task goes by the task."""
        task = step_of(unwrapped(callback)[0])
        return name_of(callback) if task is None else f"task {self.tasks.of(task)}"

    def of_timer(self, callback: Any, args: tuple[Any, ...] = ()) -> str:
        """Return the name of a timer, with the task that waits for it, if one does."""
        task = self.tasks.concerned(_own_parts(callback, args))
        return name_of(callback) + (f" of {task}" if task else "")


def _parts(callback: Any, args: tuple[Any, ...]) -> Iterator[Any]:
    """Yield what may lead to a socket: the object of the method, its transport, the arguments."""
    for each in _own_parts(callback, args):
        yield each
        transport = getattr(each, "transport", None)
        if transport is not None:
            yield transport


def _own_parts(callback: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the object of the method, and all arguments."""
    callback, bound = unwrapped(callback)
    return getattr(callback, "__self__", None), *bound, *args


def unwrapped(callback: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return the function within partials, timers and our own observers, and the arguments bound to it."""
    bound: tuple[Any, ...] = ()
    while True:
        if isinstance(callback, functools.partial):
            callback, bound = callback.func, (*callback.args, *bound)
        elif isinstance(callback, Timer):
            callback, bound = callback.callback, (*callback.args, *bound)
        elif hasattr(callback, "observed"):
            callback = callback.observed
        else:
            return callback, bound


def name_of(callback: Any) -> str:
    """Return the name of a function, or of a method with its class: ``Transport._on_ready``."""
    callback, _ = unwrapped(callback)
    owner = getattr(callback, "__self__", None)
    name = getattr(callback, "__name__", "")
    if not name:
        return type(callback).__name__
    if owner is not None and not isinstance(owner, types.ModuleType):
        return f"{(owner if isinstance(owner, type) else type(owner)).__name__}.{name}"
    if name == "<lambda>":
        outer = callback.__qualname__.split(".<locals>.")[-2:]
        return f"lambda in {outer[0]}" if len(outer) == 2 else "lambda"
    return name


def peer_port(sock: Any) -> int:
    """Return the port of the other end; 0 where there is none."""
    try:
        peer = sock.getpeername() if isinstance(sock, socket.socket) else ()
    except OSError:
        return 0
    return peer[1] if isinstance(peer, tuple) and len(peer) > 1 else 0


def events_in_words(events: int) -> str:
    return "|".join(word for bit, word in ((READ, "READ"), (WRITE, "WRITE")) if events & bit)


def data_in_words(data: bytes) -> str:
    return repr(bytes(data)) if len(data) <= PREVIEW else size_in_words(len(data))


def size_in_words(count: int) -> str:
    if count > EXACT:
        return "more than 16 KiB"
    return f"{count:,} byte{'' if count == 1 else 's'}"


def seconds_in_words(seconds: float) -> str:
    return f"{max(0.0, seconds):.3g} s"
