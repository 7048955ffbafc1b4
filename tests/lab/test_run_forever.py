"""asyncio's run_forever, line by line: every statement of this Python's own is explained and counted."""

import sys

from course_lib.lab.inside import run_forever
from course_lib.lab.inside.run_forever import LineByLine, run_forever_line_by_line

ROUNDS = 5


def lines_like(shown: LineByLine, text: str) -> list[tuple[int | None, str]]:
    return [(line.times, line.note) for line in shown.lines if text in line.text]


def unexplained(shown: LineByLine) -> list[str]:
    quiet = (
        "def ",
        "try:",
        "finally:",
        "#",
        "finalizer=",
        "firstiter=",
        ")",
    )  # the last: rest of a statement
    return [
        text for line in shown.lines if not line.note and not (text := line.text.strip()).startswith(quiet)
    ]


def test_each_statement_is_explained():
    assert unexplained(run_forever_line_by_line()) == []


def test_a_statement_without_a_note_is_seen(monkeypatch):
    notes = tuple(note for note in run_forever.NOTES if "threading" not in note[0])
    monkeypatch.setattr(run_forever, "NOTES", notes)
    assert unexplained(run_forever_line_by_line()) == ["self._thread_id = threading.get_ident()"]


def test_only_the_loop_runs_more_than_once():
    shown = run_forever_line_by_line(ROUNDS)
    often = [line.text.strip() for line in shown.lines if line.times and line.times > 1]
    assert often == ["while True:", "self._run_once()", "if self._stopping:"]
    assert lines_like(shown, "self._run_once()")[0][0] == ROUNDS
    assert lines_like(shown, "break")[0][0] == 1
    assert all(line.times for line in shown.lines if line.note)


def test_a_docstring_is_left_out_and_nothing_is_left_behind():
    before = sys.gettrace()
    assert "Run until stop()" not in repr(run_forever_line_by_line())
    assert sys.gettrace() is before
    assert "<pre>" in run_forever_line_by_line()._repr_mimebundle_()["text/html"]
