"""How long does a new client wait, when slow clients are there before it?

A slow client says one thing, hears the answer, thinks for a moment, and leaves. The newcomer comes after
so many of them; its first answer is what is timed.

Read background.py first.
"""

import socket
import threading
import time
from contextlib import ExitStack
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.lab.background import serve
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, RUNNING, Picture, new_figure
from course_lib.lab.servable import Servable, name_of
from course_lib.servers.base import Address

THINKING = 0.12
"""Seconds for which a slow client stays after its answer."""

PATIENCE = 5.0
"""Seconds after which a client gives up."""

STYLES = ((RUNNING.edge, "s", 10), (BLOCKED.edge, "o", 6), (INK, "^", 6))


class LatencyRun(NamedTuple):
    """``waited[n]``: seconds from the connect of a newcomer to its answer, beside n slow clients."""

    name: str
    waited: list[float]

    def words(self) -> str:
        """Say what is the same in every run."""
        at_once = [seconds < THINKING / 2 for seconds in self.waited]
        if all(at_once):
            return f"{self.name}: a newcomer is answered at once, however many slow clients are there"
        free = at_once.index(False)
        if any(at_once[free:]):
            return f"{self.name}: a newcomer is answered at once, or later"
        return f"{self.name}: beside {free} slow clients or more, a newcomer waits until one of them has left"


class PoolLatency(Picture):
    """The picture; ``runs`` holds the measurement behind it."""

    def __init__(self, runs: list[LatencyRun]) -> None:
        self.runs = runs
        figure = new_figure(960, 280)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for run, style in zip(runs, STYLES, strict=False):
            draw_line(axes, run, *style)
        finish(axes, max(len(run.waited) for run in runs))
        super().__init__(figure, "\n".join(run.words() for run in runs))


def pool_latency(*servers: Servable, slow: int = 8) -> PoolLatency:
    """Time a newcomer beside 0, 1, ... ``slow`` slow clients, and return the picture; up to 2 s a server."""
    if not servers:
        raise TypeError("pool_latency needs a server, or several")
    return PoolLatency([measure(server, slow) for server in servers])


def measure(server: Servable, slow: int) -> LatencyRun:
    name = name_of(server)
    with serve(server, name=f"{name} beside slow clients") as background:
        return LatencyRun(name, [newcomer_waits(background.address, number) for number in range(slow + 1)])


def newcomer_waits(address: Address, slow: int) -> float:
    """Let ``slow`` slow clients come, then a newcomer; return the seconds that it waits for its answer."""
    with ExitStack() as ending:
        over = threading.Event()
        threads = [threading.Thread(target=be_slow, args=(connect(address), over)) for _ in range(slow)]
        for thread in threads:
            thread.daemon = True
            thread.start()
            ending.callback(thread.join, PATIENCE)
        ending.callback(over.set)  # called first: those that are still here leave
        start = time.perf_counter()
        with connect(address) as newcomer:
            ask(newcomer)
        return time.perf_counter() - start


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE)


def ask(client: socket.socket) -> None:
    client.sendall(b"?")
    client.recv(1)


def be_slow(client: socket.socket, over: threading.Event) -> None:
    """Ask, think, leave; earlier when it is over."""
    with client:
        try:
            ask(client)
        except OSError:
            return  # the experiment has been broken off
        over.wait(THINKING)


def draw_line(axes: Axes, run: LatencyRun, color: str, shape: str, size: float) -> None:
    axes.plot(
        range(len(run.waited)),
        [seconds * 1000 for seconds in run.waited],
        color=color,
        marker=shape,
        markeredgecolor="white",
        markersize=size,
        linewidth=2,
        label=run.name,
    )


def finish(axes: Axes, numbers: int) -> None:
    axes.set_title(
        "milliseconds until a newcomer has its answer",
        loc="left",
        fontsize=LARGE,
        fontweight="bold",
        color=INK,
    )
    axes.set_xlabel(
        f"slow clients there before it, each staying for {THINKING * 1000:.0f} ms", fontsize=NORMAL, color=INK
    )
    axes.set_xticks(range(numbers))
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=NORMAL, labelcolor=INK, length=0)
    axes.grid(color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=NORMAL, frameon=False, loc="upper left")
