"""What does one wake-up cost, and how does that depend on the descriptors that are idle?

One socket has a byte to read, the others have nothing. Each call is asked again and again who is
ready, and each time there is one answer. The time of the call is taken, and nothing else: the
sending and the reading are the same for all of them.

Read picture.py and descriptor_room.py first.
"""

import select
import socket
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.lab.descriptor_room import room_for
from course_lib.lab.picture import (
    ANSWERED,
    BLOCKED,
    FAILED,
    GRID,
    INK,
    NORMAL,
    RUNNING,
    SMALL,
    Picture,
    new_figure,
)

FD_SETSIZE = 1024
"""select takes no descriptor of this number or above."""

IDLE = (10, 200, 400, 600, 800, 900, 1200, 1600, 2400, 3200)
"""How many idle descriptors are watched, as far as this process may have so many."""

SPARE = 300
"""Descriptors that the process may have open already."""

ROUNDS = 60
"""Wake-ups for each number; the median counts, so that an interruption does not."""

GROWS = 4.0
"""From this factor between the fewest and the most on, the cost is said to grow."""

STYLES = {
    "select": (FAILED.color, "X"),
    "poll": (BLOCKED.edge, "s"),
    "epoll": (ANSWERED.color, "o"),
    "kqueue": (RUNNING.edge, "^"),
}
"""How each call is drawn, by color and by shape."""


class Cost(NamedTuple):
    """With ``idle`` idle descriptors, one wake-up of ``call`` takes ``seconds``."""

    call: str
    idle: int
    seconds: float


Wait = Callable[[], object]
"""Returns as soon as something is ready."""


def wait_select(descriptors: list[int], stack: ExitStack) -> Wait:
    return lambda: select.select(descriptors, [], [])


def wait_poll(descriptors: list[int], stack: ExitStack) -> Wait:
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    return poller.poll


def wait_epoll(descriptors: list[int], stack: ExitStack) -> Wait:
    poller = stack.enter_context(select.epoll())
    for descriptor in descriptors:
        poller.register(descriptor, select.EPOLLIN)
    return poller.poll


def wait_kqueue(descriptors: list[int], stack: ExitStack) -> Wait:
    queue = select.kqueue()
    stack.callback(queue.close)
    queue.control([select.kevent(each, select.KQ_FILTER_READ, select.KQ_EV_ADD) for each in descriptors], 0)
    return lambda: queue.control(None, 16)


CALLS = {"select": wait_select, "poll": wait_poll, "epoll": wait_epoll, "kqueue": wait_kqueue}


def measure(call: str, idle: list[int]) -> Cost | None:
    """Measure ``call`` with the descriptors in ``idle``; None where select cannot have them all."""
    with ExitStack() as stack:
        sender, receiver = map(stack.enter_context, socket.socketpair())
        descriptors = [*idle, receiver.fileno()]
        if call == "select" and max(descriptors) >= FD_SETSIZE:
            return None
        wait = CALLS[call](descriptors, stack)
        seconds = []
        for _ in range(ROUNDS):
            sender.send(b"x")
            start = time.perf_counter()
            wait()
            seconds.append(time.perf_counter() - start)
            receiver.recv(1)
        return Cost(call, len(idle), statistics.median(seconds))


def measure_all(numbers: Iterable[int] = IDLE) -> list[Cost]:
    """Measure every call that this system has, with so many idle descriptors; leave them all closed."""
    calls = [call for call in CALLS if hasattr(select, call)]
    costs = []
    with ExitStack() as stack:
        idle: list[int] = []
        for number in sorted(numbers):
            if not stack.enter_context(room_for(number + SPARE)):
                break
            while len(idle) < number:
                idle += [stack.enter_context(each).fileno() for each in socket.socketpair()]
            costs += filter(None, (measure(call, idle) for call in calls))
    return costs


def grows(costs: list[Cost]) -> bool:
    return max(costs).seconds >= GROWS * min(costs).seconds


def verdict(costs: list[Cost]) -> str:
    """Say how the cost of each call depends on the idle descriptors. No times, and no numbers."""
    lines = []
    for call, own in by_call(costs).items():
        if len(own) < 2:
            lines.append(f"{call}: not measured, there is no room for enough descriptors")
        elif grows(own):
            lines.append(f"{call}: the more descriptors are idle, the more one wake-up costs")
        else:
            lines.append(f"{call}: idle descriptors cost nothing")
    return "\n".join(lines)


def by_call(costs: list[Cost]) -> dict[str, list[Cost]]:
    """Return the costs of each call, from the fewest idle descriptors to the most."""
    calls = {cost.call: None for cost in costs}
    return {call: sorted(cost for cost in costs if cost.call == call) for call in calls}


class WakeupCost(Picture):
    """The picture; ``costs`` holds the measurement behind it."""

    def __init__(self, costs: list[Cost]) -> None:
        self.costs = costs
        figure = new_figure(960, 420)
        figure.subplots_adjust(left=0.09, right=0.9, top=0.96, bottom=0.14)
        draw(figure.subplots(), costs)
        super().__init__(figure, verdict(costs))


def wakeup_cost() -> WakeupCost:
    """Measure what one wake-up costs, for about a second, and return the picture of it."""
    return WakeupCost(measure_all())


def draw(axes: Axes, costs: list[Cost]) -> None:
    for call, own in by_call(costs).items():
        color, shape = STYLES[call]
        idle, micros = [cost.idle for cost in own], [cost.seconds * 1e6 for cost in own]
        over = call == "select"  # it costs as much as poll, and is drawn upon it
        axes.plot(
            idle,
            micros,
            color=color,
            linestyle="--" if over else "-",
            marker=shape,
            markersize=8 if over else 7,
            markeredgecolor="white",
            zorder=4 if over else 3,
        )
        axes.annotate(
            call,
            (idle[-1], micros[-1]),
            xytext=(-10, 8) if over else (10, 0),
            textcoords="offset points",
            ha="right" if over else "left",
            va="center",
            fontsize=NORMAL,
            fontweight="bold",
            color=INK,
        )
    if "select" in by_call(costs) and max(costs, key=lambda cost: cost.idle).idle > FD_SETSIZE:
        axes.axvline(FD_SETSIZE, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            "select ends here:\nno descriptor above 1023",
            (FD_SETSIZE, 0.97),
            xycoords=("data", "axes fraction"),
            xytext=(8, 0),
            textcoords="offset points",
            va="top",
            fontsize=NORMAL,
            color=INK,
        )
    axes.set_xlim(0)
    axes.set_ylim(bottom=-0.03 * max(cost.seconds for cost in costs) * 1e6)
    axes.set_xlabel(
        "idle descriptors that are watched beside the one that is ready", fontsize=NORMAL, color=INK
    )
    axes.set_ylabel("one wake-up, in microseconds", fontsize=NORMAL, color=INK)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
