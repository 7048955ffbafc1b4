"""How many bytes does the kernel take from a sender whose peer does not read? Measured, and drawn.

SO_SNDBUF says how much memory a socket may use for bytes on their way. It counts the memory, and
not the bytes: each piece that is sent is wrapped, and the wrapping counts, too.

Read picture.py first.
"""

import socket
from typing import NamedTuple

from matplotlib.axes import Axes

from course_lib.lab.picture import (
    ANSWERED,
    BLOCKED,
    GRID,
    INK,
    NORMAL,
    RUNNING,
    SMALL,
    Picture,
    new_figure,
)

ASKED = tuple(1024 * size for size in (8, 16, 32, 64, 96))
"""The sizes that the program asks for, in bytes. What the kernel grants is read back."""

LINES = ((64 * 1024, RUNNING.edge, "o"), (1024, BLOCKED.edge, "s"), (64, ANSWERED.color, "^"))
"""The sizes of the pieces, in bytes, and how each is drawn."""


class Filled(NamedTuple):
    """``taken`` bytes, sent in pieces of ``piece`` bytes, filled a socket of ``sndbuf`` bytes."""

    sndbuf: int
    piece: int
    taken: int


def fill(sock: socket.socket, piece: int) -> int:
    """Send pieces of so many bytes until there is no room; return how many bytes were taken."""
    sock.setblocking(False)
    taken, data = 0, bytes(piece)
    try:
        while True:
            taken += sock.send(data)
    except BlockingIOError:
        return taken


def measure(asked: int, piece: int) -> Filled:
    """Fill one end of a new socketpair that asks for ``asked`` bytes; nobody reads from the other."""
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, asked)
        sndbuf = ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        return Filled(sndbuf, piece, fill(ours, piece))


class Filling(Picture):
    """The picture; ``measured`` holds the numbers behind it."""

    def __init__(self, measured: list[Filled]) -> None:
        self.measured = measured
        figure = new_figure(960, 380)
        figure.set_layout_engine("constrained")
        draw(figure.subplots(), measured)
        super().__init__(figure, "\n".join(describe(measured, piece) for piece, _, _ in LINES))


def filling() -> Filling:
    """Fill socketpairs of several sizes with pieces of several sizes; return the picture of it."""
    return Filling([measure(asked, piece) for piece, _, _ in LINES for asked in ASKED])


def describe(measured: list[Filled], piece: int) -> str:
    """Say how the bytes taken compare with SO_SNDBUF; no numbers, since systems differ."""
    shares = [each.taken / each.sndbuf for each in measured if each.piece == piece]
    share = sum(shares) / len(shares)
    if share > 1.5:
        words = "more bytes are taken than SO_SNDBUF says"
    elif share > 0.75:
        words = "about as many bytes are taken as SO_SNDBUF says"
    elif share > 0.25:
        words = "less than SO_SNDBUF says"
    else:
        words = "a small part of what SO_SNDBUF says"
    return f"in pieces of {piece:,} bytes: {words}"


def draw(axes: Axes, measured: list[Filled]) -> None:
    """Draw one line for each size of piece, and a broken one where bytes and SO_SNDBUF are equal."""
    most = max(each.sndbuf for each in measured) / 1024
    end = most * 1.15
    axes.plot([0, end], [0, end], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    note(axes, "as many as SO_SNDBUF says", (end, end))
    for piece, color, shape in LINES:
        points = [(each.sndbuf / 1024, each.taken / 1024) for each in measured if each.piece == piece]
        axes.plot(*zip(*points, strict=True), color=color, marker=shape, markersize=8, linewidth=2)
        note(axes, f"in pieces of {piece:,} bytes", points[-1])
    axes.set_xlim(0, most * 1.5)
    axes.set_ylim(0, None)
    axes.set_xticks([each.sndbuf / 1024 for each in measured if each.piece == LINES[0][0]])
    axes.set_xlabel("SO_SNDBUF of the socket, in KiB", size=NORMAL, color=INK)
    axes.set_ylabel("bytes taken until there was no room, in KiB", size=NORMAL, color=INK)
    axes.tick_params(length=0, labelsize=SMALL, labelcolor=INK)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def note(axes: Axes, words: str, point: tuple[float, float]) -> None:
    """Write ``words`` to the right of ``point``, and a little below it."""
    axes.annotate(words, point, (10, -5), textcoords="offset points", va="center", size=NORMAL, color=INK)
