"""The frame stepper without its widgets: what went in, where the frames stand, what came out, how it ends."""

import gc
import re
import socket
import subprocess
import sys
import threading

import pytest

from course_lib.eventloop import READ, Future, Loop
from course_lib.lab import frames as package
from course_lib.lab.frames import frame_stepper
from course_lib.lab.frames.chain import DEEP
from course_lib.lab.frames.values import in_words, named_in_words
from course_lib.lab.named import WIDGET_VIEW
from tests.helpers import ROOT, nothing_left, wait_until
from tests.lab.cells import run_cell


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._frames.end_all()
        gc.collect()  # a coroutine that was never awaited is told when it goes


def countdown(n):
    while n:
        n -= 1
        yield n
    return "done"


def inner(n):
    got = yield n
    if got == "bad":
        raise ValueError("no\nsecond line")
    more = yield got
    return more


def outer():
    try:
        total = yield from inner(3)
    except KeyError:
        total = -1
    yield from [7]
    return total


# --- generators -------------------------------------------------------------------------------


def test_a_generator_from_start_to_end():
    f = frame_stepper(lambda: countdown(2))
    assert repr(f.state) == "has not begun\ncountdown: def countdown(n):\n    n = 2"
    step = f.step()
    assert repr(step) == "step 1: next()\ncountdown: yield n\n    n = 1\nyielded 1"
    assert (step.number, step.went_in, step.out, step.value) == (1, "next()", "yielded", 1)
    assert repr(f.state) == "is suspended\ncountdown: yield n\n    n = 1"
    f.step()
    assert repr(f.step()) == "step 3: next()\nreturned 'done'"
    assert repr(f.state) == "has returned 'done'"
    assert repr(f.step()) == "next()\nrefused: it has returned 'done'; reset() makes a new one"
    assert [step.out for step in f.history] == ["yielded", "yielded", "returned"]
    assert repr(f.reset()).startswith("has not begun")
    assert f.step().number == 1


def test_send_and_throw_go_to_the_innermost_frame():
    f = frame_stepper(outer)
    f.step()
    assert repr(f.send("hello")) == (
        "step 2: send('hello')\n"
        "outer: total = yield from inner(3)\n"
        "inner: more = yield got\n"
        "    n = 3, got = 'hello'\n"
        "yielded 'hello'"
    )
    assert repr(f.throw(KeyError("k"))) == (
        "step 3: throw(KeyError('k'))\n"
        "outer: yield from [7]\n"
        "    total = -1\n"
        "<list_iterator>: an iterator; its __next__ is called\n"
        "yielded 7"
    )


def test_what_it_raises_is_told_with_its_line():
    f = frame_stepper(outer)
    f.step()
    assert repr(f.send("bad")) == (
        "step 2: send('bad')\nraised ValueError: no, in inner: raise ValueError(\"no\\nsecond line\")"
    )
    assert repr(f.step()) == "next()\nrefused: it has raised ValueError: no; reset() makes a new one"
    f.reset()
    assert f.throw(TimeoutError).words == "raised TimeoutError, in outer: def outer():"


def test_slips_are_refused_and_change_nothing():
    f = frame_stepper(outer)
    assert f.send(3).words == "refused: TypeError: can't send non-None value to a just-started generator"
    assert f.throw(3).words == "refused: throw takes an exception, such as ValueError('no')"
    assert f.throw(int).number == 0
    assert f.history == []
    assert f.step().number == 1


def test_ctrl_c_ends_the_cell_and_a_thrown_one_does_not():
    def pressed():
        yield 1
        raise KeyboardInterrupt

    f = frame_stepper(pressed)
    f.step()
    with pytest.raises(KeyboardInterrupt):
        f.step()
    assert f.history[-1].out == "raised"
    f.reset()
    f.step()
    assert f.throw(KeyboardInterrupt).words == "raised KeyboardInterrupt, in pressed: yield 1"


def test_a_generator_may_delegate_to_itself_without_end():
    def deeper(n):
        yield from deeper(n - 1) if n else [0]

    f = frame_stepper(lambda: deeper(100))
    assert len(f.step().frames) == DEEP


def test_code_of_a_cell_has_its_lines():
    cell = run_cell("""
        def numbers():
            for n in range(2):
                yield (
                    n)
    """)
    f = frame_stepper(cell["numbers"])
    assert repr(f.step().frames) == "[numbers: yield (\n    n = 0]"
    assert f.state.frames[0].line == 3


# --- coroutines -------------------------------------------------------------------------------


class Ask:
    def __init__(self, question):
        self.question = question

    def __await__(self):
        return (yield self.question)


class Endless:
    def __await__(self):
        return self

    def __next__(self):
        return "again"


async def ask(question):
    return await Ask(question)


async def answers():
    yield "first"
    yield await ask("second")


async def listens():
    async for answer in answers():
        print(answer)
    await Through(ask("through"))
    await Endless()


class Through:
    def __init__(self, coro):
        self.coro = coro

    def __await__(self):
        return self.coro.__await__()


def test_frames_through_await_and_async_for_and_wrappers(capsys):
    f = frame_stepper(listens)
    assert repr(f.step()) == (
        "step 1: send(None)\n"
        "listens: async for answer in answers():\n"
        "    answer = 'first'\n"
        'answers: yield await ask("second")\n'
        "ask: return await Ask(question)\n"
        "    question = 'second'\n"
        "Ask.__await__: return (yield self.question)\n"
        "    self = <Ask>\n"
        "yielded 'second'"
    )
    step = f.send("Ada")
    assert [frame.function for frame in step.frames] == ["listens", "ask", "Ask.__await__"]
    assert capsys.readouterr().out == "first\nAda\n"
    assert repr(f.step().frames[1]) == "<Endless>: an iterator; its __next__ is called"
    f.reset()


