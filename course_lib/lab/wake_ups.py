"""What wakes a thread that waits in accept, recv or sendall? Each remedy is tried on each call, live.

All twelve experiments run at the same time, each with a thread and a connection of its own. A thread that
nothing has woken is freed in the end from the other side: a client comes, speaks, or leaves.

Read ../servers/stopping.py first.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_lib.clients import pair
from course_lib.lab.picture import ANSWERED, BLOCKED, INK, LARGE, NORMAL, Picture, new_figure
from course_lib.lab.waiting import POLL_SECONDS
from course_lib.lab.where import busy_seconds
from course_lib.servers.base import Address

CALLS = ("accept", "recv", "sendall")

PATIENCE = 0.2
"""Seconds after which a thread that has not woken is taken to wait on."""

SETTLE = 0.03
"""Seconds without any use of the processor after which a thread is taken to wait."""

LIMIT = 2.0
"""Seconds for whatever should be immediate."""

MORE_THAN_FITS = bytes(32 * 1024 * 1024)
"""What no system keeps for a client that does not read."""

REMEDIES: dict[str, Callable[[socket.socket], object]] = {
    "stopping = True": lambda sock: None,  # a flag: it does nothing to a socket
    "settimeout(0.01)": lambda sock: sock.settimeout(0.01),
    "close()": lambda sock: sock.close(),
    "shutdown(SHUT_RDWR)": lambda sock: sock.shutdown(socket.SHUT_RDWR),
}
"""By their names, what another thread may do to a socket on which a thread waits."""


class Sleeper:
    """One thread that waits in one call."""

    def __init__(self, call: str, sock: socket.socket, free: Callable[[], object]) -> None:
        self.call = call
        self.sock = sock
        self.free = free
        """Frees the thread from the other side, whatever has become of the socket."""
        self.woke = 0.0
        self.awake = threading.Event()
        self.thread = threading.Thread(target=self.wait, name=f"waits in {call}", daemon=True)

    def seconds_since(self, start: float, end: float) -> float | None:
        """Return how long after ``start`` it woke; None when it is asleep at ``end`` (time.monotonic)."""
        return self.woke - start if self.awake.wait(max(0.0, end - time.monotonic())) else None

    def end(self) -> None:
        """Free the thread, and wait until it has ended."""
        self.free()
        self.awake.wait(LIMIT)
        self.thread.join(LIMIT)

    def wait(self) -> None:
        try:
            match self.call:
                case "accept":
                    self.sock.accept()[0].close()
                case "recv":
                    self.sock.recv(1)
                case _:
                    self.sock.sendall(MORE_THAN_FITS)
        except OSError:
            pass  # to fail is one way of waking up
        finally:
            self.woke = time.perf_counter()
            self.awake.set()


class Outcome(NamedTuple):
    """What a remedy has done to a thread in a call; ``seconds`` until it woke, or None."""

    remedy: str
    call: str
    seconds: float | None


class WakeUps(Picture):
    """The picture; ``outcomes`` holds the measurement behind it."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes
        figure = new_figure(960, 260)
        figure.set_layout_engine("constrained")
        draw(figure.subplots(), outcomes)
        super().__init__(figure, "\n".join(self.words(remedy) for remedy in REMEDIES))

    def words(self, remedy: str) -> str:
        """Say which calls the remedy ends."""
        calls = [each.call for each in self.outcomes if each.remedy == remedy and each.seconds is not None]
        return f"{remedy} wakes {_listed(calls)}"


def _listed(calls: list[str]) -> str:
    if not calls:
        return "no thread"
    *most, last = (f"a thread in {call}" if index == 0 else call for index, call in enumerate(calls))
    return f"{', '.join(most)} or {last}" if most else last


def wake_ups() -> WakeUps:
    """Try each remedy on each call, and return the picture; about half a second."""
    with ExitStack() as ending:
        sleepers = [(remedy, put_to_sleep(call, ending)) for remedy in REMEDIES for call in CALLS]
        settle([sleeper.thread for _, sleeper in sleepers])
        started = []
        for remedy, sleeper in sleepers:
            started.append(time.perf_counter())
            REMEDIES[remedy](sleeper.sock)
        end = time.monotonic() + PATIENCE
        return WakeUps(
            [
                Outcome(remedy, sleeper.call, sleeper.seconds_since(start, end))
                for (remedy, sleeper), start in zip(sleepers, started, strict=True)
            ]
        )


def put_to_sleep(call: str, ending: ExitStack) -> Sleeper:
    """Let a new thread wait in ``call``; ``ending`` frees it and closes its sockets."""
    if call == "accept":
        sock = ending.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = sock.getsockname()
        sleeper = Sleeper(call, sock, lambda: knock(address))
    else:
        client, sock = ending.enter_context(pair())
        sock.settimeout(None)  # with a time-out Python would wait in poll, and not in the call
        sleeper = Sleeper(call, sock, client.close)
    ending.callback(sleeper.end)
    sleeper.thread.start()
    return sleeper


def knock(address: Address) -> None:
    """Connect, so that an accept returns; where nobody listens any more, none can be waiting."""
    try:
        socket.create_connection(address, LIMIT).close()
    except OSError:
        pass


def settle(threads: list[threading.Thread]) -> None:
    """Wait until no thread has used the processor for SETTLE seconds."""
    limit = since = time.monotonic()
    busy: list[float] = []
    while (now := time.monotonic()) < limit + LIMIT and now - since < SETTLE:
        time.sleep(POLL_SECONDS)
        if (again := [busy_seconds(thread) for thread in threads]) != busy:
            busy, since = again, time.monotonic()


def draw(axes: Axes, outcomes: list[Outcome]) -> None:
    """Draw a row for each remedy and a column for each call; told apart by color, hatch and words."""
    rows = list(REMEDIES)
    for outcome in outcomes:
        row, column = rows.index(outcome.remedy), CALLS.index(outcome.call)
        awake = outcome.seconds is not None
        axes.add_patch(
            Rectangle(
                (column - 0.47, row - 0.42),
                0.94,
                0.84,
                facecolor="white" if awake else BLOCKED.face,
                edgecolor=ANSWERED.color if awake else BLOCKED.edge,
                hatch=None if awake else BLOCKED.hatch,
                linewidth=1.5,
            )
        )
        words = f"woke after {outcome.seconds * 1000:.2f} ms" if outcome.seconds is not None else "waits on"
        box = None if awake else {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(column, row, words, ha="center", va="center", fontsize=NORMAL, color=INK, bbox=box)
    axes.set_xlim(-0.5, len(CALLS) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(CALLS)), [f"a thread in {call}" for call in CALLS], fontsize=LARGE)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows, fontsize=LARGE, family="monospace")
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
