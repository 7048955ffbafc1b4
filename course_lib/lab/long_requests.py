"""Do threads compute at the same time? Two probes at one server: short requests, and long ones.

The server has a process of its own, so that our clients do not compete with it for Python's lock. One
client asks for nothing again and again, and counts its answers. Meanwhile first one client and then
two at the same time ask for a piece of work.

After D. Beazley, "Python Concurrency From the Ground Up", PyCon 2015.

Read gauntlet/child.py first.
"""

import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from course_lib.conversation import Conversation
from course_lib.lab.gauntlet.child import Child
from course_lib.lab.picture import BLOCKED, GRID, INK, LARGE, NORMAL, RUNNING, Picture, draw_bar, new_figure
from course_lib.lab.servable import Servable, name_of
from course_lib.servers import rung
from course_lib.servers.base import Address

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORK = 0.2
"""Seconds of processor time that a long request asks for."""

QUIET = 0.15
"""Seconds before, between and after the long requests."""

BIN = 0.025
"""Seconds over which answers are counted."""

PATIENCE = 10.0
"""Seconds after which a client gives up."""


class Work(Conversation):
    """Each request is a number: so many milliseconds of processor time does the answer take."""

    def receive(self, data: bytes) -> bytes:
        end = time.thread_time() + int(data) / 1000
        while time.thread_time() < end:
            pass
        return data


class Long(NamedTuple):
    """One long request, in seconds since the beginning."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class LongRequests(Picture):
    """The picture; ``answers`` are the times of the short ones, ``longs`` one alone and then two at once."""

    def __init__(self, name: str, answers: list[float], longs: list[Long], seconds: float) -> None:
        self.answers = answers
        self.longs = longs
        self.seconds = seconds
        figure = new_figure(960, 380)
        figure.set_layout_engine("constrained")
        rates, lanes = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        draw_rates(rates, answers, seconds)
        draw_longs(lanes, longs)
        super().__init__(figure, "\n".join((f"{name}: {self.short_words()}", f"{name}: {self.long_words()}")))

    def rate(self, start: float, end: float) -> float:
        """Return the answers in a second from ``start`` to ``end``."""
        return sum(start <= when < end for when in self.answers) / (end - start)

    def short_words(self) -> str:
        """Compare the short requests beside a long one with those that were alone."""
        alone, beside = self.rate(0.0, self.longs[0].start), self.rate(*self.longs[0])
        fewer = "fewer than half as many" if beside < alone / 2 else "nearly as many"
        return f"while a long request is at work, {fewer} short ones are answered in a second"

    def long_words(self) -> str:
        """Say whether two long requests were at work at the same time, on two processors."""
        quickest = min(long.seconds for long in self.longs[1:])
        if quickest > 1.5 * WORK:
            return "two long requests at once share one processor: neither is done before both nearly are"
        return "two long requests at once each have a processor"


def long_requests(server: Servable = "threaded") -> LongRequests:
    """Put both probes to a new process of the server, and return the picture; 2 s on a machine at rest."""
    served = rung(server) if isinstance(server, str) else server
    answers: list[float] = []
    with ExitStack() as ending:
        child = ending.enter_context(Child(served, Work))
        address = child.start()
        over = threading.Event()
        zero = time.perf_counter()
        short = threading.Thread(target=ask_again, args=(address, zero, answers, over), daemon=True)
        short.start()
        ending.callback(short.join, PATIENCE)
        ending.callback(over.set)
        time.sleep(QUIET)
        longs = ask_for_work(address, zero, 1)
        time.sleep(QUIET)
        longs += ask_for_work(address, zero, 2)
        time.sleep(QUIET)
        seconds = time.perf_counter() - zero
    return LongRequests(name_of(server), answers, longs, seconds)


def ask_again(address: Address, zero: float, answers: list[float], over: threading.Event) -> None:
    """Ask for nothing until it is over, each time when the answer to the last question is there."""
    try:
        with socket.create_connection(address, PATIENCE) as client:
            while not over.is_set():
                client.sendall(b"0")
                if not client.recv(16):
                    return
                answers.append(time.perf_counter() - zero)
    except OSError:
        pass  # the experiment has been broken off, and the server is gone


def ask_for_work(address: Address, zero: float, number: int) -> list[Long]:
    """Send so many long requests at the same time, and return them when all are answered."""
    longs: list[Long] = []
    threads = [
        threading.Thread(target=ask_once, args=(address, zero, longs), daemon=True) for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(longs) < number:
        raise RuntimeError("the server has not answered a long request")
    return longs


def ask_once(address: Address, zero: float, longs: list[Long]) -> None:
    """Send one long request, and note it when it is answered."""
    try:
        with socket.create_connection(address, PATIENCE) as client:
            start = time.perf_counter() - zero
            client.sendall(f"{WORK * 1000:.0f}".encode())
            if client.recv(16):
                longs.append(Long(start, time.perf_counter() - zero))
    except OSError:
        pass  # as above


def draw_rates(axes: "Axes", answers: list[float], seconds: float) -> None:
    """Draw the answers to short requests, a step for each BIN."""
    counts = Counter(int(when / BIN) for when in answers)
    bins = range(int(seconds / BIN))
    rates = [counts[index] / BIN for index in bins]
    edges = [index * BIN for index in (*bins, len(bins))]
    axes.stairs(rates, edges, fill=True, facecolor=RUNNING.face, edgecolor=RUNNING.edge)
    axes.set_title(
        "short requests answered, per second", loc="left", fontsize=LARGE, fontweight="bold", color=INK
    )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    plain(axes)


def draw_longs(axes: "Axes", longs: list[Long]) -> None:
    """Draw a lane for each long request."""
    labels = ["one alone", "two at once", "two at once"]
    for lane, long in enumerate(longs):
        draw_bar(axes, lane, long.start, long.end, BLOCKED)
        axes.text(long.end, lane, f"  {long.seconds * 1000:.0f} ms", va="center", fontsize=NORMAL, color=INK)
    axes.set_title(
        f"long requests, each of {WORK * 1000:.0f} ms of work",
        loc="left",
        fontsize=LARGE,
        fontweight="bold",
        color=INK,
    )
    axes.set_yticks(range(len(longs)), labels)
    axes.set_ylim(len(longs) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds", fontsize=NORMAL, color=INK)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    plain(axes)


def plain(axes: "Axes") -> None:
    axes.tick_params(labelsize=NORMAL, labelcolor=INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
