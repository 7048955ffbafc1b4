"""What does one more client cost? The memory of a server's process, against the clients that are connected.

Each server has a process of its own here, since memory is a fact of a process. A client connects, has
one word sent back, and stays, silent.

Read gauntlet/child.py first.
"""

import socket
from contextlib import ExitStack
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.conversation import Echo
from course_lib.lab.gauntlet.child import Child
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, RUNNING, Picture, new_figure
from course_lib.lab.servable import name_of
from course_lib.servers import rung
from course_lib.servers.base import Address

STEPS = (0, 50, 100, 150, 200)
"""Numbers of clients at which the process is looked at."""

LITTLE = 3 * 1024
"""Bytes for a client: without a thread for it a server needs far fewer, with one it needs far more."""

STYLES = ((BLOCKED.edge, "o"), (RUNNING.edge, "s"), (INK, "^"))
KIB = 1024


class Look(NamedTuple):
    """The process of a server with so many clients."""

    clients: int
    threads: int
    resident: int
    """Bytes of memory that it uses."""


class MemoryRun(NamedTuple):
    """All looks at one server, that without clients first."""

    name: str
    looks: list[Look]

    @property
    def per_client(self) -> float:
        """Bytes of memory that each client has added."""
        first, last = self.looks[0], self.looks[-1]
        return (last.resident - first.resident) / (last.clients - first.clients)

    def words(self) -> str:
        """Say what is the same in every run."""
        first, last = self.looks[0], self.looks[-1]
        threads = "one more thread" if last.threads - first.threads >= last.clients else "no thread"
        share = "many KiB of memory" if self.per_client > LITTLE else "hardly any memory"
        return f"{self.name}: each client costs {threads} and {share}"


class ClientMemory(Picture):
    """The picture; ``runs`` holds the measurement behind it."""

    def __init__(self, runs: list[MemoryRun]) -> None:
        self.runs = runs
        figure = new_figure(960, 270)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for run, (color, shape) in zip(runs, STYLES, strict=False):
            draw_line(axes, run, color, shape)
        finish(axes)
        super().__init__(figure, "\n".join(run.words() for run in runs))


def client_memory(*names: str) -> ClientMemory:
    """Measure rungs of the ladder, by name, and return the picture of them; about half a second each."""
    if not names:
        raise TypeError("client_memory needs the name of a rung, or several")
    return ClientMemory([measure(name) for name in names])


def measure(name: str) -> MemoryRun:
    """Let clients come to a new process of the rung ``name``, and look at it at each of the STEPS."""
    looks = []
    with ExitStack() as clients, Child(rung(name), Echo) as child:
        address = child.start()
        count = 0
        for step in STEPS:
            for _ in range(step - count):
                clients.enter_context(come(address))
            count = step
            looks.append(Look(step, child.process.num_threads(), child.process.memory_info().rss))
    return MemoryRun(name_of(name), looks)


def come(address: Address) -> socket.socket:
    """Return a client that is connected, and has been served once."""
    client = socket.create_connection(address, timeout=5.0)
    try:
        client.sendall(b"x")
        client.recv(1)
    except BaseException:
        client.close()
        raise
    return client


def draw_line(axes: Axes, run: MemoryRun, color: str, shape: str) -> None:
    axes.plot(
        [look.clients for look in run.looks],
        [(look.resident - run.looks[0].resident) / KIB / KIB for look in run.looks],
        color=color,
        marker=shape,
        markeredgecolor="white",
        markersize=8,
        linewidth=2,
        label=f"{run.name}: {run.per_client / KIB:.1f} KiB a client",
    )


def finish(axes: Axes) -> None:
    axes.set_title(
        "memory of the server's process: MiB more than without clients",
        loc="left",
        fontsize=LARGE,
        fontweight="bold",
        color=INK,
    )
    axes.set_xlabel("clients connected, all of them silent", fontsize=NORMAL, color=INK)
    axes.set_xticks(STEPS)
    axes.set_xlim(0, STEPS[-1] * 1.03)
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=NORMAL, labelcolor=INK, length=0)
    axes.grid(color=GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=NORMAL, frameon=False, loc="upper left")
