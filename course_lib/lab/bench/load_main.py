"""The load's own process: it connects, talks, holds connections open, each at the parent's command.

Read echo_load.py first. Next: load.py, the parent's side.
"""

import gc
import json
import os
import queue
import socket
import sys
import threading
import time
from contextlib import ExitStack, closing
from typing import Any

from course_lib.lab.bench.cpu_clock import CpuClock, queued_seconds
from course_lib.lab.bench.echo_load import Failed, Talk, come
from course_lib.lab.bench.stats import percentile
from course_lib.lab.explain import one_line

RAMP = 0.1
"""The share of the measured time that runs before it, unmeasured."""


def main() -> None:
    sys.path[:] = json.loads(sys.stdin.readline())["path"]
    gc.disable()  # it would stop the talk now and then, and finds nothing
    commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=read, args=(commands,), daemon=True).start()
    with ExitStack() as held:
        while True:
            command = commands.get()
            try:
                facts = DO[command.pop("do")](held, **command)
            except (Failed, OSError) as error:
                facts = {"failed": in_words(error)}
            print(json.dumps({"event": "done", **facts}), flush=True)  # noqa: T201


def read(commands: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        commands.put(json.loads(line))
    os._exit(0)  # the parent is gone, or does not need us any more


def in_words(error: Exception) -> str:
    match error:
        case Failed():
            return str(error)
        case TimeoutError():
            return "no answer came in time"
        case ConnectionRefusedError():
            return "it refused a connection"
        case ConnectionError():
            return "it closed the connection"
        case _:
            return one_line(error)


def come_all(
    stack: ExitStack, address: list[Any], count: int, size: int, limit: float
) -> list[socket.socket]:
    """Return ``count`` connections, all of which the server has answered; ``stack`` closes them."""
    end = time.monotonic() + limit
    sockets = []
    for number in range(1, count + 1):
        try:
            sockets.append(stack.enter_context(come((address[0], address[1]), size)))
        except (Failed, OSError) as error:
            raise Failed(f"connection {number} of {count}: {in_words(error)}") from None
        if time.monotonic() > end:
            raise Failed(f"only {number} of {count} connections were made in {limit:g} s")
    return sockets


def hold(held: ExitStack, address: list[Any], count: int, size: int, limit: float) -> dict[str, Any]:
    """Hold ``count`` connections open until ``release``; none where one of them fails."""
    with ExitStack() as stack:
        come_all(stack, address, count, size, limit)
        held.enter_context(stack.pop_all())
    return {}


def release(held: ExitStack) -> dict[str, Any]:
    held.close()
    return {}


def measure(
    held: ExitStack,
    address: list[Any],
    pids: list[int],
    connections: int,
    idle: int,
    size: int,
    seconds: float,
    limit: float,
) -> dict[str, Any]:
    """Talk for so many seconds; return what was measured, times in seconds."""
    with ExitStack() as stack:
        come_all(stack, address, idle, size, limit)
        sockets = come_all(stack, address, connections, size, limit)
        talk = stack.enter_context(closing(Talk(sockets, os.urandom(size))))
        talk.run(seconds * RAMP)
        server = CpuClock(pids)
        before = queued_seconds(), server.read(), time.process_time()
        latencies, lasted = talk.run(seconds)
        after = queued_seconds(), server.read(), time.process_time()
        ordered = sorted([*latencies, *talk.finish()])
    return {
        "requests": len(latencies),
        "seconds": lasted,
        "p50": percentile(ordered, 50),
        "p99": percentile(ordered, 99),
        "slowest": ordered[-1],
        "load_queued": after[0] - before[0],
        "server_cpu": after[1] - before[1],
        "load_cpu": after[2] - before[2],
    }


DO = {"hold": hold, "release": release, "measure": measure}


if __name__ == "__main__":
    main()
