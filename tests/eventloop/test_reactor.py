"""The reactor, with real descriptors, and with a clock that jumps where time matters."""

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from course_lib.eventloop import READ, WRITE, Reactor
from course_lib.eventloop.fake_time import FakeTime
from course_lib.eventloop.poller import EpollPoller, Poller, SelectorPoller
from tests.helpers import cpu_share, nothing_left, wait_until, wait_until_asleep

POLLERS = {"epoll": EpollPoller, "select": lambda: SelectorPoller(selectors.SelectSelector())}
POLLERS["selectors"] = SelectorPoller


@pytest.fixture(params=POLLERS)
def poller(request: pytest.FixtureRequest) -> Poller:
    if request.param == "epoll" and not hasattr(selectors, "EpollSelector"):
        pytest.skip("epoll is part of Linux")
    return POLLERS[request.param]()


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def reactor(poller: Poller) -> Iterator[Reactor]:
    reactor = Reactor(poller)
    reactor.on_error = no_error_is_expected
    yield reactor
    reactor.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        yield one, other


def no_error_is_expected(error: BaseException) -> None:
    raise AssertionError("no error was expected") from error


@contextmanager
def faked() -> Iterator[tuple[Reactor, FakeTime]]:
    time = FakeTime()
    reactor = Reactor(time, time.clock)
    reactor.on_error = no_error_is_expected
    yield reactor, time
    reactor.close()


# --- descriptors


