"""What does it cost to wait for a message, and how late is it heard? Three ways, measured.

    cpu_gauge()

A thread sends a message now and then, each with the time at which it was sent. The main thread asks a
non-blocking socket for it. The three ways differ in what they do after each "not now".

Read picture.py and ../clients.py first.
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.clients import pair
from course_lib.lab.picture import (
    BLOCKED,
    GRID,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    Ink,
    Picture,
    draw_bar,
    new_figure,
)

NAP = 0.01
"""Seconds that ``spin + sleep`` sleeps between two questions."""

# Of different lengths, so that no way of waiting happens to keep step with them.
PAUSES = (0.023, 0.031, 0.018, 0.027, 0.034, 0.021, 0.029, 0.016, 0.033, 0.025, 0.019, 0.030, 0.024)
"""Seconds before each of the messages."""

STAMP = struct.Struct("!d")
"""A message: the time (``time.perf_counter``) at which it was sent."""

ATTEMPTS = 3
"""Measurements before a busy machine is believed."""


def spin(sock: socket.socket) -> None:
    """Ask again at once."""


def spin_and_sleep(sock: socket.socket) -> None:
    """Sleep for a while, whatever comes."""
    time.sleep(NAP)


def sleep_in_select(sock: socket.socket) -> None:
    """Sleep until something comes."""
    select.select([sock], [], [])


WAYS: dict[str, Callable[[socket.socket], None]] = {
    "spin": spin,
    "spin + sleep": spin_and_sleep,
    "select": sleep_in_select,
}


class Gauged(NamedTuple):
    """What one way has cost: the share of a processor, and the usual delay of a message in seconds."""

    way: str
    share: float
    delay: float
    questions: int
    """Calls of ``recv`` for all messages together."""


def cpu_gauge() -> "CpuGauge":
    """Measure the three ways, a third of a second each, and return the picture of it."""
    for _ in range(ATTEMPTS):
        gauge = CpuGauge([measure(way) for way in WAYS])
        if gauge.text == EXPECTED:
            break
    return gauge


def measure(way: str) -> Gauged:
    """Wait for all messages in one of the WAYS."""
    between, delays, questions = WAYS[way], [], 0
    with pair() as (left, right):
        right.setblocking(False)
        stop = threading.Event()
        sender = threading.Thread(target=send_now_and_then, args=(left, stop))
        sender.start()
        try:
            start, cpu = time.perf_counter(), time.thread_time()
            while len(delays) < len(PAUSES):
                questions += 1
                try:
                    stamp = right.recv(STAMP.size)
                except BlockingIOError:
                    between(right)
                else:
                    delays.append(time.perf_counter() - STAMP.unpack(stamp)[0])
            share = (time.thread_time() - cpu) / (time.perf_counter() - start)
        finally:  # also after an interrupt
            stop.set()
            sender.join()
    return Gauged(way, share, median(delays), questions)


def send_now_and_then(sock: socket.socket, stop: threading.Event) -> None:
    for pause in PAUSES:
        if stop.wait(pause):
            return
        sock.sendall(STAMP.pack(time.perf_counter()))


class CpuGauge(Picture):
    """The picture; ``gauged`` holds the numbers behind it."""

    def __init__(self, gauged: list[Gauged]) -> None:
        self.gauged = gauged
        figure = new_figure(960, 240)
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2)
        shares, delays = [each.share * 100 for each in gauged], [each.delay * 1000 for each in gauged]
        words = [
            f"{share:.1f} %, {each.questions:,} questions" for share, each in zip(shares, gauged, strict=True)
        ]
        draw(left, "processor used, in percent", shares, words, RUNNING)
        left.set_xticks(range(0, 101, 20))
        left.set_yticks(range(len(gauged)), [each.way for each in gauged], size=LARGE, color=INK)
        draw(right, "delay of a message, in milliseconds", delays, [f"{ms:.2f} ms" for ms in delays], BLOCKED)
        right.set_yticks([])
        super().__init__(figure, describe(gauged))


def describe(gauged: list[Gauged]) -> str:
    """Say which ways are busy, and which hear late, compared with the worst of them."""
    most, latest = max(each.share for each in gauged), max(each.delay for each in gauged)
    return "\n".join(
        f"{each.way}: {'keeps the processor busy' if each.share > most / 3 else 'rests'}, "
        f"hears a message {'late' if each.delay > latest / 3 else 'at once'}"
        for each in gauged
    )


EXPECTED = """\
spin: keeps the processor busy, hears a message at once
spin + sleep: rests, hears a message late
select: rests, hears a message at once"""
"""What is measured on a machine that has nothing else to do."""


def draw(axes: Axes, title: str, values: list[float], words: list[str], ink: Ink) -> None:
    """Draw one bar for each way, the first on top, with what it says behind it."""
    most = max(values)
    for lane, (value, label) in enumerate(zip(values, words, strict=True)):
        draw_bar(axes, lane, 0, value, ink)
        axes.annotate(
            label, (value, lane), (6, 0), textcoords="offset points", va="center", size=NORMAL, color=INK
        )
    axes.set_title(title, loc="left", fontsize=NORMAL, color=INK)
    axes.set_xlim(0, most * 1.75)
    axes.set_ylim(len(values) - 0.4, -0.6)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    axes.tick_params(axis="y", labelsize=LARGE)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
