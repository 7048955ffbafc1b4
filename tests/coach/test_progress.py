"""The file of what was done, and the board."""

import json
import subprocess
import sys

import pytest

from course_lib.coach import hint, progress, progress_file, reset, solution
from course_lib.coach.progress import forget, hints_seen, record
from course_lib.coach.verdict import ERROR, FAIL, NOT_TRIED, PASS
from tests.helpers import ROOT


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress_file.FOLDER, str(tmp_path / "data"))
    return tmp_path / "data"


def outcome(number: str) -> str:
    return {each.id: outcome for each, outcome in progress().rows}[number]


def test_nothing_is_written_before_something_is_tried(folder):
    assert outcome("1.1") == NOT_TRIED
    record("1.1", NOT_TRIED)
    assert not folder.exists()


def test_what_is_passed_stays_passed():
    for what, expected in ((FAIL, FAIL), (ERROR, ERROR), (PASS, PASS), (FAIL, PASS)):
        record("1.1", what)
        assert outcome("1.1") == expected
    assert progress_file.read()["1.1"]["tries"] == 4


def test_the_board_names_what_is_next():
    assert "next: 0.1" in str(progress())
    record("0.1", PASS)
    assert "next: 1.1" in str(progress())
    assert progress().summary().startswith("1 of ")


def test_the_board_as_html_is_a_table_without_styles():
    board = progress()._repr_mimebundle_()["text/html"]
    assert board.count("<tr>") == len(progress().rows) + 1
    assert "style" not in board
    assert "<script" not in board


def test_reset_forgets_one_exercise_and_returns_its_stub():
    record("0.1", PASS)
    record("1.1", FAIL)
    assert "def shout(data):" in str(reset("0.1"))
    assert (outcome("0.1"), outcome("1.1")) == (NOT_TRIED, FAIL)
    forget()
    assert outcome("1.1") == NOT_TRIED


def test_hints_come_one_by_one():
    assert str(hint("1.1")).count("Hint") == 1
    assert str(hint("1.1")).count("Hint") == 2
    assert hints_seen("1.1") == 2
    for _ in range(5):
        last = hint("1.1")
    assert str(last).count("Hint") == 3
    assert "def recv_exactly" in str(solution("1.1"))


@pytest.mark.parametrize("ask", [hint, solution, reset])
def test_an_unknown_number_is_told(ask):
    assert "there is no exercise '7.77'" in str(ask("7.77"))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"exercises": [1]}', '{"exercises": {"1.1": 3}}', "\0\0"]
)
def test_a_damaged_file_is_set_aside(folder, content):
    folder.mkdir()
    (folder / "progress.json").write_text(content)
    with pytest.warns(UserWarning, match="was damaged and is now progress-damaged-"):
        assert outcome("1.1") == NOT_TRIED
    record("1.1", PASS)
    assert outcome("1.1") == PASS
    (aside,) = folder.glob("progress-damaged-*")
    assert aside.read_text() == content


def test_entries_of_another_version_are_kept(folder):
    folder.mkdir()
    (folder / "progress.json").write_text(
        '{"format": 9, "exercises": {"77.7": {"outcome": "PASS", "new": [1]}}}'
    )
    record("1.1", PASS)
    assert json.loads((folder / "progress.json").read_text())["exercises"]["77.7"] == {
        "outcome": "PASS",
        "new": [1],
    }


def test_a_folder_that_cannot_be_made_costs_a_warning_only(folder):
    folder.parent.joinpath("data").write_text("a file is in the way")
    with pytest.warns(UserWarning, match="cannot be"):
        record("1.1", PASS)


def test_a_lock_left_behind_is_broken(folder, monkeypatch):
    monkeypatch.setattr(progress_file, "LOCK_SECONDS", 0.1)
    folder.mkdir()
    (folder / "progress.lock").touch()
    record("1.1", PASS)
    assert outcome("1.1") == PASS
    assert not (folder / "progress.lock").exists()


RECORD = """
import sys
from course_lib.coach.progress import record
for _ in range(10):
    record(sys.argv[1], "FAIL")
"""


def test_two_kernels_do_not_undo_each_other():
    numbers = ("0.1", "1.1", "0.1")
    writers = [subprocess.Popen([sys.executable, "-c", RECORD, number], cwd=ROOT) for number in numbers]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    entries = progress_file.read()
    assert (entries["0.1"]["tries"], entries["1.1"]["tries"]) == (20, 10)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "course_lib", "progress", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, cwd=ROOT)


def test_the_command():
    record("0.1", PASS)
    record("1.1", FAIL)
    assert "  1.1   A message of known length" in command().stdout
    assert command("--reset", "1.1").returncode == 0
    assert outcome("1.1") == NOT_TRIED
    wrong = command("--reset", "x")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("course_lib: there is no exercise 'x'; there are 0.1")
    assert command("--reset").returncode == 0
    assert outcome("0.1") == NOT_TRIED
