"""What does a server do while there is no descriptor left for those who wait? Measured in processes, drawn.

    crowded("reactor", MyServer)

Each server has a process of its own that may open 64 descriptors; 100 clients come. After the first third of
a second the server should sleep: there is nothing that it could do.

Read gauntlet/child.py and picture.py first.
"""

import socket
import time
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

import psutil

from course_lib.conversation import Echo
from course_lib.lab.gauntlet.child import Child
from course_lib.lab.gauntlet.target import cpu_seconds, wanted_seconds
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, RUNNING, Picture, draw_bar, new_figure
from course_lib.lab.servable import Servable, name_of
from course_lib.servers import rung

DESCRIPTORS = 64
CLIENTS = 100
SETTLE, LOOK, LOOKS = 0.3, 0.15, 3
"""Seconds before the looks at the processor, how long each is, and how many there are."""

BUSY = 0.5
"""A share of a processor above which a server is called busy. One that sleeps wants hardly any."""


class Crowded(NamedTuple):
    """One server: the share of a processor that it wanted while nobody could be let in."""

    name: str
    share: float

    def words(self) -> str:
        return f"{self.name}: {'keeps a processor busy' if self.share > BUSY else 'sleeps'}"


def measure(server: Servable) -> Crowded:
    """Let the clients come to a new process of ``server``, and look at its use of the processor."""
    kind = rung(server) if isinstance(server, str) else server
    with ExitStack() as clients, Child(kind, Echo, nofile=DESCRIPTORS) as child:
        address = child.start()
        for _ in range(CLIENTS):
            clients.enter_context(socket.create_connection(address, timeout=5))
        time.sleep(SETTLE)
        share = median(busy_share(child.process) for _ in range(LOOKS))  # one may fall into a bad moment
    return Crowded(name_of(server), min(1.0, share))


def busy_share(process: psutil.Process) -> float:
    """Return the share of a processor that ``process`` uses, or waits for, during one look."""
    start, used, wanted = time.monotonic(), cpu_seconds(process), wanted_seconds(process)
    time.sleep(LOOK)
    more = max(cpu_seconds(process) - used, wanted_seconds(process) - wanted)
    return more / (time.monotonic() - start)


class CrowdedServers(Picture):
    """The picture; ``runs`` holds the measurement behind it."""

    def __init__(self, runs: list[Crowded]) -> None:
        self.runs = runs
        figure = new_figure(960, 70 + 40 * len(runs))
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for lane, run in enumerate(reversed(runs)):
            draw_bar(axes, lane, 0, run.share * 100, BLOCKED if run.share > BUSY else RUNNING)
            axes.annotate(
                f"{run.share:.0%}", (run.share * 100, lane), (6, 0), textcoords="offset points", va="center",
                size=NORMAL, color=INK,
            )  # fmt: skip
        axes.set_yticks(range(len(runs)), [run.name for run in reversed(runs)], size=NORMAL, color=INK)
        axes.set_xlim(0, 112)
        axes.set_ylim(-0.6, len(runs) - 0.4)
        axes.set_title(
            f"{CLIENTS} clients, {DESCRIPTORS} descriptors: a processor in use, or waited for, in %",
            loc="left", fontsize=LARGE, fontweight="bold", color=INK,
        )  # fmt: skip
        axes.tick_params(length=0, labelcolor=INK)
        axes.grid(color=GRID, axis="x")
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        super().__init__(figure, "\n".join(run.words() for run in runs))


def crowded(*servers: Servable) -> CrowdedServers:
    """Measure servers of the ladder, by name, or classes of their shape; about a second each."""
    if not servers:
        raise TypeError("crowded needs a server, or several")
    return CrowdedServers([measure(server) for server in servers])
