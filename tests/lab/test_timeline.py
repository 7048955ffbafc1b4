"""The timeline: its words, which are the same for every run, and its picture."""

import io
import re
import subprocess
import sys
from itertools import combinations, pairwise

import pytest
from matplotlib.image import imread
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

from course_lib.lab.elastic import GAP, ElasticAxis
from course_lib.lab.picture import BLOCKED, IDLE, RUNNING, new_figure
from course_lib.lab.timeline import WIDTH, draw
from course_lib.lab.timeline_frame import ASKING
from course_lib.lab.timeline_labels import HIGH, Labels, width_of
from course_lib.lab.xray import Trace
from course_lib.lab.xray.calls import Call
from course_lib.lab.xray.folding import fold
from course_lib.lab.xray.messages import messages
from course_lib.lab.xray.story import POLLING, tell
from course_lib.lab.xray.wires import Wire
from tests.helpers import ROOT

UP = Wire(("127.0.0.1", 1), ("127.0.0.1", 2))
DOWN = UP.other_end
QUICK = 0.0001


def call(thread: str, name: str, start: float, end: float | None = None, **more) -> Call:
    """A call that is blocked if it took long; quick without an ``end``."""
    end = start + QUICK / 10 if end is None else end
    more = {"blocked": end - start > 0.05 or name == "sleep", "fd": 3, "bytes": None, "error": "", **more}
    return Call(thread=thread, name=name, start=start, end=end, **more)


def rounds(count: int, size: int = 5) -> list[Call]:
    """So many questions of ``you`` to ``server``, and its answers."""
    calls, then = [call("server", "accept", 0, 0.1, before=True, blocked=True)], 0.1
    for _ in range(count):
        calls += [
            call("you", "sleep", then, then + 0.1),
            call("server", "recv", then, then + 0.1002, bytes=size, wire=DOWN),
            call("you", "sendall", then + 0.1001, bytes=size, wire=UP),
            call("server", "sendall", then + 0.1003, bytes=size, wire=DOWN),
            call("you", "recv", then + 0.1002, then + 0.1005, bytes=size, wire=UP),
        ]
        then += 0.101
    calls.append(call("server", "recv", then, then + 0.1, open=True, wire=DOWN))
    return sorted(calls, key=lambda each: each.start)


def trace_of(calls: list[Call], kinds: dict[str, str] | None = None) -> Trace:
    trace = Trace()
    trace.calls = calls
    trace.threads = kinds or {each.thread: each.thread for each in calls}
    trace.ended = max(each.end for each in calls)
    return trace


def words(*calls: Call) -> str:
    return tell({"a": "a"}, calls, []).removeprefix("a: ")


@pytest.mark.parametrize(
    ("given", "folded"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a b"),
        ("aa", "a × 2"),
        ("abab", "(a → b) × 2"),
        ("xababy", "x (a → b) × 2 y"),
        ("aabaab", "(a × 2 → b) × 2"),
        ("abcabcabcd", "(a → b → c) × 3 d"),
        ("ababcdcd", "(a → b) × 2 (c → d) × 2"),
    ],
)
def test_what_repeats_is_folded(given, folded):
    assert " ".join(fold(list(given))) == folded


def test_a_round_begins_with_its_wait():
    recv = "recv (blocked)"
    assert fold(["sendall", recv] * 3 + ["sendall", "close"]) == [
        "sendall",
        f"({recv} → sendall) × 3",
        "close",
    ]


def test_what_is_told_of_a_call():
    assert words(call("a", "recv", 0, 1, bytes=3)) == "recv (blocked)"
    assert words(call("a", "recv", 0, bytes=3)) == "recv"
    assert words(call("a", "recv", 0, 1, bytes=0)) == "recv (blocked, end)"
    assert words(call("a", "recv", 0, error="ConnectionResetError")) == "recv (ConnectionResetError)"
    assert words(call("a", "recv", 0, 1, before=True, open=True)) == "recv (blocked since before)"
    assert words(call("a", "recv", 0, 1, before=True)) == words(call("a", "recv", 0, 1, open=True))
    assert words(call("a", "sleep", 0, 1)) == "sleep"


