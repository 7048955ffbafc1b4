"""The drawing of the five models: who waits, who copies, and when."""

from course_lib.lab.io_models import COPIED, COPY, MODELS, READY, START, io_models
from course_lib.lab.picture import BLOCKED, RUNNING


def bars(lane: int) -> list[tuple[float, float, str]]:
    """Return start, end and hatch of each bar of the model in that row."""
    (axes,) = io_models().figure.axes
    return [
        (round(bar.get_x(), 3), round(bar.get_x() + bar.get_width(), 3), bar.get_hatch() or "")
        for bar in axes.patches
        if abs(bar.get_y() + bar.get_height() / 2 + lane) < 0.4
    ]


def test_each_model_has_its_words():
    assert [line.partition(":")[0] for line in repr(io_models()).splitlines()] == [
        model.name for model in MODELS
    ]


def test_who_waits_in_phase_1():
    waiting = [(START, READY, BLOCKED.hatch) in bars(row) for row in range(len(MODELS))]
    assert waiting == [True, False, True, False, False]


def test_every_model_copies_after_the_bytes_have_come():
    for row in range(len(MODELS)):
        assert (READY, COPIED, COPY.hatch) in bars(row)


def test_only_the_last_runs_while_the_kernel_copies():
    running = [
        any(s <= READY and e >= COPIED and h == RUNNING.hatch for s, e, h in bars(row)) for row in range(5)
    ]
    assert running == [False] * 4 + [True]


def test_what_the_kernel_says_no_to():
    (axes,) = io_models().figure.axes
    (marks,) = (line for line in axes.lines if line.get_marker() == "v")
    assert all(START < time < READY for time in marks.get_xdata())
