"""How the coach's words appear: as text, as HTML, and with buttons."""

import html
import re

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from course_lib.coach import progress_file
from course_lib.coach.buttons import box
from course_lib.coach.shown import Answer, Text
from course_lib.coach.verdict import FAIL, NOT_TRIED, PASS, Verdict

VIEW = "application/vnd.jupyter.widget-view+json"
FACTS = (("sent", "b'<a>'"), ("came back", "one\ntwo"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress_file.FOLDER, str(tmp_path))


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_verdict_as_text():
    verdict = Verdict("1.1", "Title", FAIL, FACTS, "An idea.", "1\n2")
    assert str(verdict) == (
        "1.1 Title: FAIL\n"
        "  sent:      b'<a>'\n"
        "  came back: one\n"
        "             two\n"
        "  An idea.\n"
        "  it printed:\n"
        "    1\n"
        "    2"
    )


def test_a_verdict_as_html_shows_what_was_sent_and_runs_nothing():
    shown = Verdict("1.1", "Title", FAIL, FACTS, "<script>", "<b>").html()
    assert "b&#x27;&lt;a&gt;&#x27;" in shown
    assert "<script>" not in shown
    assert "<b>FAIL</b>" in shown
    assert not re.search(r"style=|<style|<svg", shown)


def displayed(answer: Answer) -> list[dict[str, object]]:
    with capture_output() as captured:
        answer._ipython_display_()
    return [output.data for output in captured.outputs]


def test_in_a_notebook_the_buttons_come_under_the_verdict(shell):
    verdict, under = displayed(Answer(Verdict("1.1", "Title", NOT_TRIED)))
    assert verdict["text/plain"] == "1.1 Title: NOT TRIED"
    assert under["text/plain"] == 'hint("1.1") gives a hint, solution("1.1") one way to do it'
    assert VIEW in under


def test_who_has_passed_needs_no_buttons(shell):
    (verdict,) = displayed(Answer(Verdict("1.1", "Title", PASS)))
    assert verdict["text/plain"] == "1.1 Title: PASS"


def test_a_press_shows_hints_one_after_the_other_then_the_solution():
    whole = box("1.1")
    (hint_button, solution_button), words = whole.children[0].children, whole.children[1]
    hint_button.click()
    assert words.value.count("Hint") == 1
    hint_button.click()
    assert words.value.count("Hint") == 2
    solution_button.click()
    assert "def recv_exactly(sock, size):" in html.unescape(words.value)


def test_code_is_marked_as_code():
    assert Text("x = 1", "python")._repr_markdown_() == "```python\nx = 1\n```"
    assert Text("words")._repr_markdown_() == "words"
