"""A newcomer beside slow clients: the measurement, and what is said and drawn of it."""

import threading

import pytest

from course_lib.lab import pool_latency as module
from course_lib.lab.background import running, serve
from course_lib.lab.pool_latency import LatencyRun, PoolLatency, newcomer_waits, pool_latency
from course_lib.servers.thread_pool import ThreadPoolServer
from tests.helpers import nobody_listens, nothing_left


class TwoWorkers(ThreadPoolServer):
    name = "two_workers"
    workers = 2


@pytest.fixture(autouse=True)
def clean():
    with nothing_left(limit=3.0):
        yield


def test_a_full_pool_lets_the_newcomer_wait():
    picture = pool_latency("threaded", TwoWorkers, slow=4)
    assert picture.text == (
        "threaded: a newcomer is answered at once, however many slow clients are there\n"
        "two_workers: beside 2 slow clients or more, a newcomer waits until one of them has left"
    )
    waited = picture.runs[1].waited
    assert len(waited) == 5
    assert waited[4] > waited[2] + module.THINKING / 2  # a second round
    assert not running()


def test_slow_clients_leave_when_the_newcomer_has_its_answer(monkeypatch):
    monkeypatch.setattr(module, "THINKING", 30.0)
    with serve("threaded", name="here") as server:
        assert newcomer_waits(server.address, 3) < 5.0
        assert not [thread for thread in threading.enumerate() if thread.name.endswith("(be_slow)")]


def test_a_server_that_has_gone_is_an_error_and_leaves_no_thread():
    with nobody_listens() as address, pytest.raises(ConnectionRefusedError):
        newcomer_waits(address, 2)


def test_words_follow_the_measurement():
    thinking = module.THINKING
    assert LatencyRun("some", [0.0, thinking, 2 * thinking]).words().startswith("some: beside 1 slow clients")
    assert (
        LatencyRun("some", [0.0, thinking, 0.0]).words() == "some: a newcomer is answered at once, or later"
    )


def test_each_server_has_its_line_in_milliseconds():
    picture = PoolLatency([LatencyRun("one", [0.001, 0.002]), LatencyRun("two", [0.1, 0.2])])
    (axes,) = picture.figure.axes
    assert [line.get_label() for line in axes.lines] == ["one", "two"]
    assert list(axes.lines[1].get_ydata()) == [100, 200]
    assert axes.lines[0].get_marker() != axes.lines[1].get_marker()


def test_it_needs_a_server():
    with pytest.raises(TypeError, match="needs a server"):
        pool_latency()
