"""From the lanes to the list of calls: what belongs to one block, in whose name, and what has waited.

Read lanes.py, calls.py and messages.py first. Next: story.py.
"""

import math
import re
import socket
import threading
from collections import Counter
from typing import NamedTuple

from course_lib.lab.xray.calls import BLOCKED_SECONDS, Call
from course_lib.lab.xray.lanes import IGNORED, Lane, Raw, lanes
from course_lib.lab.xray.messages import messages

GLIMPSE = 0.01
"""A call that was in progress for less than this at the end is one of a thread that never rests: left out."""

YOU = "you"
"""The lane of the main thread: in a notebook, the cell."""


class Collected(NamedTuple):
    calls: list[Call]
    threads: dict[str, str]
    """The name of each thread, in the order of the lanes; and its kind, which those without a name share."""


def collect(began: float, ended: float) -> Collected:
    """Return what all threads called from ``began`` to ``ended``, in the order of their starts."""
    taken: dict[Lane, list[Raw]] = {}
    for lane in lanes:
        if lane.open is not IGNORED:
            raws = [
                raw for raw in _raws(lane) if raw.end > began and raw.start < ended - GLIMPSE * _open(raw)
            ]
            if raws:
                taken[lane] = raws
    kinds = {lane: _kind(lane.thread) for lane in taken}
    names = _names(kinds)
    calls = [_call(names[lane], raw, began, ended) for lane in taken for raw in taken[lane]]
    calls.sort(key=lambda call: call.start)
    delays = {
        message.received: message.sent.start - message.received.start for message in reversed(messages(calls))
    }
    calls = [call._replace(blocked=_is_blocked(call, delays.get(call, call.seconds))) for call in calls]
    kind_of = {names[lane]: kind for lane, kind in kinds.items()}
    return Collected(calls, {name: kind_of[name] for name in _in_order(list(kind_of), calls)})


def _raws(lane: Lane) -> list[Raw]:
    unfinished = [call for call in (lane.open, lane.before) if call is not None]
    return [
        *(Raw(*raw) for raw in list(lane.log)),
        *(Raw(*call, math.inf, None, "", True) for *call, who in unfinished if _may_wait(who)),
    ]


def _may_wait(who: socket.socket | bool) -> bool:
    return who.gettimeout() != 0 if isinstance(who, socket.socket) else who


def _open(raw: Raw) -> bool:
    return raw.end == math.inf


def _call(thread: str, raw: Raw, began: float, ended: float) -> Call:
    before, still = raw.start < began, raw.end > ended
    return Call(
        thread,
        raw.name,
        raw.fd if raw.fd >= 0 else None,
        None if still else raw.size,
        "" if still else raw.error,
        max(raw.start, began) - began,
        min(raw.end, ended) - began,
        False,
        before,
        still,
        raw.waits,
        raw.wire,
    )


def _is_blocked(call: Call, delay: float) -> bool:
    """Tell whether the call has waited; ``delay`` is how long others have let it wait, as far as is known."""
    return call.before or call.open or call.name == "sleep" or (call.waits and delay >= BLOCKED_SECONDS)


def _in_order(names: list[str], calls: list[Call]) -> list[str]:
    """Put the cell first, and whoever talks to one other thread only below that one."""
    partners: dict[str, set[str]] = {name: set() for name in names}
    for message in messages(calls):
        partners[message.sent.thread].add(message.received.thread)
        partners[message.received.thread].add(message.sent.thread)
    ordered: list[str] = []
    for name in sorted(names, key=lambda name: name != YOU):
        alone = len(partners[name]) == 1 and (partner := next(iter(partners[name]))) in ordered
        if alone and len(partners[partner]) == 1:
            ordered.insert(ordered.index(partner) + 1, name)
        else:
            ordered.append(name)
    return ordered


def _names(kinds: dict[Lane, str]) -> dict[Lane, str]:
    """Return a name for each thread; those of one kind are numbered from 1, in the order of their starts."""
    counts, seen = Counter(kinds.values()), Counter[str]()
    names = {}
    for lane, kind in kinds.items():
        seen[kind] += 1
        names[lane] = f"{kind} {seen[kind]}" if counts[kind] > 1 else kind
    return names


def _kind(thread: threading.Thread | None) -> str:
    """Return the name of the thread; that of its function if it is Python that has named it, by a number."""
    if thread is None:
        return "a thread"
    if thread is threading.main_thread():
        return YOU
    if match := re.fullmatch(r"Thread-\d+(?: \((.*)\))?", thread.name):
        return match[1] or "thread"
    if re.fullmatch(r"ThreadPoolExecutor-\d+_\d+", thread.name):
        return "pool"
    return thread.name
