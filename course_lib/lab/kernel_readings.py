"""What kernel_view has read of one socket or one server, and the words for it.

The words are compared when the notebooks are tested, so they are the same on every run.

Read kernel_counts.py and kernel_threads.py first. Next: kernel_view.py.
"""

from dataclasses import dataclass

from course_lib.lab.kernel_threads import Rest

EXACT = 16 * 1024
MANY = 1024 * 1024
"""Up to the first, the text gives the exact number; beyond, it varies with the system's buffers."""

UNTOLD = "this system does not tell"


@dataclass(frozen=True)
class Connection:
    """One socket: bytes in its two tanks, or None where the system does not tell."""

    label: str
    unread: int | None
    unacknowledged: int | None
    closed: bool = False

    def words(self) -> str:
        if self.closed:
            return "closed"
        if self.unread is None and self.unacknowledged is None:
            return UNTOLD
        waits = "waits" if self.unread == 1 else "wait"
        found = [
            _amount(self.unread, f"{waits} to be read"),
            _amount(self.unacknowledged, "not yet acknowledged"),
        ]
        empty = "nothing waits to be read" if self.unacknowledged is None else "both tanks are empty"
        return ", ".join(filter(None, found)) or empty


@dataclass(frozen=True)
class Listener:
    """A socket that listens, and how many clients wait for ``accept``."""

    label: str
    unaccepted: int | None

    def words(self) -> str:
        if self.unaccepted is None:
            return UNTOLD
        if self.unaccepted == 1:
            return "1 client waits to be accepted"
        return f"{self.unaccepted or 'no'} clients wait to be accepted"


@dataclass(frozen=True)
class Threads:
    """The threads of one server: where each sleeps, None where the system does not tell."""

    label: str
    rests: tuple[Rest | None, ...]

    def words(self) -> str:
        if not self.rests:
            return "it has ended"
        if None in self.rests:
            return UNTOLD
        asleep = sum(rest is not None and rest.asleep for rest in self.rests)
        if len(self.rests) == 1:
            return "its thread sleeps in the kernel" if asleep else "its thread runs"
        if asleep == len(self.rests):
            return "all its threads sleep in the kernel"
        return "some of its threads sleep in the kernel, others run" if asleep else "its threads run"


Reading = Connection | Listener | Threads


def _amount(count: int | None, rest: str) -> str:
    """Return "3 bytes wait to be read"; words where the kernel chooses the number, which then varies."""
    if not count:
        return ""
    if count > EXACT:
        return f"more than {'1 MiB' if count > MANY else '16 KiB'} {rest}"
    return f"{count:,} byte{'s' * (count > 1)} {rest}"
