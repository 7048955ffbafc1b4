"""What one more connection costs in memory: a fresh process, before and after many silent clients.

Only the memory of the process is counted. The kernel's own share, its buffers and its tables, is the same for
all servers and is not seen here.

Read load.py and entrants.py first. Next: runner.py.
"""

import psutil

from course_lib.lab.bench.entrants import Entrant
from course_lib.lab.bench.load import Load
from course_lib.lab.bench.settings import SPARE, Settings
from course_lib.lab.machine import descriptor_limits

CLIENTS = 1000
"""So many that what each of them costs stands out from what the process does anyway."""

FEWEST = 100
"""With fewer there is nothing to be seen, and it is not tried."""


def clients_for(entrant: Entrant) -> int:
    """Return how many clients this server can have here; 0 where they would be too few."""
    limits = descriptor_limits()
    soft = CLIENTS if limits is None or limits[0] < 0 else limits[0] - SPARE
    clients = min(CLIENTS, soft, entrant.most or CLIENTS)
    return clients if clients >= FEWEST else 0


def measure(entrant: Entrant, load: Load, size: int = Settings.size) -> float | None:
    """Return the bytes that one silent client adds, once it has been answered; None where it cannot be told.

    Raises Failed, ChildError.
    """
    clients = clients_for(entrant)
    if not clients or entrant.make is None:
        return None
    with entrant.make() as server:
        address = server.start()
        load.hold(address, 1, size)  # what only the first client costs
        load.release()
        before = private_memory(server.process)
        load.hold(address, clients, size)
        after = private_memory(server.process)
        load.release()
        return (after - before) / clients


def private_memory(process: psutil.Process) -> int:
    """Return the bytes of resident memory that this process has for itself, its child processes included.

    The kernel counts plain resident memory (rss) by the way, and may be some hundred KiB behind.
    """
    return sum(map(private_memory_of_one, [process, *process.children(recursive=True)]))


def private_memory_of_one(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