def test_what_depends_on_thousandths_of_seconds_is_not_told():
    nothing = call("a", "accept", 0.1, error="BlockingIOError")
    assert words(nothing) == words(call("a", "select", 0, bytes=1)) == "nothing was called"
    assert (
        words(call("a", "select", 0, 1, bytes=1), call("a", "recv", 1, bytes=1)) == "select (blocked) → recv"
    )
    assert words(call("a", "sendall", 0, bytes=0)) == "nothing was called"
    assert words(call("a", "select", 0, 1), call("a", "select", 1, 2)) == "select (blocked)"


def test_joins_of_many_threads_are_one_wait():
    joins = [call("a", "join", 0, 1), call("a", "join", 1), call("a", "join", 2, 3)]
    assert words(*joins) == words(*joins[1:]) == words(*joins[:2]) == "join (blocked)"
    assert words(joins[1]) == "join"


def test_asking_for_long_is_told_once():
    polls = [call("a", "recv", n / 100, error="BlockingIOError", waits=False) for n in range(100)]
    assert words(*polls) == POLLING
    assert (
        words(*polls[:50], call("a", "recv", 0.495, bytes=3), *polls[50:]) == f"{POLLING} → recv → {POLLING}"
    )


def test_threads_of_one_kind_are_told_by_their_number():
    kinds = {
        "you": "you",
        "serve 1": "serve",
        "serve 2": "serve",
        "serve 3": "serve",
        "b 1": "b 1",
        "b 2": "b 2",
    }
    calls = [call(name, "recv", 0, 1, bytes=2) for name in kinds if name != "serve 2"]
    calls.append(call("serve 2", "acquire", 0, 1))
    assert tell(kinds, calls, []) == (
        "you, serve (2 of 3 threads), b 1 to 2: recv (blocked)\nserve (1 of 3 threads): acquire (blocked)"
    )


def test_the_words_say_how_many_bytes_went_from_whom_to_whom():
    trace = trace_of(rounds(3, size=400))
    assert repr(trace) == trace.timeline().text
    assert repr(trace).splitlines() == [
        "server: accept (blocked) → (recv (blocked) → sendall) × 3 → recv (blocked)",
        "you: (sleep → sendall → recv) × 3",
        "you to server: 1,200 bytes, back: 1,200 bytes",
    ]


def test_lanes_and_calls_can_be_chosen():
    trace = trace_of(rounds(2))
    assert trace.timeline(threads=["you"]).text == "you: (sleep → sendall → recv) × 2"
    assert trace.timeline(threads=["you", "server"]).text.startswith("you:")
    assert trace.timeline(calls=["accept", "sleep"]).text == "server: accept (blocked)\nyou: sleep × 2"
    with pytest.raises(ValueError, match="^no lane is named 'me'; there are server, you$"):
        trace.timeline(threads=["me"])


def test_no_measured_value_in_the_words():
    slow = [each._replace(start=each.start * 2, end=each.end * 2, fd=9) for each in rounds(2)]
    first, second = (trace_of(calls).timeline()._repr_mimebundle_() for calls in (rounds(2), slow))
    assert first["text/plain"] == second["text/plain"]
    blank = [re.sub('base64,[^"]+', "", bundle["text/html"]) for bundle in (first, second)]
    assert blank[0] == blank[1] and first != second


@pytest.mark.parametrize("times", [[], [0.5], [0.5, 0.5000001, 0.5000002], [n / 1000 for n in range(900)]])
def test_the_axis_keeps_the_order_and_the_width(times):
    axis = ElasticAxis(times, 1.0, 800)
    assert axis(0) == 0 and axis(1) == pytest.approx(800)
    places = [axis(time) for time in sorted({0.0, *times, 1.0})]
    least = min(GAP, 400 / max(1, len(places) - 1)) * 0.999
    assert all(after - before >= least for before, after in pairwise(places))


def test_on_the_axis_long_times_are_to_scale():
    axis = ElasticAxis([0.2, 0.2001, 0.6], 1.0, 800)
    first, second, third = axis(0.2), axis(0.6) - axis(0.2001), 800 - axis(0.6)
    assert second == pytest.approx(2 * first, rel=0.01) and third == pytest.approx(2 * first, rel=0.01)


def test_the_axis_of_a_block_in_which_nothing_took_any_time():
    assert ElasticAxis([], 1e-9, 800)(1e-9) == pytest.approx(800)


def axes_of(calls: list[Call]):
    trace = trace_of(calls)
    return draw(list(trace.threads), calls, messages(calls), trace.seconds).axes[0]


