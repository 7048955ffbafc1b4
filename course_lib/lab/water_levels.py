"""Where do the bytes wait that a client does not read? A server that talks on and on, measured and drawn.

    water_levels((None, None), (256 * 1024, 64 * 1024))      without a limit, and with two watermarks

The server has a piece to say in every round of its loop, and says it unless it is paused. The client reads
nothing in the first half of the rounds; in the second it reads as many bytes a round as you say. Server and
client are in one thread, so that a round is a round.

Read ../eventloop/transport.py and picture.py first.
"""

import socket
from contextlib import closing
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.clients import pair
from course_lib.eventloop import Protocol, Reactor, Transport
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, RUNNING, SMALL, Picture, new_figure

PIECE = 16 * 1024
"""Bytes that the server has to say in each round."""

ROUNDS = 400
KERNEL = 32 * 1024
"""Room that either side asks the kernel for: little, so that the picture is about ours."""

FAST, SLOW = 2 * PIECE, PIECE // 2
"""Bytes that a client reads in a round: more, or less, than the server has to say."""

NO_LIMIT = 1 << 60
KIB = 1024


class Talker(Protocol):
    """Says a piece in each round, unless it is paused."""

    def connection_made(self, transport: Transport) -> None:
        self.transport = transport
        self.paused = False
        self.pauses = 0
        self.said = 0

    def speak(self) -> None:
        if not self.paused:
            self.said += PIECE
            self.transport.write(bytes(PIECE))

    def pause_writing(self) -> None:
        self.paused = True
        self.pauses += 1

    def resume_writing(self) -> None:
        self.paused = False


class Level(NamedTuple):
    """One round: bytes kept by the server, bytes in the two kernels; and whether the server is paused."""

    kept: int
    kernels: int
    paused: bool


class Run(NamedTuple):
    """All rounds of one server. ``high`` is None where there is no limit."""

    high: int | None
    low: int
    levels: list[Level]
    pauses: int

    @property
    def most(self) -> int:
        """The most bytes that the server has kept."""
        return max(level.kept for level in self.levels)

    @property
    def label(self) -> str:
        if self.high is None:
            return "no limit"
        marks = f"high {self.high // KIB} KiB"
        return f"{marks}, low {self.low // KIB} KiB" if self.low < self.high else f"one mark, {marks}"

    def words(self) -> str:
        """Say what is the same in every run."""
        if self.high is None:
            return f"{self.label}: the server keeps all that is not read"
        bound = "at most that and a piece" if self.most <= self.high + PIECE else "more than that"
        often = "again and again" if self.pauses > 1 else "once"
        return f"{self.label}: the server keeps {bound}, and is paused {often}"


def measure(high: int | None = None, low: int | None = None, reads: int = FAST) -> Run:
    """Let the server talk through all rounds; in the second half the client reads ``reads`` bytes a round."""
    limit = NO_LIMIT if high is None else high
    low = limit // 4 if low is None else low
    levels, read = [], 0
    with pair() as (client, sock), closing(Reactor()) as reactor:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        client.setblocking(False)
        talker = Talker()
        transport = Transport(reactor, sock, talker, high=limit, low=low)
        for number in range(ROUNDS):
            reactor.call_soon(talker.speak)
            reactor.run_once(0)
            if number >= ROUNDS // 2:
                read += taken(client, reads)
            kept = transport.pending
            levels.append(Level(kept, talker.said - kept - read, talker.paused))
        transport.abort()
    return Run(high, low, levels, talker.pauses)


def taken(client: socket.socket, most: int) -> int:
    """Let the client read; return how many bytes it got."""
    try:
        return len(client.recv(most))
    except BlockingIOError:
        return 0


class WaterLevels(Picture):
    """The picture; ``runs`` holds the measurement behind it."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs
        figure = new_figure(960, 320)
        figure.set_layout_engine("constrained")
        row = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
        for axes, run in zip(row, runs, strict=True):
            draw(axes, run)
        row[0].set_ylabel("KiB that wait", size=NORMAL, color=INK)
        handles, labels = row[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=NORMAL, frameon=False)
        super().__init__(figure, "\n".join(run.words() for run in runs))


def water_levels(*marks: tuple[int | None, int | None], reads: int = FAST) -> WaterLevels:
    """Return the picture of a server for each (high, low), in bytes; a ``high`` of None is no limit."""
    if not marks:
        raise TypeError("water_levels needs a pair of marks (high, low), or several")
    return WaterLevels([measure(high, low, reads) for high, low in marks])


def draw(axes: Axes, run: Run) -> None:
    rounds = range(len(run.levels))
    kernels = [level.kernels / KIB for level in run.levels]
    kept = [level.kept / KIB for level in run.levels]
    axes.stackplot(
        rounds,
        kernels,
        kept,
        labels=["in the kernels", "kept by the server"],
        colors=[RUNNING.face, BLOCKED.face],
        edgecolor="white",
        linewidth=0.5,
    )
    axes.axvline(
        ROUNDS // 2, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="from here on the client reads"
    )
    axes.set_title(run.label, loc="left", fontsize=LARGE, fontweight="bold", color=INK)
    axes.set_xlabel("rounds of the loop", size=NORMAL, color=INK)
    axes.set_xlim(0, ROUNDS)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
