"""What wakes a waiting thread: the measurement, and what is said and drawn of it."""

import sys
import threading
import time

import pytest

from course_lib.lab import wake_ups as module
from course_lib.lab.wake_ups import CALLS, REMEDIES, Outcome, WakeUps, wake_ups
from tests.helpers import nothing_left

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems wake other threads")


@pytest.fixture(autouse=True)
def clean():
    with nothing_left(limit=3.0):
        yield


@linux
def test_only_shutdown_wakes_a_thread_and_it_wakes_all():
    picture = wake_ups()
    assert picture.text == (
        "stopping = True wakes no thread\n"
        "settimeout(0.01) wakes no thread\n"
        "close() wakes no thread\n"
        "shutdown(SHUT_RDWR) wakes a thread in accept, recv or sendall"
    )
    assert len(picture.outcomes) == len(REMEDIES) * len(CALLS)
    woken = [outcome.seconds for outcome in picture.outcomes if outcome.seconds is not None]
    assert all(0 < seconds < module.PATIENCE for seconds in woken)


def test_all_threads_wait_in_the_very_call_when_the_remedies_begin(monkeypatch):
    settled, time_outs = [], []
    monkeypatch.setattr(module, "settle", lambda threads: settled.extend(thread.name for thread in threads))
    monkeypatch.setattr(module, "REMEDIES", {"look": lambda sock: time_outs.append(sock.gettimeout())})
    picture = wake_ups()
    assert settled == ["waits in accept", "waits in recv", "waits in sendall"]
    assert time_outs == [None, None, None]
    assert picture.text == "look wakes no thread"


@linux
def test_a_thread_has_settled_when_it_computes_no_more():
    end = time.monotonic() + 0.15

    def compute_and_sleep():
        while time.monotonic() < end:
            pass
        over.wait(5.0)

    over = threading.Event()
    thread = threading.Thread(target=compute_and_sleep, daemon=True)
    thread.start()
    module.settle([thread])
    assert end <= time.monotonic() < end + 1.0
    over.set()
    thread.join()


def test_an_interrupt_in_the_middle_leaves_nothing(monkeypatch):
    def interrupted(sock):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "REMEDIES", {"interrupted": interrupted})
    with pytest.raises(KeyboardInterrupt):
        wake_ups()


def test_words_follow_the_measurement():
    picture = WakeUps([Outcome("close()", "accept", 0.001), Outcome("close()", "recv", None)])
    assert picture.words("close()") == "close() wakes a thread in accept"
    picture = WakeUps([Outcome("close()", "accept", 0.001), Outcome("close()", "recv", 0.002)])
    assert picture.words("close()") == "close() wakes a thread in accept or recv"


def test_each_outcome_has_its_cell_told_apart_by_more_than_color():
    picture = WakeUps([Outcome("close()", "accept", 0.0012), Outcome("close()", "recv", None)])
    (axes,) = picture.figure.axes
    assert [text.get_text() for text in axes.texts] == ["woke after 1.20 ms", "waits on"]
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [False, True]
