"""The board of the frame stepper: buttons, typed values, steps that do not come back, and what is shown."""

import itertools
import sys
import threading
import time

import pytest

from course_lib.lab import frames as package
from course_lib.lab.frames import frame_stepper
from course_lib.lab.frames.printed import MOST, printed
from tests.helpers import nothing_left, wait_until


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._frames.end_all()


def inner(n):
    got = yield n
    print("inner got", got)
    yield got


def outer():
    try:
        yield from inner("<3>")
    except ValueError:
        yield "caught"
    return 6


def shows(board, part, words):
    wait_until(lambda: words in board.parts[part].value, what=f"{words!r} in {part}")


def test_a_person_steps_sends_and_throws(capsys):
    board = frame_stepper(outer).board
    shows(board, "status", "It has not begun")
    assert "def outer():" in board.parts["stack"].value
    board.step_button.click()
    shows(board, "status", "it has yielded &#x27;&lt;3&gt;&#x27;, and waits")
    assert "▶     got = yield n" in board.parts["stack"].value
    assert "<code>n</code> = <code>&#x27;&lt;3&gt;&#x27;</code>" in board.parts["stack"].value
    board.entry.value = "['x', 1]"
    board.send_button.click()
    shows(board, "last", "Step 2")
    shows(board, "last", "inner got [&#x27;x&#x27;, 1]")  # what it prints is shown
    shows(board, "earlier", "step 1: next(), yielded")
    board.error.value = "ValueError"
    board.throw_button.click()
    shows(board, "last", "throw(ValueError)")
    assert "inner got" not in board.parts["last"].value
    board.step_button.click()
    shows(board, "status", "It has returned 6.")
    wait_until(lambda: board.step_button.disabled and board.send_button.disabled)
    assert not board.reset_button.disabled
    board.reset_button.click()
    shows(board, "status", "It has not begun")
    wait_until(lambda: not board.step_button.disabled)
    assert board.parts["last"].value == ""
    assert capsys.readouterr().out == ""


def test_what_a_step_has_printed_is_not_shown_with_another():
    f = frame_stepper(outer)
    f.step()
    f.board.step_button.click()
    shows(f.board, "last", "inner got None")
    f.throw(ValueError())
    assert "Step 3" in f.board.parts["last"].value
    assert "inner got" not in f.board.parts["last"].value


@pytest.mark.parametrize("typed", ["hello", "1 +", "f(3)", "", "[" * 2000, "\0"])
def test_what_is_no_value_gets_one_line(typed):
    f = frame_stepper(outer)
    f.step()
    f.board.entry.value = typed
    f.board.send_button.click()
    assert "write a number, a text in quotes, a list, or None." in f.board.parts["message"].value
    assert len(f.board.parts["message"].value) < 200
    assert len(f.history) == 1
    f.board.step_button.click()
    shows(f.board, "last", "Step 2")
    assert f.board.parts["message"].value == ""


def test_what_python_refuses_is_told():
    board = frame_stepper(outer).board
    board.entry.value = "3"
    board.send_button.click()
    shows(board, "message", "send(3): refused: TypeError: can&#x27;t send non-None value")
    assert "It has not begun" in board.parts["status"].value


def test_the_enter_key_sends():
    f = frame_stepper(outer)
    f.step()
    f.board.entry._handle_custom_msg({"event": "submit"}, [])
    f.board.entry.value = "5"  # the front end sends the key first
    shows(f.board, "last", "send(5)")


def test_steps_of_a_cell_are_shown_too():
    f = frame_stepper(outer)
    board = f.board
    f.step()
    assert "Step 1" in board.parts["last"].value
    f.throw(KeyError("<k>"))
    assert "raised KeyError: &#x27;&lt;k&gt;&#x27;" in board.parts["status"].value
    f.reset()
    assert "It has not begun" in board.parts["status"].value
    f.end()
    assert "has been closed" in board.parts["status"].value
    assert board.step_button.disabled


def test_a_step_that_does_not_come_back_can_be_reset():
    go_on = threading.Event()

    def waits():
        yield 1
        go_on.wait(20)
        print("too late")
        yield 2

    f = frame_stepper(waits)
    board = f.board
    board.step_button.click()
    shows(board, "status", "it has yielded 1")
    board.step_button.click()
    shows(board, "status", "<b>Running</b>: in waits, at <code>go_on.wait(20)</code>")
    assert board.step_button.disabled and "yield 1" in board.parts["stack"].value
    board.reset_button.click()
    shows(board, "status", "It has not begun")
    board.step_button.click()
    shows(board, "status", "it has yielded 1")
    go_on.set()
    wait_until(lambda: not any(thread.name == "frames" for thread in threading.enumerate()))
    assert "Step 1" in board.parts["last"].value
    assert "too late" not in board.parts["last"].value


def test_nothing_to_step():
    board = frame_stepper(lambda: "<x>").board
    assert "not &#x27;&lt;x&gt;&#x27;" in board.parts["status"].value
    assert board.step_button.disabled


def test_a_deep_chain_is_shown_in_few_lines():
    def deeper(n):
        # a line before
        # and another
        if n:
            yield from deeper(n - 1)
        else:
            yield 0
        # and more

    f = frame_stepper(lambda: deeper(5))
    f.step()
    stack = f.board.parts["stack"].value
    assert stack.count("▶") == 6 and stack.count("# and more") == 1


def test_buttons_from_several_threads_while_the_main_thread_steps_and_resets():
    def endless():
        yield from itertools.count()

    f = frame_stepper(endless)
    board = f.board
    errors = []
    over = threading.Event()
    monitored, threading.excepthook = threading.excepthook, lambda args: errors.append(args)

    def press(number: int) -> None:
        buttons = [board.step_button, board.send_button, board.throw_button, board.reset_button]
        for button in itertools.cycle(buttons[number:] + buttons[:number]):
            if over.is_set():
                return
            button.click()
            time.sleep(0.002)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(100):
            f.step()
            if number % 10 == 0:
                f.reset()
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
        wait_until(lambda: not any(thread.name == "frames" for thread in threading.enumerate()))
        threading.excepthook = monitored
    assert errors == []
    f.reset()
    assert f.step().number == 1
    shows(board, "status", "it has yielded 0")


def test_prints_of_others_pass_through(capsys):
    before = sys.stdout
    with printed() as words:
        print("kept")
        other = threading.Thread(target=print, args=("of another thread",))
        other.start()
        other.join()
        sys.stdout.flush()
        print("y" * 10 * MOST)
    assert sys.stdout is before
    assert len("".join(words)) == MOST
    assert capsys.readouterr().out == "of another thread\n"


def test_prints_where_two_overlap(capsys):
    before = sys.stdout
    one, two = printed(), printed()
    one.__enter__()
    words = two.__enter__()
    one.__exit__(None, None, None)  # it ends first, and must not take the other's place away
    print("heard")
    two.__exit__(None, None, None)
    print("goes through")
    assert words == ["heard\n"]
    assert capsys.readouterr().out == "goes through\n"
    sys.stdout = before
