"""The x-ray: which calls wait, in which thread, and for how long; of code that knows nothing of it.

    with xray() as trace:
        dialogue(server.address, ["hello"], welcome=False)
    trace.timeline()

Two sources: wrappers on Python's classes (wrappers.py) and a profile hook (hook.py). Both are there inside
the block only. What it cannot see: ``with lock:``, calls made from C, and on 3.11, in threads that ran
before the block, whatever is no call of a socket, a selector, ``select.select`` or ``time.sleep``.

The words of a trace are the same for every run if the pauses of what is watched are 0.1 s or more: "blocked"
is what waits for 40 ms. How many pieces a large transfer is received in is chance, and so are the words then.

Read lanes.py, wrappers.py and hook.py first. Next: calls.py, story.py and ../timeline.py.
"""

import math
import threading
import time
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from course_lib.lab.xray import hook, lanes, wrappers
from course_lib.lab.xray.calls import Call
from course_lib.lab.xray.collecting import collect
from course_lib.lab.xray.messages import Message, messages
from course_lib.lab.xray.standing import call_of, let_rest
from course_lib.lab.xray.story import tell

if TYPE_CHECKING:
    from course_lib.lab.picture import Picture

__all__ = ["Call", "Message", "Trace", "xray"]

_watching: list["Trace"] = []
_switching = threading.RLock()


class Trace:
    """What all threads called during a ``with`` block."""

    def __init__(self) -> None:
        self.began = self.ended = 0.0
        self.calls: list[Call] = []
        """In the order in which they began. Complete when the block has ended."""
        self.threads: dict[str, str] = {}
        """The name of each thread, in the order of the lanes; and its kind, by which the words tell of it."""

    @property
    def seconds(self) -> float:
        """How long the block took."""
        return self.ended - self.began

    @property
    def messages(self) -> list[Message]:
        """Where bytes that were sent have been received."""
        return messages(self.calls)

    def timeline(
        self, threads: Sequence[str] | None = None, calls: Collection[str] | None = None
    ) -> "Picture":
        """Return the picture: one lane a thread. Its text says the same, without times.

        ``threads`` chooses the lanes, and their order; ``calls`` chooses calls by their names.
        Raises ValueError for the name of a thread that has called nothing.
        """
        from course_lib.lab.picture import Picture
        from course_lib.lab.timeline import draw

        if unknown := set(threads or ()) - set(self.threads):
            raise ValueError(
                f"no lane is named {min(unknown)!r}; there are {', '.join(self.threads) or 'none'}"
            )
        chosen = {name: self.threads[name] for name in (self.threads if threads is None else threads)}
        shown = [c for c in self.calls if c.thread in chosen and (calls is None or c.name in calls)]
        passed = messages(shown)
        return Picture(draw(list(chosen), shown, passed, self.seconds), tell(chosen, shown, passed))

    def __repr__(self) -> str:
        return tell(self.threads, self.calls, self.messages)

    def __enter__(self) -> "Trace":
        resting = let_rest()
        try:
            _turn_on(self, resting)
            self.began = time.perf_counter()
            return self
        except BaseException:
            _turn_off(self)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                let_rest()
            _end_what_has_ended()
            self.ended = time.perf_counter()
            self.calls, self.threads = collect(self.began, self.ended)
        finally:
            _turn_off(self)


def _turn_on(trace: Trace, resting: list[threading.Thread]) -> None:
    with _switching:
        if not _watching:
            lanes.forget()
        _watching.append(trace)
        if len(_watching) == 1:
            for thread in lanes.bystanders():
                lane = lanes.lane_of(thread)
                call = call_of(thread) if thread in resting and lane.open is None else None
                if call is not None:
                    *before, lane.shell = call
                    lane.before = (*before, -math.inf, True)
            wrappers.put_on()
        hook.put_on()


def _end_what_has_ended() -> None:
    """Let no call that began before the block be told as one still in progress if it is not.

    On 3.11 a thread may have left it without any sign. Then nobody knows when.
    """
    for lane in lanes.lanes:
        if lane.before is not None and lane.thread is not None:
            call = call_of(lane.thread)
            if call is None or call[:2] != lane.before[:2]:
                lane.end_before(time.perf_counter())


def _turn_off(trace: Trace) -> None:
    try:
        _turn_off_once(trace)
    except BaseException:  # Ctrl-C, in the middle of it
        _turn_off_once(trace)
        raise


def _turn_off_once(trace: Trace) -> None:
    with _switching:
        if trace in _watching:
            _watching.remove(trace)
        if not _watching:
            hook.take_off()
            wrappers.take_off()
            lanes.let_go()


def xray() -> Trace:
    """Watch the threads of this process during a ``with`` block: up to 3 µs a call, afterwards nothing."""
    return Trace()