def test_a_coroutine_on_our_future():
    loop = Loop()
    future = Future(loop)

    async def main():
        return await future + 1

    f = frame_stepper(main)
    step = f.step()
    assert step.value is future
    assert step.words == "yielded <Future pending>"
    assert repr(step.frames[1]) == "until_done: yield future\n    future = <Future pending>"
    future.set_result(3)
    assert f.step().words == "returned 4"
    loop.close()


def test_the_text_of_a_deep_chain_holds_nothing_that_varies():
    def text():
        loop, pair = Loop(), socket.socketpair()
        pair[0].setblocking(False)

        async def serve(sock):
            address = ("127.0.0.1", sock.fileno())
            return await loop.sock_recv(sock, len(address))

        f = frame_stepper(lambda: serve(pair[0]))
        words = repr(f.step())
        f.end()
        with pytest.raises(KeyError):
            loop.unregister(pair[0])
        for each in (loop, *pair):
            each.close()
        return words

    first = text()
    with socket.socket():  # the next ones have other numbers
        assert text() == first
    assert "fd = <fd>" in first and "('127.0.0.1', <port>)" in first
    assert not re.search("0x|laddr", first)


# --- what make returns ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: [1], "make() must return a generator or a coroutine, and not [1]"),
        (countdown, "make() raised TypeError: countdown() missing 1 required positional argument: 'n'"),
    ],
)
def test_what_make_does_wrong_is_told_in_one_line(make, why):
    f = frame_stepper(make)
    assert f.step().words == f"refused: nothing can be stepped: {why}"
    assert f"\nNothing can be stepped: {why}\n" in repr(f)
    assert repr(f.reset()) == f"Nothing can be stepped: {why}"


def test_make_must_make_a_new_one():
    one = countdown(3)
    f = frame_stepper(lambda: one)
    f.step()
    f.reset()
    assert "this one has begun already" in f.step().words
    with pytest.raises(TypeError, match="give a function that makes it, such as `lambda: countdown"):
        frame_stepper(countdown(3))
    with pytest.raises(TypeError, match="make is a function .*, and no int"):
        frame_stepper(3)


# --- ends -------------------------------------------------------------------------------------


def test_the_next_one_of_a_name_closes_its_predecessor():
    closed = []

    def tidies():
        try:
            yield 1
        finally:
            closed.append(True)

    first = frame_stepper(tidies)
    other = frame_stepper(listens, name="other")  # it never begins, and nobody is warned
    first.step()
    frame_stepper(tidies)
    assert closed == [True]
    assert first.step().words == "refused: it has been closed; reset() makes a new one"
    assert other.state.words == "has not begun"
    first.end()


def test_one_that_refuses_to_end_is_closed_all_the_same():
    def raises():
        try:
            yield 1
        finally:
            raise ValueError("not now")

    f = frame_stepper(raises)
    f.step()
    f.reset()
    assert f.step().number == 1


def test_a_second_thread_is_refused_and_reset_does_not_wait():
    go_on = threading.Event()

    def waits():
        go_on.wait(20)
        yield 1

    f = frame_stepper(waits)
    thread = threading.Thread(target=f.step)
    thread.start()
    wait_until(lambda: f.state.words == "is running")
    assert f.step().words == "refused: it is running, and has not come back from the step before"
    f.reset()
    assert f.state.words == "has not begun"
    go_on.set()
    thread.join(5)
    assert f.history == []


# --- words ------------------------------------------------------------------------------------


class Silent:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Ask(1), "<Ask>"),
        (Silent(), "<Silent>"),
        ([Ask(1), {"a": Ask}], "[<Ask>, {'a': <class 'tests.lab.test_frames.Ask'>}]"),
        (countdown, "<function countdown>"),
        (countdown(3), "<generator object countdown>"),
        ((lambda: lambda: 1)(), "<function <lambda>>"),
        (b"x" * 5, "b'xxxxx'"),
        (READ, "1"),
        (None, "None"),
        (("127.0.0.1", 3456), "('127.0.0.1', <port>)"),
    ],
)
def test_values_in_words(value, words):
    assert in_words(value) == words


def test_long_values_are_cut():
    for value in ("x" * 1000, b"x" * 1000, list(range(1000)), {n: n for n in range(1000)}, 10**300):
        assert len(in_words(value)) <= 70
    assert (named_in_words("fd", 7), named_in_words("n", 7)) == ("<fd>", "7")


def test_the_text_beside_the_board():
    f = frame_stepper(lambda: countdown(2))
    bundle = f._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", WIDGET_VIEW}
    assert bundle["text/plain"] == repr(f)
    assert repr(f).splitlines()[1:3] == ["it has not begun", "countdown: def countdown(n):"]
    f.step()
    assert "\nstep 1: next()\n" in repr(f)


def test_the_logic_needs_no_widgets():
    code = (
        "import sys; from course_lib import frame_stepper; f = frame_stepper(lambda: iter_(3))\n"
        "def iter_(n): yield n\n"
        "f.reset(); print(f.step().value, 'ipywidgets' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("3 False False\n", "")
