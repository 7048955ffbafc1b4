"""Drawing what the x-ray has seen: one lane a thread, waits as wide hatched bars, messages as arrows.

Read xray/story.py and elastic.py first. Next: timeline_labels.py.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from course_lib.lab.elastic import ElasticAxis
from course_lib.lab.picture import FAILED, INK, LARGE, NORMAL, RUNNING, Ink, draw_bar, draw_marks, new_figure
from course_lib.lab.timeline_frame import ASKING, draw_frame, ink_of, legend
from course_lib.lab.timeline_labels import Labels, width_of
from course_lib.lab.timeline_messages import draw_messages, touched
from course_lib.lab.xray.calls import Call
from course_lib.lab.xray.messages import Message
from course_lib.lab.xray.story import POLLING, Span, spans

WIDTH, RIGHT = 960, 30
LEGEND, LANE, AXIS = 44, 76, 54
"""The heights of the legend, of a lane with its labels, and of the time axis, in dots on the page."""

BAR = 0.36
"""The height of a bar, in lanes."""

POINT = 11
"""The length, in dots, of the pointed end of a call that began earlier or ended later."""

THIN = 3
"""A bar of so few dots has neither edge nor hatch: there would be nothing else of it to be seen."""

Row = list[Span]


def draw(names: Sequence[str], calls: Sequence[Call], passed: Sequence[Message], seconds: float) -> Figure:
    """Return the figure: a lane for each of ``names`` that has called something, the first on top."""
    rows = {name: spans([call for call in calls if call.thread == name]) for name in names}
    rows = _gathered({name: row for name, row in rows.items() if row})
    left = min(230.0, max([70.0, *(width_of(name, LARGE, bold=True) + 34 for name in rows)]))
    height, inner = LEGEND + LANE * max(1, len(rows)) + AXIS, WIDTH - left - RIGHT
    figure = new_figure(WIDTH, height)
    axes = figure.add_axes((left / WIDTH, AXIS / height, inner / WIDTH, 1 - (LEGEND + AXIS) / height))
    events = [time for row in rows.values() for span in row for time in (span.start, span.end)]
    clock = ElasticAxis(events, seconds, inner)
    draw_frame(axes, list(rows), clock, seconds)
    lanes = {name: -index for index, name in enumerate(rows)}
    waited = {message.received for message in passed if message.sent.start > message.received.start}
    labels = Labels(axes, LANE, touched(lanes, passed))
    for name, row in rows.items():
        _draw_row(axes, lanes[name], row, clock, waited, labels)
    draw_messages(axes, lanes, passed, clock, labels)
    used = {ink_of(span, waited) for row in rows.values() for span in row}
    failed = any(_failed(span) for row in rows.values() for span in row)
    figure.legend(
        handles=legend(used, bool(passed), failed),
        loc="upper center",
        ncols=6,
        fontsize=NORMAL,
        frameon=False,
        labelcolor=INK,
    )
    return figure


def _gathered(rows: dict[str, Row]) -> dict[str, Row]:
    """Put all threads of one kind that did nothing but wait, in the same call, into one lane."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, (span, *more) in rows.items():
        base, _, number = name.rpartition(" ")
        if number.isdigit() and not more and span.call.before and span.call.open:
            groups.setdefault((base, span.call.name), []).append(name)
    heads = {
        members[0]: f"{len(members)} × {base}" for (base, _), members in groups.items() if len(members) > 1
    }
    hidden = {name for members in groups.values() for name in members[1:]}
    return {heads.get(name, name): row for name, row in rows.items() if name not in hidden}


def _failed(span: Span) -> bool:
    return bool(span.call.error) and not span.polls


def _draw_row(axes: Axes, lane: int, row: Row, clock: ElasticAxis, waited: set[Call], labels: Labels) -> None:
    draw_bar(axes, lane, clock(row[0].start), clock(row[-1].end), RUNNING, BAR)
    for span in row:
        left, right = clock(span.start), clock(span.end)
        ink = ink_of(span, waited)
        if ink is not RUNNING:
            _draw_wait(axes, lane, span.call, left, right, ink)
        _name(labels, lane, span, left, right, ink)
        if _failed(span):
            draw_marks(axes, lane, [right], FAILED)
            labels.beside(lane, right, right, span.call.error)
    labels.flush()


def _name(labels: Labels, lane: int, span: Span, left: float, right: float, ink: Ink) -> None:
    if ink is RUNNING:
        if not span.polls:
            labels.beside(lane, left, right, span.call.name)
        return
    fits = labels.inside(lane, left, right, POLLING if ink is ASKING else span.call.name)
    if fits or ink is ASKING or span.call.name in ("select", "poll"):  # those come between any two others
        labels.flush()
    else:
        labels.beside(lane, left, right, span.call.name)


def _draw_wait(axes: Axes, lane: int, call: Call, left: float, right: float, ink: Ink) -> None:
    top, bottom = lane + BAR / 2, lane - BAR / 2
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    if call.open:
        corners.insert(2, (right + POINT, lane))
    if call.before:
        corners.append((left - POINT, lane))
    shape = Polygon(corners, facecolor=ink.face, edgecolor=ink.edge, hatch=ink.hatch, linewidth=0.8, zorder=2)
    if right - left < THIN:
        shape.set(linewidth=0, hatch=None)
    shape.set_clip_on(False)
    axes.add_patch(shape)
