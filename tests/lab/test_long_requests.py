"""Two probes at one server: the measurement, and what is said and drawn of it."""

import socket
import time

import matplotlib.figure  # numpy starts threads of its own when it is imported  # noqa: F401
import pytest

from course_lib.lab import long_requests as module
from course_lib.lab.long_requests import Long, LongRequests, Work, long_requests
from tests.helpers import nothing_left


@pytest.fixture(autouse=True)
def clean():
    with nothing_left(limit=3.0):
        yield


def test_one_long_request_leaves_little_to_the_short_ones_and_two_share_a_processor():
    start = time.monotonic()
    picture = long_requests("threaded")
    assert time.monotonic() - start < module.PATIENCE  # nobody had to be given up
    assert picture.text == (
        "threaded: while a long request is at work, "
        "fewer than half as many short ones are answered in a second\n"
        "threaded: two long requests at once share one processor: neither is done before both nearly are"
    )
    alone, *both = picture.longs
    assert all(long.seconds >= module.WORK for long in picture.longs)
    assert alone.end < min(long.start for long in both)
    assert max(long.start for long in both) < min(long.end for long in both)
    assert picture.answers == sorted(picture.answers)


def test_work_takes_the_processor_time_that_was_asked_for():
    work = Work()
    before = time.thread_time()
    assert work.receive(b"20") == b"20"
    assert time.thread_time() - before >= 0.02
    before = time.thread_time()
    assert work.receive(b"0") == b"0"
    assert time.thread_time() - before < 0.02


def picture_of(rate_beside: int, seconds_of_two: float) -> LongRequests:
    """100 answers a second, but ``rate_beside`` from second 1 to second 2, beside a long request."""
    answers = [index / 100 for index in range(100)]
    answers += [1 + index / rate_beside for index in range(rate_beside)]
    longs = [Long(1.0, 2.0), Long(3.0, 3.0 + seconds_of_two), Long(3.0, 3.0 + seconds_of_two)]
    return LongRequests("some", answers, longs, 4.0)


def test_words_follow_the_measurement():
    slow = picture_of(rate_beside=10, seconds_of_two=2 * module.WORK)
    assert "fewer than half as many" in slow.short_words()
    assert "share one processor" in slow.long_words()
    quick = picture_of(rate_beside=80, seconds_of_two=module.WORK)
    assert "nearly as many" in quick.short_words()
    assert "each have a processor" in quick.long_words()


def test_rates_are_those_of_a_second():
    picture = picture_of(rate_beside=10, seconds_of_two=1.0)
    assert (picture.rate(0.0, 1.0), picture.rate(1.0, 2.0)) == (100, 10)
    rates, lanes = picture.figure.axes
    (stairs,) = rates.patches
    values = stairs.get_data().values
    assert sum(values[:40]) / 40 == pytest.approx(100, rel=0.05)
    assert len(lanes.patches) == 3


def test_no_answer_to_a_long_request_is_an_error():
    class Silent:
        def __init__(self, address, conversation):
            self.listener = socket.create_server(address)
            self.address = self.listener.getsockname()

        def serve_forever(self):
            while True:
                with self.listener.accept()[0] as client:
                    client.recv(16)

        def stop(self):
            self.listener.close()

    with pytest.raises(RuntimeError, match="not answered"):
        long_requests(Silent)
