"""What does it cost a loop that its tasks wait? The loop that asks beside the one that is told, measured.

    waiting_cost()

Twenty tasks sleep, each for another time, so there are twenty wake-ups in a third of a second. Counted is how
often a loop has looked at a task, and how much of the processor it has asked for.

Read small_loops/__init__.py and cpu_gauge.py first.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.lab.cpu_gauge import draw
from course_lib.lab.picture import BLOCKED, INK, LARGE, RUNNING, Picture, new_figure
from course_lib.lab.small_loops import asking, with_sockets

TASKS = 20
LASTS = 0.33
"""Seconds that the last of them sleeps."""

ATTEMPTS = 3
"""Measurements before a busy machine is believed."""

OFTEN = 100
"""More looks at a task than that, for one wake-up, are many."""


class Cost(NamedTuple):
    """What one loop has spent: the share of a processor, and looks at tasks for one wake-up."""

    name: str
    share: float
    looks: float


class Told(with_sockets.Loop):
    """Each of its callbacks here is a step of a task; they are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self.asked += 1
        super().call_soon(callback, *args)


LOOPS = {"the loop asks": asking.Loop, "the loop is told": Told}


def asked_for() -> float:
    """Return the seconds in which this thread has run, and on Linux also those in which it stood in line."""
    try:
        run, queued, _ = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
        return (int(run) + int(queued)) / 1e9
    except (OSError, ValueError):
        return time.thread_time()


def measure(name: str) -> Cost:
    loop = LOOPS[name]()
    for number in range(TASKS):
        loop.spawn(loop.sleep(LASTS * (number + 1) / TASKS))
    start, before = time.perf_counter(), asked_for()
    loop.run()
    share = min(1.0, (asked_for() - before) / (time.perf_counter() - start))  # the clocks differ a little
    return Cost(name, share, (loop.asked - TASKS) / TASKS)  # less the first look at each, when it begins


def waiting_cost() -> "WaitingCost":
    """Measure both loops, a third of a second each, and return the picture of it."""
    for _ in range(ATTEMPTS):
        picture = WaitingCost([measure(name) for name in LOOPS])
        if picture.text == EXPECTED:
            break
    return picture


class WaitingCost(Picture):
    """The picture; ``costs`` holds the numbers behind it."""

    def __init__(self, costs: list[Cost]) -> None:
        self.costs = costs
        figure = new_figure(960, 200)
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2)
        shares, looks = [each.share * 100 for each in costs], [each.looks for each in costs]
        draw(left, "processor asked for, in percent", shares, [f"{share:.1f} %" for share in shares], RUNNING)
        left.set_xticks(range(0, 101, 20))
        left.set_yticks(range(len(costs)), [each.name for each in costs], size=LARGE, color=INK)
        draw(right, "looks at a task, for each wake-up", looks, [f"{count:,.0f}" for count in looks], BLOCKED)
        right.set_yticks([])
        right.set_xticks([])
        super().__init__(figure, describe(costs))


def describe(costs: list[Cost]) -> str:
    """Say what is the same in every run: who is busy, compared with the busiest, and who looks often."""
    most = max(each.share for each in costs)
    return "\n".join(
        f"{each.name}: {'keeps the processor busy' if each.share > most / 3 else 'rests'}, "
        f"{'thousands of looks' if each.looks > OFTEN else 'one look'} at a task for each wake-up"
        for each in costs
    )


EXPECTED = """\
the loop asks: keeps the processor busy, thousands of looks at a task for each wake-up
the loop is told: rests, one look at a task for each wake-up"""
"""What is measured on a machine that has nothing else to do."""
