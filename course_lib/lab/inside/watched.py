"""A loop of asyncio's own with an observer at its parts: the selector, the queue, and the lines of a round.

The loop is not changed. It is given a selector that notes how it is asked, and a queue that notes what is
taken out. Both are made to be replaced: the selector is a parameter of the loop, the queue an attribute.

Read tracing.py first. Next: rounds.py.
"""

import asyncio
import selectors
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from course_lib.lab.inside.names import handle_name, ready_names
from course_lib.lab.inside.tracing import Line, observer


@dataclass
class Round:
    """One round of the loop. Names are for the reader; times are in seconds since the program began."""

    began: float
    queue: list[str]
    """What is in the queue when the selector is asked."""

    timers: list[str]
    timeout: float | None
    woke: float = 0.0
    ready: list[str] = field(default_factory=list)
    """What the selector has returned."""

    snapshot: list[str] = field(default_factory=list)
    """What is in the queue when the loop begins to call: so many are called, and no more."""

    ended: float = 0.0
    lines: list[Line] = field(default_factory=list)
    """Those of ``_run_once`` that ran, in their order."""


class WatchedLoop(asyncio.SelectorEventLoop):
    """``rounds`` grows while it runs."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self.start = time.perf_counter()
        super().__init__(ObservedSelector(self))
        self._ready = ObservedQueue(self)

    def run_forever(self) -> None:
        before = sys.gettrace()
        sys.settrace(observer(self._note_lines))
        try:
            super().run_forever()
        finally:
            sys.settrace(before)
            self.end_round()

    def now(self) -> float:
        return time.perf_counter() - self.start

    def begin_round(self, timeout: float | None) -> Round:
        now = self.end_round()
        timers = [handle_name(handle) for handle in sorted(self._scheduled) if not handle.cancelled()]  # type: ignore[attr-defined]
        self.rounds.append(Round(now, [handle_name(each) for each in self._ready], timers, timeout))
        return self.rounds[-1]

    def end_round(self) -> float:
        """A round ends when the selector is asked again, which is the begin of the next one."""
        now = self.now()
        if self.rounds and not self.rounds[-1].ended:
            self.rounds[-1].ended = now
        return now

    def _note_lines(self, lines: list[Line]) -> None:
        if self.rounds:
            self.rounds[-1].lines = lines


class ObservedSelector(selectors.DefaultSelector):
    """The system's best selector. It notes with which timeout it is asked, and what it says."""

    def __init__(self, loop: WatchedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        this = self._loop.begin_round(timeout)
        ready = super().select(timeout)
        this.woke, this.ready = self._loop.now(), ready_names(ready)
        return ready


class ObservedQueue(deque[Any]):
    """The queue of handles that are ready. It notes what is in it when the first one is taken."""

    def __init__(self, loop: WatchedLoop) -> None:
        super().__init__()
        self._loop = loop

    def popleft(self) -> Any:
        this = self._loop.rounds[-1]
        if not this.snapshot:
            this.snapshot = [handle_name(each) for each in self]
        return super().popleft()
