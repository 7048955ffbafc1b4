"""Where do a server's threads stand right now? Asked of the interpreter, line by line.

    article_server waits at line 2:
        client, address = listener.accept()

The stack of a thread that waits ends in the standard library (``accept`` is Python code that calls
C); what is shown is the last line before, in the server's own code. A thread waits when it has
stayed at one line for a while *and* has used no processor meanwhile: a loop that spins is seen at
one line again and again too, since it lets others look only when it calls the system.

Read background.py first.
"""

import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from course_lib.lab.explain import one_line
from course_lib.lab.handle import Background
from course_lib.lab.stacks import Place, frame_of, own_place, works_for
from course_lib.lab.waiting import POLL_SECONDS

IDLE_SHARE = 0.25
"""A thread that was busy for less than this share of the time was waiting."""


class Where:
    """What ``where`` has found. Its text is made to be read; it holds no number that varies."""

    def __init__(self, name: str, ending: str, threads: list[Place | None]) -> None:
        self.name = name
        self.ending = ending
        """How the server has ended; ``""`` while it runs."""
        self.threads = threads
        """Where each thread waits, or None when it runs: the serving one, then those it has started."""

    def __repr__(self) -> str:
        if self.ending:
            return f"{self.name} {self.ending}"
        lines = [_describe(self.name, 1, self.threads[0])]
        # By place: which of the threads of a pool got which client is chance.
        for place, count in sorted(Counter(self.threads[1:]).items(), key=lambda item: item[0] or ()):
            lines.append(_describe(f"{count} more thread{'s' * (count > 1)}", count, place))
        return "\n".join(lines)


def _describe(who: str, count: int, place: Place | None) -> str:
    if place is None:
        return f"{who} {'is' if count == 1 else 'are'} running"
    verb = "waits" if count == 1 else "wait"
    function = "" if place.function == who else f", in {place.function}"
    return f"{who} {verb} at {place}{function}:\n    {place.source}"


class _Watch:
    """One thread, looked at again and again."""

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.place: Place | None = None
        self.waits = False
        self._since = 0.0
        self._busy_then = 0.0

    def look(self, settle: float) -> None:
        """Note where it stands; it waits when it has been there, idle, for ``settle`` seconds."""
        now, busy = time.monotonic(), busy_seconds(self.thread)
        place = own_place(frame_of(self.thread))
        elapsed = now - self._since
        idle = busy - self._busy_then < IDLE_SHARE * elapsed
        if place != self.place or (elapsed >= settle and not idle):
            self.place, self.waits, self._since, self._busy_then = place, False, now, busy
        else:
            self.waits = place is not None and elapsed >= settle


def where(background: Background, settle: float = 0.1, limit: float = 2.0) -> Where:
    """Find the line at which each thread of the server waits right now.

    Looks until each has stayed at one line for ``settle`` seconds. A thread that has not after
    ``limit`` seconds is said to be running.
    """
    watches: dict[threading.Thread, _Watch] = {}
    deadline = time.monotonic() + limit
    while background.alive:
        watches = {thread: watches.get(thread) or _Watch(thread) for thread in _threads_of(background)}
        for watch in watches.values():
            watch.look(settle)
        if all(watch.waits for watch in watches.values()) or time.monotonic() >= deadline:
            return Where(background.name, "", [w.place if w.waits else None for w in watches.values()])
        time.sleep(POLL_SECONDS)
    ending = "has ended" if background.error is None else f"has died: {one_line(background.error)}"
    return Where(background.name, ending, [])


def _threads_of(background: Background) -> list[threading.Thread]:
    helpers = [
        thread
        for thread in threading.enumerate()  # in the order in which they were started
        if thread not in (background._thread, threading.current_thread())
        and works_for(frame_of(thread), background.server)
    ]
    return [background._thread, *helpers]


def busy_seconds(thread: threading.Thread) -> float:
    """Return how long the thread has run so far; on Linux also how long others kept it waiting."""
    try:
        run, queued, _ = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()
        return (int(run) + int(queued)) / 1e9
    except (OSError, ValueError):  # another system, or the thread has ended
        pass
    try:
        times = {each.id: each.user_time + each.system_time for each in psutil.Process().threads()}
    except psutil.Error:
        times = {}  # not permitted: a loop that spins at one line is then taken for one that waits
    return times.get(thread.native_id, 0.0)
