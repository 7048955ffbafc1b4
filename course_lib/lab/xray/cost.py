"""What the x-ray costs: ``python -m course_lib.lab.xray.cost``.

Each figure is the best of many short rounds, since a shared machine only ever makes a round slower.

Read __init__.py first.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable

from course_lib.lab.xray import xray

ROUNDS, CALLS = 40, 2000


def seconds_per_call(work: Callable[[int], object], calls: int = CALLS, rounds: int = ROUNDS) -> float:
    """Return how long one of the calls takes that ``work(calls)`` makes."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work(calls)
        best = min(best, time.perf_counter() - start)
    return best / calls


def exchange(calls: int) -> None:
    """Send a byte and receive it, over and over."""
    first, second = socket.socketpair()
    with first, second:
        for _ in range(calls // 2):
            first.send(b"x")
            second.recv(1)


def lock(calls: int) -> None:
    """Acquire a lock that is free; to release it is a call that is not traced."""
    free = threading.Lock()
    for _ in range(calls):
        free.acquire()
        free.release()


def measure(work: Callable[[int], object]) -> tuple[float, float, float]:
    """Return the seconds of a call before, inside and after an x-ray."""
    before = seconds_per_call(work)
    with xray():
        inside = seconds_per_call(work)
    return before, inside, seconds_per_call(work)


def main() -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, microseconds a call")  # noqa: T201
    print(f"{'':24}{'before':>8}{'inside':>8}{'after':>8}{'x-ray':>8}")  # noqa: T201
    for label, work in (("socket.send, .recv", exchange), ("lock.acquire + .release", lock)):
        before, inside, after = (1e6 * each for each in measure(work))
        print(f"{label:24}{before:8.2f}{inside:8.2f}{after:8.2f}{inside - before:8.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
