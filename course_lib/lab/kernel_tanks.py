"""Drawing what kernel_view.py has read: tanks for bytes, a queue for clients, a line for each thread.

Read kernel_view.py first.
"""

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_lib.lab.kernel_readings import UNTOLD, Connection, Listener, Reading, Threads
from course_lib.lab.kernel_threads import MEANINGS, Rest
from course_lib.lab.picture import (
    BLOCKED,
    DPI,
    IDLE,
    INK,
    LARGE,
    NORMAL,
    RUNNING,
    SMALL,
    Ink,
    new_figure,
)

LEFT = 60
"""The left margin, in dots on the page."""

TANKS, TITLE, CAPTIONS = 150, 60, 45
"""The heights of the tanks, of what stands above and of what stands below them, in the same."""

LANE, PANEL, WORDS = 26, 225, 780
"""The height of a thread's line, the width of a socket's panel, and that of the lines, in the same."""

SCALES = [16, 128, 1024, 8 * 1024, 64 * 1024, 512 * 1024, 4 * 1024**2, 32 * 1024**2]
"""What the tanks of one picture hold: the first of these that is enough."""

TANK_WIDTH = 0.62

COLUMNS = 4
"""Sockets side by side."""


def draw(readings: list[Reading]) -> Figure:
    """Return a figure with the sockets side by side, and below them the threads."""
    sockets = [each for each in readings if not isinstance(each, Threads)]
    lines = [line for each in readings if isinstance(each, Threads) for line in _lines(each)]
    rows = [sockets[start : start + COLUMNS] for start in range(0, len(sockets), COLUMNS)]
    row_height = TITLE + TANKS + CAPTIONS
    lines_height = LANE * len(lines) + 15 if lines else 0
    height = row_height * len(rows) + lines_height
    width = max(LEFT + PANEL * min(len(sockets), COLUMNS), WORDS if lines else 0)
    figure = new_figure(width, height)
    scale = _scale(sockets)
    for number, row in enumerate(rows):
        bottom = height - row_height * (number + 1) + CAPTIONS
        for column, reading in enumerate(row):
            box = (LEFT + PANEL * column, bottom, PANEL - 25, TANKS)
            _draw_socket(_axes(figure, box), reading, scale, is_first=column == 0)
    if lines:
        _draw_lines(_axes(figure, (0, 0, width, lines_height)), lines, width)
    return figure


def _axes(figure: Figure, box: tuple[int, int, int, int]) -> Axes:
    """Add axes at left, bottom, width and height in dots on the page."""
    across, up = figure.get_figwidth() * DPI, figure.get_figheight() * DPI
    return figure.add_axes((box[0] / across, box[1] / up, box[2] / across, box[3] / up))


def _scale(sockets: list[Connection | Listener]) -> int:
    counts = [(each.unread, each.unacknowledged) for each in sockets if isinstance(each, Connection)]
    return _enough(max((count or 0 for pair in counts for count in pair), default=0))


def _enough(count: int) -> int:
    return next((scale for scale in SCALES if scale >= count), count)


def _draw_socket(axes: Axes, reading: Connection | Listener, scale: int, is_first: bool) -> None:
    axes.set_title(reading.label, loc="left", fontsize=LARGE, fontweight="bold", color=INK, pad=24)
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylim(0, 1)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    axes.tick_params(length=0)
    if isinstance(reading, Listener):
        count = reading.unaccepted
        axes.set_xticks([0], ["clients that wait\nfor accept"], fontsize=SMALL, color=INK)
        _draw_tank(axes, 0, count, _enough(count or 0), RUNNING)
        return
    if is_first:
        axes.set_yticks([0, 0.5, 1], ["0", _short(scale // 2), _short(scale)], fontsize=SMALL, color=INK)
    axes.set_xticks(
        [0, 1], ["arrived,\nnot yet read", "sent, not yet\nacknowledged"], fontsize=SMALL, color=INK
    )
    if reading.closed:
        axes.text(0.5, 0.5, "closed", ha="center", fontsize=NORMAL, color=INK)
        return
    _draw_tank(axes, 0, reading.unread, scale, RUNNING)
    _draw_tank(axes, 1, reading.unacknowledged, scale, BLOCKED)


def _draw_tank(axes: Axes, x: float, count: int | None, scale: int, ink: Ink) -> None:
    left, right = x - TANK_WIDTH / 2, x + TANK_WIDTH / 2
    level = (count or 0) / scale
    if level:
        _draw_box(axes, left, 0, TANK_WIDTH, level, ink)
    # Open at the top, as a tank is. Over the liquid, and not cut off at the edge of the axes.
    axes.plot([left, left, right, right], [1, 0, 0, 1], color=INK, linewidth=2, clip_on=False, zorder=3,
              solid_joinstyle="round", solid_capstyle="round")  # fmt: skip
    words = "not told" if count is None else f"{count:,}"
    axes.text(x, level + 0.03, words, ha="center", va="bottom", fontsize=NORMAL, color=INK, zorder=4)


def _short(scale: int) -> str:
    for unit, size in (("MiB", 1024**2), ("KiB", 1024)):
        if scale >= size:
            return f"{scale // size} {unit}"
    return f"{scale} B"


def _lines(threads: Threads) -> list[tuple[str, Ink, str]]:
    """Return one line for all threads that are at the same place: whose, how it is drawn, and where."""
    if not threads.rests:
        return [(threads.label, IDLE, "has ended")]
    places = Counter(_place(rest) for rest in threads.rests)
    return [
        (threads.label, ink, f"{count} thread{'s' * (count > 1)}, {words}")
        for (words, ink), count in places.items()
    ]


def _place(rest: Rest | None) -> tuple[str, Ink]:
    if rest is None:
        return UNTOLD, IDLE
    if not rest.asleep:
        return "running", RUNNING
    if not rest.place:
        return "asleep; where, this system does not tell", BLOCKED
    meaning = MEANINGS.get(rest.place)
    return f"asleep in {rest.place}" + (f": {meaning}" if meaning else ""), BLOCKED


def _draw_lines(axes: Axes, lines: list[tuple[str, Ink, str]], width: int) -> None:
    axes.set_xlim(0, width)
    axes.set_ylim(len(lines) + 0.05, -0.5)
    axes.axis("off")
    for y, (label, ink, words) in enumerate(lines):
        _draw_box(axes, LEFT, y - 0.28, 26, 0.56, ink)
        axes.text(LEFT + 38, y, label, va="center", fontsize=LARGE, fontweight="bold", color=INK)
        axes.text(LEFT + 225, y, words, va="center", fontsize=NORMAL, color=INK)


def _draw_box(axes: Axes, left: float, bottom: float, width: float, height: float, ink: Ink) -> None:
    axes.add_patch(
        Rectangle(
            (left, bottom),
            width,
            height,
            facecolor=ink.face,
            edgecolor=ink.edge,
            hatch=ink.hatch,
            linewidth=0.8,
        )
    )
