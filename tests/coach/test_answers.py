"""Answers that have passed, in use again."""

import cloudpickle
import pytest

from course_lib import eventloop
from course_lib.coach import answer, check, progress_file, reset
from course_lib.coach.answers import keep
from course_lib.coach.exercises import UnknownExercise, find
from course_lib.coach.progress import forget
from tests.lab.cells import run_cell

NUMBERS = ("6.1", "8.2", "8.3", "9.1", "9.2")
"""Those of which the loop of exercise 9.7 is made."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(progress_file.FOLDER, str(tmp_path / "data"))
    return tmp_path / "data"


def kept(code: str, number: str = "0.1", **names):
    """What ``answer`` gives after this cell has passed."""
    keep(number, run_cell(code, **names)[find(number).name])
    return answer(number)


def test_before_it_has_passed_it_is_the_solution(capsys):
    assert answer("0.1")(b"a") == b"A"
    assert capsys.readouterr().out == "0.1 has not passed yet, so this is the course's solution\n"


def test_what_has_passed_is_what_comes_back(capsys):
    assert check("0.1", run_cell("def shout(data):\n    return bytes(data).upper()\n")["shout"]).passed
    assert not check("0.1", run_cell("def shout(data):\n    return b''\n")["shout"]).passed
    assert "bytes(data).upper()" in "".join(progress_file.kept("0.1"))
    assert answer("0.1")(b"a") == b"A"
    assert capsys.readouterr().out == ""


def test_reset_forgets_it(capsys):
    for forgetting in (lambda: reset("0.1"), forget):
        kept("def shout(data):\n    return b'mine'\n")
        assert capsys.readouterr().out == ""
        forgetting()
        assert answer("0.1")(b"a") == b"A"
        assert "not passed yet" in capsys.readouterr().out


HELPERS = """
import string as text
from functools import partial
LOWER = text.ascii_lowercase
TABLE = bytes.maketrans(LOWER.encode(), LOWER.upper().encode())
STEPS = ("one", 2, None)
def helper(data, table):
    assert STEPS[1] == 2
    return data.translate(table)
class Base:
    whole = partial(helper, table=TABLE)
class Shouting(Base):
    pass
def shout(data):
    data = bytes(data)
    return Shouting.whole(data)
print("never again")
check("0.1", shout)
"""


def test_what_it_needs_of_the_notebook_is_kept(capsys):
    shout = kept(HELPERS, check=lambda *unused: None, data=open)
    assert shout(b"a") == b"A"
    assert capsys.readouterr().out == "never again\n"


def test_names_can_be_other_than_asked_for():
    said = run_cell("def mine(data):\n    return b'mine'\n")["mine"]
    keep("0.1", said)
    assert answer("0.1")(b"") == b"mine"


def test_what_cannot_be_kept_is_told(capsys):
    shout = kept("import threading\nlock = threading.Lock()\ndef shout(data):\n    with lock: return b''\n")
    assert shout(b"a") == b"A"
    assert capsys.readouterr().out == (
        "your answer to 0.1 cannot be used outside its notebook, so this is the course's solution\n"
    )


@pytest.mark.parametrize("code", ["def shout(", "\0", "shout = 1 / 0", "x = 1"])
def test_a_file_that_is_damaged_costs_no_more(code, folder, capsys):
    progress_file.keep("0.1", code)
    assert answer("0.1")(b"a") == b"A"
    assert "cannot be used" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_costs_a_warning(folder):
    folder.write_text("a file is in the way")
    with pytest.warns(UserWarning, match="your answer cannot be kept"):
        progress_file.keep("0.1", "x = 1")
    assert answer("0.1")(b"a") == b"A"


def test_an_unknown_number():
    with pytest.raises(UnknownExercise, match="there is no exercise '77.7'"):
        answer("77.7")


@pytest.mark.parametrize("which", ["solution", "other"])
def test_a_name_that_is_given_takes_the_place_of_its_own(which):
    for number in NUMBERS:
        keep(number, run_cell(getattr(find(number), which))[find(number).name])
    Future = answer("8.2")
    assert Future is not eventloop.Future
    Task = answer("8.3", Future=Future)
    assert issubclass(Task, Future)
    assert not issubclass(answer("8.3"), Future)
    calls = answer("9.2", Future=Future)
    assert calls.sock_recv.__globals__["Future"] is Future
    assert calls.sock_recv.__globals__["READ"] == eventloop.READ


def test_it_travels_by_value():
    shout = kept("class Helper:\n    word = 'inside'\ndef shout(data):\n    return Helper.word\n")
    assert b"inside" in cloudpickle.dumps(shout)


def test_an_answer_made_of_answers():
    for number in NUMBERS:
        keep(number, run_cell(find(number).solution)[find(number).name])
    keep("9.7", run_cell(find("9.7").solution)["MyLoop"])
    code, _ = progress_file.kept("9.7")
    assert 'Future = answer("8.2")' in code
    assert 'Task = answer("8.3", Future=Future)' in code
    assert code.index("Future = ") < code.index("Task = ") < code.index("class MyLoop")
    loop = answer("9.7")()
    task = loop.spawn(loop.sleep(0.001))
    assert type(task).__mro__[1].set_result.__code__.co_filename == progress_file.kept("8.2")[1]
    while not task.done():
        loop.run_once()
    loop.close()


@pytest.mark.parametrize("which", ["solution", "other"])
def test_the_loop_can_be_made_of_other_peoples_answers(which):
    for number in NUMBERS:
        keep(number, run_cell(getattr(find(number), which))[find(number).name])
    loop = run_cell(find("9.7").solution)["MyLoop"]
    said = check("9.7", loop)
    assert said.passed, said
