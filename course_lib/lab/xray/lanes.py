"""One lane for each thread: what it has called while somebody watched, and what it is calling now.

A lane is written to by its own thread alone, so recording needs no lock. The threads of the notebook's
kernel, and those of the course's own instruments, get a lane too: one that says that they are none of our
business.

Read wires.py first. Next: watching.py and hook.py, which write to the lanes; collecting.py reads them.
"""

import threading
from collections import deque
from typing import Any, NamedTuple

from course_lib.lab.xray.wires import Wire, wires

LIMIT = 100_000
"""So many calls of one thread are kept: the last ones."""

SHORT = 0.04
"""Seconds below which a wait is not worth to be told of: calls.py says why."""

NOTHING_READY = ("BlockingIOError", "InterruptedError")
"""The errors of a call that would have had to wait."""

OTHERS = frozenset(
    "IPython ipykernel jupyter_client zmq tornado traitlets debugpy pydevd _pydevd_bundle _pydev_bundle "
    "tqdm comm nbclient prompt_toolkit pytest_timeout xdist execnet".split()
)
"""The packages whose threads and calls are the kernel's, not the learner's."""

INSTRUMENTS = "course_lib.lab.waiting"
"""Threads that run a function of this module are the course's."""


class Raw(NamedTuple):
    """A call as it is recorded; the rest is found out afterwards. Times of time.perf_counter."""

    name: str
    fd: int
    """The descriptor, or -1."""
    wire: Wire | None
    start: float
    """Minus infinity when it was in progress before anybody watched."""
    end: float
    size: int | None
    """Bytes sent or received, or how many were ready."""
    error: str
    waits: bool
    """False for a socket that never waits."""


class Lane:
    __slots__ = ("before", "frame", "idle", "log", "open", "shell", "thread", "until")

    def __init__(self, thread: threading.Thread | None) -> None:
        self.thread = thread
        self.log: deque[Any] = deque(maxlen=LIMIT)
        self.idle = 0
        """How many calls there were since the last one that has led to something."""
        self.open: tuple[Any, ...] | None = None
        """The call that is being recorded: the first fields of its Raw; and whether it waits, or its socket.

        Calls inside it are not recorded.
        """
        self.frame: Any = None
        self.until = ""
        """In which frame, and with which event, the hook sees the end of the open call."""
        self.before: tuple[Any, ...] | None = None
        """The call that was in progress before: the same. Any sign of life from the thread ends it."""
        self.shell: Any = None
        """The frame of the method of the library that this call is in, if it is in one."""
        if thread is None or is_foreign(thread):
            self.open = IGNORED

    def end_before(self, end: float) -> None:
        before, self.before, self.shell = self.before, None, None
        if before is not None:
            name, fd, wire, start, _ = before
            self.log.append(Raw(name, fd, wire, start, end, None, "", True))

    def note(self, call: tuple[Any, ...], idle: bool) -> None:
        """Record a call: the fields of a Raw. Of ``idle`` ones in a row only the first and the last are kept.

        A loop that never rests makes hundreds of thousands in a second.
        """
        self.idle = self.idle + 1 if idle else 0
        if self.idle > 2:
            self.log[-1] = call
        else:
            self.log += (call,)


IGNORED = ("ignored", -1, None, 0.0, False)
"""The open call of a lane for which there is never anything to record."""


class Current(threading.local):
    """The lane of the thread that asks."""

    lane: Lane | None = None


current = Current()
lanes: list[Lane] = []
"""All of them, in the order of their first sign of life."""


def new_lane() -> Lane:
    """Return the lane of the calling thread, which has none at hand yet."""
    # Not current_thread(): for a thread that begins or ends just now it would invent another.
    thread = threading._active.get(threading.get_ident())  # type: ignore[attr-defined]
    current.lane = lane_of(thread)
    return current.lane


def lane_of(thread: threading.Thread | None) -> Lane:
    for lane in lanes:
        if thread is not None and lane.thread is thread:
            return lane
    lanes.append(Lane(thread))
    return lanes[-1]


def forget() -> None:
    """Forget what was recorded, and all threads that have ended."""
    lanes[:] = [lane for lane in lanes if lane.thread is not None and lane.thread.is_alive()]
    for lane in lanes:
        lane.log = deque(maxlen=LIMIT)
        lane.before = None
    wires.clear()


def let_go() -> None:
    """Let go of the frames whose end the hook has waited for: it is gone, and they keep much alive."""
    for lane in lanes:
        lane.shell = None
        if lane.frame is not None:
            lane.open = lane.frame = None


def is_foreign(thread: threading.Thread) -> bool:
    """Tell whether a thread is the kernel's or an instrument's, by the code that it was made to run."""
    target = getattr(thread, "_target", None)
    module = getattr(target, "__module__", None) or ""
    modules = (module, type(thread).__module__)
    return module == INSTRUMENTS or any(each.partition(".")[0] in OTHERS for each in modules)


def bystanders() -> list[threading.Thread]:
    """Return the threads that may be watched, but for the one that asks."""
    me = threading.current_thread()
    return [thread for thread in threading.enumerate() if thread is not me and not is_foreign(thread)]
