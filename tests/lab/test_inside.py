"""Inside asyncio: the rounds of a program, a round line by line, three loops side by side."""

import asyncio
import inspect
import re

import pytest

from course_lib.clients import pair
from course_lib.lab.inside import asyncio_rounds, four_steps
from course_lib.lab.inside.four_steps import ASYNCIO, STEPS, taken_apart
from tests.helpers import nothing_left


async def listens():
    loop = asyncio.get_running_loop()
    with pair() as (client, sock):
        sock.setblocking(False)
        loop.call_later(0.05, client.sendall, b"hello")
        await asyncio.sleep(0)
        return await loop.sock_recv(sock, 100)


def test_a_program_round_by_round():
    with nothing_left():
        rounds = asyncio_rounds(listens)
    assert rounds.result == b"hello"
    assert [row[1:] for row in rounds.rows()] == [
        ("step of listens", "", "select(0)", "nothing", "step of listens"),
        ("step of listens", "sendall", "select(0)", "nothing", "step of listens"),
        ("", "sendall", "select(until timer)", "nothing", "sendall"),
        ("", "", "select(None)", "connection for READ", "_sock_recv for listens"),
        (
            "_sock_read_done, step of listens",
            "",
            "select(0)",
            "nothing",
            "_sock_read_done, step of listens",
        ),
        ("_run_until_complete_cb", "", "select(0)", "nothing", "_run_until_complete_cb"),
    ]
    third = rounds.rounds[2]
    assert 0 < third.timeout <= 0.05
    assert third.began < third.woke <= third.ended == rounds.rounds[3].began


def test_its_words_and_its_picture_hold_no_time():
    texts = {(repr(rounds), repr(rounds.picture())) for rounds in (asyncio_rounds(listens) for _ in range(2))}
    assert len(texts) == 1
    assert not re.search(r"\d\.\d", "".join(texts.pop()))


def test_the_snapshot_leaves_out_what_is_added_meanwhile():
    async def main():
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(int))
        await asyncio.sleep(0)

    called = [row[5] for row in asyncio_rounds(main).rows()]
    assert called == ["step of main", "<lambda>, step of main", "int, _run_until_complete_cb"]


def test_a_cancelled_timer_is_no_timer():
    async def main():
        asyncio.get_running_loop().call_later(3600, print).cancel()
        await asyncio.sleep(0)

    assert {row[2] for row in asyncio_rounds(main).rows()} == {""}


def test_what_the_program_raises_is_raised():
    async def fails():
        raise ValueError("no")

    with nothing_left(), pytest.raises(ValueError, match="no"):
        asyncio_rounds(fails)


def test_a_round_line_by_line():
    lines = asyncio_rounds(listens).line_by_line(4).lines
    source = inspect.getsource(asyncio.BaseEventLoop._run_once)
    assert len(lines) == len(source.splitlines())
    notes = {text.strip(): did for text, did in lines if did}
    assert notes["event_list = self._selector.select(timeout)"] == "event_list = [connection for READ]"
    assert notes["ntodo = len(self._ready)"] == "ntodo = 1"
    ran = {text.strip() for text, did in lines if did is not None}
    assert "timeout = None" in ran
    assert "handle._run()" in ran
    assert "timeout = 0" not in ran
    assert "when" not in repr(notes)


def test_a_round_that_there_was_not():
    with pytest.raises(ValueError, match="rounds 1 to 6, and no 7"):
        asyncio_rounds(listens).line_by_line(7)


def test_no_observer_is_left():
    asyncio_rounds(listens)
    assert type(asyncio.SelectorEventLoop.__dict__.get("_run_once")).__name__ == "NoneType"
    loop = asyncio.SelectorEventLoop()
    assert type(loop._ready).__name__ == "deque"
    loop.close()


def test_which_loop_takes_which_step():
    three = four_steps()
    takes = {name: [bool(lines) for lines in steps[:4]] for name, steps in three.parts.items()}
    assert takes == {
        "the article's sketch": [False, True, False, True],
        "our Reactor": [True] * 4,
        "asyncio": [True] * 4,
    }
    assert repr(three).splitlines()[0].endswith("our Reactor, asyncio")


def test_the_steps_of_asyncio_hold_what_they_are_known_for():
    how_long, who, whose_time, call, besides = four_steps().parts["asyncio"]
    assert how_long[0] == "timeout = None"
    assert who == ["event_list = self._selector.select(timeout)", "self._process_events(event_list)"]
    assert whose_time[0].startswith("end_time = ")
    assert call[0] == "ntodo = len(self._ready)"
    assert besides[0] == "sched_count = len(self._scheduled)"


def test_no_statement_is_lost_and_none_is_shown_twice():
    function = asyncio.BaseEventLoop._run_once
    shown = sorted(
        line.strip() for step in taken_apart((function,), ASYNCIO) for line in step if line.strip()
    )
    body = inspect.getsource(function).rpartition('"""')[2]
    # Comments between statements belong to none of them.
    assert [line for line in shown if not line.startswith("#")] == sorted(
        line.strip() for line in body.splitlines() if line.strip() and not line.strip().startswith("#")
    )
    assert len(STEPS) == 5