def test_waits_are_hatched_bars_and_work_is_what_lies_between():
    axes = axes_of(rounds(1))
    waits = [patch for patch in axes.patches if isinstance(patch, Polygon)]
    assert {patch.get_hatch() for patch in waits} == {BLOCKED.hatch, IDLE.hatch}
    lanes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(lanes) == 2 and not any(patch.get_hatch() for patch in lanes)


def test_a_bar_without_begin_or_end_is_pointed():
    def corners(**more):
        (bar,) = (p for p in axes_of([call("a", "recv", 0, 1, **more)]).patches if isinstance(p, Polygon))
        return len(bar.get_xy()) - 1  # the first comes again at the end

    assert (corners(), corners(open=True), corners(before=True, open=True)) == (4, 5, 6)


def test_arrows_go_from_the_sender_to_the_end_of_the_receivers_call():
    axes = axes_of(rounds(2))
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 4
    for arrow in arrows:
        (left, _), (right, _) = arrow._posA_posB
        assert left < right
    assert [text.get_text() for text in axes.texts].count("5 B") == 4


def test_a_short_wait_for_an_answer_is_drawn_but_not_told():
    calls = rounds(1)
    bars = [p for p in axes_of(calls).patches if isinstance(p, Polygon) and p.get_hatch() == BLOCKED.hatch]
    assert len(bars) == 4  # accept, recv, recv of the server; and recv of the client
    assert "recv (blocked)" not in tell({"you": "you"}, [each for each in calls if each.thread == "you"], [])


def test_a_wait_too_short_to_be_measured_shows_by_the_order():
    send = call("you", "sendall", 0.50002, bytes=1, wire=UP)
    recv = call("server", "recv", 0.5, 0.50003, bytes=1, wire=DOWN)
    hatches = [p.get_hatch() for p in axes_of([recv, send]).patches if isinstance(p, Polygon)]
    assert hatches == [BLOCKED.hatch]
    assert not [p for p in axes_of([recv]).patches if isinstance(p, Polygon)]


def test_labels_give_way_to_each_other():
    axes = new_figure(400, 200).subplots()
    axes.set_xlim(0, 400)
    labels = Labels(axes, 76, {0: 1})
    for _ in range(3):
        labels.beside(0, 90, 110, "sendall")
        labels.flush()
    heights = [text.get_position()[1] for text in axes.texts]
    assert len(heights) == 2 and 0 < heights[0] < heights[1] < 1


@pytest.mark.parametrize("count", [1, 3, 8, 40])
def test_no_label_lies_upon_another(count):
    axes = axes_of(rounds(count))
    scale = 76  # dots a lane
    boxes = []
    for text in axes.texts:
        x, y = text.get_position()
        half = width_of(text.get_text()) / 2
        boxes.append((x - half, x + half, y * scale - HIGH / 2 + 1, y * scale + HIGH / 2 - 1))
    for one, other in combinations(boxes, 2):
        apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
        assert apart, (one, other)


def test_threads_that_only_wait_share_a_lane():
    names = [f"work {n}" for n in range(1, 15)]
    calls = [call(name, "get", 0, 1, before=True, open=True) for name in names]
    calls.append(call("you", "sleep", 0, 1))
    labels = [label.get_text() for label in axes_of(calls).get_yticklabels()]
    assert labels == ["14 × work", "you"]


def test_the_page_is_as_wide_as_that_of_other_pictures():
    picture = trace_of(rounds(2)).timeline()
    assert imread(io.BytesIO(picture.png())).shape[1] == 2 * WIDTH == 1920


def test_nothing_but_silence_can_be_drawn():
    picture = trace_of([call("you", "sendall", 0, bytes=0)]).timeline()
    assert picture.text == "nothing was called"
    assert picture.png()


def test_states_differ_in_color_and_hatch():
    inks = [RUNNING, BLOCKED, IDLE, ASKING]
    assert len({ink.hatch for ink in inks}) == len({ink.face for ink in inks}) == len(inks)


def test_no_matplotlib_before_there_is_a_picture_and_never_pyplot():
    code = (
        "import sys, time; from course_lib import xray\n"
        "with xray() as trace: time.sleep(0.001)\n"
        "print('matplotlib' in sys.modules)\n"
        "trace.timeline().png(); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\nFalse\n", "")
