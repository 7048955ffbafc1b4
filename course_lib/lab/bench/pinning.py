"""One processor for the server, another one for the load, where the system lets us choose.

Otherwise the scheduler moves them about, and sometimes onto one processor together; every round is then
another experiment.

Next: settings.py.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """The numbers of two processors."""

    server: int
    load: int


def places() -> Places | None:
    """Return two processors, on two cores if there are so many; None where there is nothing to choose."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return None
    others = [each for each in usable if each not in siblings(usable[0])]
    return Places(usable[0], (others or usable[1:])[0])


def siblings(processor: int) -> set[int]:
    """Return the processors that share a core with this one, itself among them, as far as that is told."""
    file = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    found = {processor}
    with suppress(OSError, ValueError):
        for part in file.read_text().split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    return found


def pin(pid: int, processor: int) -> None:
    """Keep all threads of a process on one processor; those that they start later inherit it."""
    for thread in threads(pid):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(thread, {processor})


def threads(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return [pid]
