"""A call, as the learner reads it.

Read lanes.py first. Next: messages.py.
"""

from typing import NamedTuple

from course_lib.lab.xray.lanes import SHORT
from course_lib.lab.xray.wires import Wire

BLOCKED_SECONDS = SHORT
"""A wait is told as "blocked" when it takes this long: 40 ms.

On one machine an answer comes within a millisecond or a few; a person, a pause in a script, or a rival for
the server takes tenths of seconds. Between the two there is little, so the verdict is the same each time.
"""


class Call(NamedTuple):
    """One call of one thread. Times in seconds since the block began."""

    thread: str
    name: str
    fd: int | None
    bytes: int | None
    """Sent or received; None when there is nothing to count, or nobody can know."""
    error: str
    """The type of the exception that it raised, or ``""``."""
    start: float
    end: float
    blocked: bool
    """True when it has waited for 50 ms or more, or throughout."""
    before: bool = False
    """True when it was in progress before the block began; ``start`` is 0 then."""
    open: bool = False
    """True when it was still in progress when the block ended."""
    waits: bool = True
    """False when it is one that never waits, such as ``recv`` of a non-blocking socket."""
    wire: Wire | None = None
    """The two addresses of the connection."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def result(self) -> str:
        """What came of it, in words."""
        if self.error:
            return self.error
        if self.open:
            return "in progress"
        if self.name.startswith("recv") and self.bytes == 0:
            return "end of stream"
        if self.bytes is None:
            return "done"
        unit = "ready" if self.name == "select" else "byte" if self.bytes == 1 else "bytes"
        return f"{self.bytes} {unit}"