def test_a_callback_gets_the_events(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[int] = []
    reactor.register(ours, READ, seen.append)
    reactor.run_once(0)
    assert seen == []
    theirs.send(b"x")
    reactor.run_once(1)
    reactor.run_once(1)  # level-triggered: it tells until the byte has been read
    assert seen == [READ, READ]
    reactor.modify(ours, READ | WRITE, seen.append)
    reactor.run_once(1)
    reactor.modify(ours, WRITE, seen.append)
    reactor.run_once(1)
    assert seen[2:] == [READ | WRITE, WRITE]
    reactor.unregister(ours)
    reactor.run_once(0)
    assert len(seen) == 4


def test_a_broken_connection_is_ready_for_what_was_asked(reactor: Reactor) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        ours.send(b"unread")  # so that the close is a reset
        theirs.close()
        for events in (READ, WRITE):
            seen: list[int] = []
            reactor.register(ours, events, seen.append)
            reactor.run_once(1)
            assert seen and seen[0] & events
            reactor.unregister(ours)


def test_a_number_will_do(reactor: Reactor) -> None:
    out, into = os.pipe()
    seen: list[int] = []
    reactor.register(out, READ, seen.append)
    os.write(into, b"x")
    reactor.run_once(1)
    assert seen == [READ]
    reactor.unregister(out)
    os.close(out)
    os.close(into)


def test_mistakes_are_told_and_leave_nothing_changed(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair
    for events in (0, 4, -1):
        with pytest.raises(ValueError, match=f"READ, WRITE or READ . WRITE, not {events}"):
            reactor.register(ours, events, print)
    with pytest.raises(KeyError, match="is not registered"):
        reactor.modify(ours, READ, print)
    with pytest.raises(KeyError, match="is not registered"):
        reactor.unregister(ours)
    reactor.register(ours, READ, print)
    with pytest.raises(KeyError, match="is already registered"):
        reactor.register(ours, READ, print)
    with pytest.raises(ValueError, match="not 0"):
        reactor.modify(ours, 0, print)
    reactor.unregister(ours)
    ours.close()
    with pytest.raises(ValueError, match="unregister before you close"):
        reactor.register(ours, READ, print)


def test_what_the_system_cannot_watch_is_not_kept(tmp_path: Path) -> None:
    if not hasattr(selectors, "EpollSelector"):
        pytest.skip("only epoll refuses regular files")
    reactor = Reactor()
    with (tmp_path / "file").open("w") as file:
        for _ in range(2):  # twice: had it been kept, the second would be a KeyError
            with pytest.raises(PermissionError):
                reactor.register(file, READ, print)
    reactor.close()


def test_a_callback_may_unregister_one_that_is_ready_too(reactor: Reactor) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    ran: list[int] = []

    def only_one(number: int) -> None:
        ran.append(number)
        reactor.unregister(pairs[1 - number][0])
        pairs[1 - number][0].close()

    for number, (ours, theirs) in enumerate(pairs):
        reactor.register(ours, READ, lambda events, number=number: only_one(number))
        theirs.send(b"x")
    reactor.run_once(1)
    assert len(ran) == 1
    reactor.unregister(pairs[ran[0]][0])
    for ours, theirs in pairs:
        ours.close()
        theirs.close()


# --- soon


def test_call_soon_keeps_the_order(reactor: Reactor) -> None:
    ran: list[int] = []
    for number in range(5):
        reactor.call_soon(ran.append, number)
    reactor.run_once()
    assert ran == [0, 1, 2, 3, 4]


def test_what_a_callback_adds_waits_for_the_next_round(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    ran: list[str] = []

    def again() -> None:
        ran.append("again")
        reactor.call_soon(again)

    reactor.register(ours, READ, lambda events: ran.append("read"))
    reactor.call_soon(again)
    reactor.run_once()
    theirs.send(b"x")
    reactor.run_once()
    assert ran == ["again", "read", "again"]


def test_another_thread_wakes_it(reactor: Reactor) -> None:
    ran_in: list[int] = []

    def note() -> None:
        ran_in.append(threading.get_ident())
        reactor.stop()

    thread = threading.Thread(target=reactor.run_forever)
    thread.start()
    wait_until_asleep(thread.native_id)
    reactor.call_soon_threadsafe(note)
    thread.join(5)
    assert ran_in == [thread.ident]


def test_orders_of_many_threads_are_all_carried_out(reactor: Reactor) -> None:
    ran: list[tuple[int, int]] = []

    def give_orders(number: int) -> None:
        for count in range(500):
            reactor.call_soon_threadsafe(ran.append, (number, count))

    threads = [threading.Thread(target=give_orders, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(ran) < 2000 and time.monotonic() < deadline:
        reactor.run_once(0.1)
    for thread in threads:
        thread.join()
    assert sorted(ran) == [(number, count) for number in range(4) for count in range(500)]
    assert [entry for entry in ran if entry[0] == 0] == [(0, count) for count in range(500)]


# --- later


def test_timers_come_at_their_time_and_in_their_order() -> None:
    with faked() as (reactor, fake):
        ran: list[tuple[str, float]] = []
        for name, delay in [("c", 3600.0), ("a", 0.5), ("b", 2.0)]:
            reactor.call_later(delay, lambda name=name: ran.append((name, fake.now)))
        reactor.call_at(1.0, lambda: ran.append(("at", fake.now)))
        for _ in range(4):
            reactor.run_once()
        assert ran == [("a", 0.5), ("at", 1.0), ("b", 2.0), ("c", 3600.0)]


def test_a_cancelled_timer_wakes_nobody() -> None:
    with faked() as (reactor, fake):
        reactor.call_later(1, no_error_is_expected, AssertionError()).cancel()
        reactor.call_later(5, reactor.stop)
        reactor.run_forever()
        assert fake.now == 5


def test_the_time_limit_of_a_round() -> None:
    with faked() as (reactor, fake):
        reactor.run_once(2)
        assert fake.now == 2
        reactor.call_later(1, lambda: None)
        reactor.run_once(2)  # the timer comes first
        assert fake.now == 3
        reactor.call_soon(lambda: None)
        reactor.run_once(2)  # something is to be done at once
        assert fake.now == 3


def test_a_timer_set_by_a_timer_for_now_waits_for_the_next_round() -> None:
    with faked() as (reactor, fake):
        rounds: list[str] = []

        def again() -> None:
            rounds.append("timer")
            reactor.call_later(0, again)

        reactor.call_later(0, again)
        reactor.run_once()
        assert rounds == ["timer"]


def test_it_would_sleep_for_ever() -> None:
    with faked() as (reactor, fake), pytest.raises(RuntimeError, match="sleep for ever"):
        reactor.run_once()


def test_a_real_timer_is_never_early(reactor: Reactor) -> None:
    early: list[float] = []
    for delay in (0.0004, 0.001, 0.0123, 0.02):
        when = reactor.time() + delay
        reactor.call_at(when, lambda when=when: early.append(when - reactor.time()))
    deadline = time.monotonic() + 5
    while len(early) < 4 and time.monotonic() < deadline:
        reactor.run_once()
    assert len(early) == 4
    assert max(early) <= 0


def test_an_idle_reactor_sleeps(reactor: Reactor) -> None:
    reactor.call_later(3600, print)
    thread = threading.Thread(target=reactor.run_forever)
    thread.start()
    wait_until_asleep(thread.native_id)
    shares = [cpu_share() for _ in range(4)]
    reactor.stop()
    thread.join(5)
    assert sorted(shares)[1] < 0.2, shares  # the machine may be busy; a spin would be 1.0 each time


# --- errors and the end


def test_a_failing_callback_is_reported_and_harms_nobody(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    errors: list[BaseException] = []
    ran: list[str] = []
    reactor.on_error = errors.append

    def fail(*_: object) -> None:
        raise ValueError("planted")

    theirs.send(b"x")
    reactor.register(ours, READ, fail)
    reactor.call_soon(fail)
    reactor.call_later(0, fail)
    reactor.call_soon(ran.append, "soon")
    reactor.call_later(0, ran.append, "later")
    reactor.run_once()
    assert [str(error) for error in errors] == ["planted"] * 3
    assert ran == ["soon", "later"]


def test_by_default_the_traceback_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    reactor = Reactor()
    reactor.call_soon(lambda: 1 / 0)
    reactor.run_once()
    reactor.close()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_ctrl_c_goes_through_and_nothing_is_lost(reactor: Reactor) -> None:
    ran: list[str] = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    reactor.call_soon(interrupt)
    reactor.call_soon(ran.append, "after")
    with pytest.raises(KeyboardInterrupt):
        reactor.run_forever()
    assert "resting" in repr(reactor)
    reactor.run_once()
    assert ran == ["after"]


def test_stop_ends_the_round_that_it_is_in(reactor: Reactor) -> None:
    ran: list[str] = []
    reactor.call_soon(reactor.stop)
    reactor.call_soon(ran.append, "the same round")
    reactor.run_forever()
    assert ran == ["the same round"]
    reactor.call_soon(reactor.stop)
    reactor.run_forever()  # it can be run again


def test_stop_before_it_runs_counts(reactor: Reactor) -> None:
    reactor.stop()
    reactor.run_forever()


def test_stop_from_another_thread(reactor: Reactor) -> None:
    thread = threading.Thread(target=reactor.run_forever)
    thread.start()
    wait_until_asleep(thread.native_id)
    reactor.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_close_leaves_the_descriptors_of_others(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    reactor = Reactor()
    reactor.register(ours, READ, print)
    reactor.close()
    reactor.close()
    reactor.stop()  # too late, and no harm
    theirs.send(b"x")
    wait_until(lambda: ours.recv(1) == b"x")


def test_the_repr_tells_what_it_has(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    reactor.register(pair[0], READ, print)
    reactor.call_soon(print)
    reactor.call_later(1, print)
    assert repr(reactor) == "<Reactor 1 registered, 1 ready, 1 timer, resting>"


def test_what_was_registered_in_a_round_is_called_in_the_next_one_at_the_earliest() -> None:
    """A callback closes a socket for which something has come, and its number goes to a new one."""
    reactor = Reactor()
    told: list[int] = []
    (first, one), (second, other) = socket.socketpair(), socket.socketpair()
    fresh: list[socket.socket] = []

    def swap(mine: socket.socket, others: socket.socket) -> None:
        if not fresh:
            mine.recv(1)
            reactor.unregister(others)
            others.close()
            fresh.extend(socket.socketpair())
            reactor.register(fresh[0], READ, told.append)

    reactor.register(first, READ, lambda events: swap(first, second))
    reactor.register(second, READ, lambda events: swap(second, first))
    one.send(b"!")
    other.send(b"!")
    reactor.run_once(0)
    assert told == []
    fresh[1].send(b"!")
    reactor.run_once(0)
    assert told == [READ]
    reactor.close()
    for sock in (first, one, second, other, *fresh):
        sock.close()


def test_a_timer_in_a_year() -> None:
    reactor = Reactor()
    reactor.call_later(365 * 24 * 3600, print)
    reactor.call_soon_threadsafe(print)
    reactor.run_once()
    assert reactor._patience(None) == 24 * 3600
    reactor.close()
