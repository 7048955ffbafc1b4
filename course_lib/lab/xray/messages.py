"""Messages: where bytes sent meet bytes received.

Read calls.py first. Next: collecting.py.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from course_lib.lab.xray.calls import Call
from course_lib.lab.xray.wires import Wire


class Message(NamedTuple):
    """Bytes on their way from one call to another."""

    sent: Call
    received: Call
    bytes: int


def messages(calls: Sequence[Call]) -> list[Message]:
    """Find where bytes sent meet bytes received: on one connection, in the order in which they were sent."""
    on_the_way: defaultdict[Wire, deque[list]] = defaultdict(deque)
    for call in calls:
        if call.name.startswith("send") and call.wire and call.bytes:
            on_the_way[call.wire].append([call, call.bytes])
    found = []
    for call in sorted(calls, key=lambda call: call.end):
        if not call.name.startswith("recv") or call.wire is None or call.open or call.error:
            continue
        queue = on_the_way[call.wire.other_end]
        room = math.inf if call.bytes is None else call.bytes  # None: it began before anybody watched
        while room > 0 and queue and queue[0][0].start <= call.end:
            sent, left = queue[0]
            taken = int(min(room, left))
            found.append(Message(sent, call, taken))
            room -= taken
            queue[0][1] -= taken
            if not queue[0][1]:
                queue.popleft()
    return found
