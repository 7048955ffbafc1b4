"""The five ways in which a program can read, as a drawing. Nothing in it is measured.

The names and the two phases are those of W. R. Stevens, UNIX Network Programming, volume 1, section 6.2.

Read picture.py first.
"""

from collections.abc import Callable
from typing import NamedTuple

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from course_lib.lab.picture import (
    ANSWERED,
    BLOCKED,
    FAILED,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    Ink,
    Mark,
    Picture,
    draw_bar,
    draw_marks,
    legend_mark,
    new_figure,
)

COPY = Ink("white", ANSWERED.color, "xxx")
"""The kernel copies bytes to the program."""

NOT_NOW = Mark(FAILED.color, "v", 8)
"""A question that is answered by EAGAIN."""

START, READY, COPIED, END = 1.0, 6.0, 7.6, 9.0
"""The moments of the drawing: the program wants to read, bytes have come, they are copied, the end."""

THREAD, KERNEL = 0.18, -0.28
"""Where a model's two lines are, above and below its middle."""

HEIGHT = 0.36


class Model(NamedTuple):
    """A way to read: its name, what happens in words, and how it is drawn around its ``lane``."""

    name: str
    words: str
    draw: Callable[[Axes, float], None]


def blocking(axes: Axes, lane: float) -> None:
    thread(axes, lane, (START, READY, BLOCKED), (READY, COPIED, COPY))
    call(axes, lane, START, "recv")


def nonblocking(axes: Axes, lane: float) -> None:
    thread(axes, lane, (START, READY, RUNNING), (READY, COPIED, COPY))
    draw_marks(axes, lane + THREAD, [START + 0.5 * step for step in range(1, 10)], NOT_NOW)
    call(axes, lane, START, "recv, again and again")


def multiplexing(axes: Axes, lane: float) -> None:
    thread(axes, lane, (START, READY, BLOCKED), (READY, COPIED, COPY))
    call(axes, lane, START, "select, on many sockets at once")
    call(axes, lane, READY, "recv")


def signal_driven(axes: Axes, lane: float) -> None:
    thread(axes, lane, (START, READY, RUNNING), (READY, COPIED, COPY))
    call(axes, lane, READY, "SIGIO, then recv")


def asynchronous(axes: Axes, lane: float) -> None:
    thread(axes, lane, (START, COPIED, RUNNING))
    draw_bar(axes, lane + KERNEL, READY, COPIED, COPY, height=HEIGHT * 0.6)
    axes.annotate(
        "the kernel, by itself ", (READY, lane + KERNEL), ha="right", va="center", size=SMALL, color=INK
    )
    call(axes, lane, START, "read, to be done later")
    call(axes, lane, COPIED, "done")


def thread(axes: Axes, lane: float, *parts: tuple[float, float, Ink]) -> None:
    """Draw what the thread does; before and after, it runs."""
    for start, end, ink in ((0, START, RUNNING), *parts, (COPIED, END, RUNNING)):
        draw_bar(axes, lane + THREAD, start, end, ink, height=HEIGHT)


def call(axes: Axes, lane: float, time: float, name: str) -> None:
    axes.annotate(name, (time + 0.05, lane + THREAD + HEIGHT / 2 + 0.02), va="bottom", size=SMALL, color=INK)


MODELS = (
    Model("blocking", "the thread sleeps in recv until bytes have come; recv copies them", blocking),
    Model("non-blocking", "the thread asks again and again; the recv that is ready copies", nonblocking),
    Model("multiplexing", "the thread sleeps in select, for many sockets; then recv copies", multiplexing),
    Model(
        "signal-driven", "the thread does other work until a signal comes; then recv copies", signal_driven
    ),
    Model("asynchronous", "the thread does other work until the kernel has copied", asynchronous),
)


def io_models() -> Picture:
    """Return the drawing: one row for each model, from left to right what happens in time."""
    figure = new_figure(960, 480)
    figure.subplots_adjust(left=0.13, right=0.98, top=0.93, bottom=0.02)
    axes = figure.subplots()
    for row, model in enumerate(MODELS):
        model.draw(axes, float(-row))
    for moment in (START, READY, COPIED):
        axes.axvline(moment, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    for start, end, words in ((START, READY, "phase 1: wait until ready"), (READY, COPIED, "phase 2: copy")):
        axes.text((start + end) / 2, 0.68, words, ha="center", size=NORMAL, color=INK, weight="bold")
    axes.set_yticks(
        [-row + THREAD for row in range(len(MODELS))], [model.name for model in MODELS], size=LARGE
    )
    axes.set_xticks([])
    axes.set_xlim(0, END)
    axes.set_ylim(-len(MODELS) + 0.5, 0.85)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    figure.legend(handles=legend(), loc="upper center", ncols=4, fontsize=NORMAL, frameon=False)
    return Picture(figure, "\n".join(f"{model.name}: {model.words}" for model in MODELS))


def legend() -> list[Artist]:
    labels = ((RUNNING, "the thread runs"), (BLOCKED, "the thread sleeps"), (COPY, "bytes are copied"))
    bars: list[Artist] = [
        Patch(facecolor=ink.face, edgecolor=ink.edge, hatch=ink.hatch, label=words) for ink, words in labels
    ]
    return [*bars, legend_mark(NOT_NOW, "EAGAIN")]
