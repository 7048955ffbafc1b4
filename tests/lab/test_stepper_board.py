"""The board of the stepper: buttons from several threads, thousands of events, errors, and what is shown."""

import itertools
import socket
import threading
import time

import pytest

from course_lib.eventloop import READ
from course_lib.lab import stepper as package
from course_lib.lab.stepper import board_html, stepper
from course_lib.listening import listen
from tests.helpers import nothing_left, wait_until


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._steppers.end_all()


def test_a_person_steps_and_types():
    board = stepper().board
    parts, row = board.parts, board.clients.rows[0]
    assert "press Step" in parts["status"].value
    assert "Building" in parts["round"].value
    assert board.pause_button.disabled and not board.step_button.disabled
    board.step_button.click()
    wait_until(lambda: "sets the timer heartbeat" in parts["round"].value)
    assert "<code>heartbeat</code> in 5.0 s" in parts["timers"].value
    board.clients.open_button.click()
    wait_until(lambda: "1 client for accept" in parts["registered"].value)
    assert row.box.layout.display is None
    board.step_button.click()
    wait_until(lambda: "accept gave client 1" in parts["round"].value)
    board.step_button.click()
    wait_until(lambda: "Asleep in select, in round 3" in parts["status"].value and board.step_button.disabled)
    assert "accept gave client 1" in parts["round"].value, "the round before can still be read"
    row.entry.value = "<hi>"
    row.buttons["send"].click()
    wait_until(lambda: "heard <code>&lt;hi&gt;\\n</code>" in row.heard.value)
    assert row.entry.value == ""
    assert "&lt;hi&gt;" in parts["round"].value
    assert "round 2" in parts["earlier"].value
    row.buttons["reset"].click()
    wait_until(lambda: "<b>reset (RST)</b>" in row.heard.value and row.entry.disabled)


def press_enter(row):
    row.entry._handle_custom_msg({"event": "submit"}, [])


def test_the_enter_key_sends_what_was_there_before_and_what_comes_after_it():
    s = stepper()
    row = s.board.clients.rows[0]
    s.board.clients.open_button.click()
    client = s.session.clients.shown[0]
    row.entry.value = "before"
    press_enter(row)
    wait_until(lambda: client.sent == 7)
    press_enter(row)
    row.entry.value = "after"  # the front end sends the key first
    assert client.sent == 7 + 6  # at once, and once
    wait_until(lambda: row._entering is None)
    assert (client.sent, row.entry.value) == (7 + 6, "")


def test_an_enter_key_long_ago_sends_nothing():
    s = stepper()
    row = s.board.clients.rows[0]
    s.board.clients.open_button.click()
    press_enter(row)  # there is nothing to send, and nothing comes
    wait_until(lambda: row._entering is None)
    row.entry.value = "typed, and left for another button"
    assert s.session.clients.shown[0].sent == 0


def test_reset_shows_the_beginning_again():
    s = stepper()
    board = s.board
    board.step_button.click()
    board.clients.open_button.click()
    wait_until(lambda: board.clients.rows[0].box.layout.display is None)
    board.reset_button.click()
    wait_until(lambda: "Building" in board.parts["round"].value)
    assert board.clients.rows[0].box.layout.display == "none"
    s.end()
    assert "Ended" in board.parts["status"].value
    assert board.clients.open_button.disabled


def test_errors_are_shown():
    def build(reactor):
        reactor.call_soon(lambda: int("<x>"))

    board = stepper(build).board
    assert board.clients.open_button.disabled
    board.step_button.click()
    wait_until(lambda: "raised ValueError" in board.parts["round"].value)
    assert "Traceback" in board.parts["round"].value and "&lt;x&gt;" in board.parts["round"].value
    board = stepper(lambda reactor: int("<y>")).board
    assert "build raised ValueError" in board.parts["status"].value
    assert board.step_button.disabled and board.run_button.disabled
    board.clients.open()
    assert "no address" in board.clients.message.value


def test_a_callback_that_does_not_return_is_named(monkeypatch):
    monkeypatch.setattr(board_html, "LONG", 0.05)
    go_on = threading.Event()
    board = stepper(lambda reactor: reactor.call_soon(go_on.wait, 5)).board
    board.step_button.click()
    wait_until(lambda: "Event.wait runs" in board.parts["status"].value)
    assert "nobody else is served" in board.parts["status"].value
    go_on.set()
    wait_until(lambda: "At rest" in board.parts["status"].value)


def test_what_ends_the_reactor_is_shown():
    board = stepper(lambda reactor: reactor.call_soon(exit_with, "<bye>")).board
    board.step_button.click()
    wait_until(lambda: "ended by SystemExit: &lt;bye&gt;" in board.parts["status"].value)


def exit_with(words):
    raise SystemExit(words)


def flood(reactor):
    """A socket pair that wakes the reactor thousands of times a second."""
    one, two = socket.socketpair()
    one.setblocking(False)
    two.setblocking(False)
    numbers = itertools.count()

    def hear(events):
        two.recv(1)
        one.send(b"x")
        reactor.call_soon(next, numbers)

    reactor.register(two, READ, hear)
    reactor.adopt(one)
    one.send(b"x")


def test_thousands_of_events_are_shown_ten_times_a_second():
    s = stepper(flood)
    board = s.board
    updates = []
    for part in board.parts.values():
        part.observe(lambda change: updates.append(change["owner"]), "value")
    board.speed.value = "as fast as it can"
    board.run_button.click()
    start = time.monotonic()
    wait_until(lambda: s.reactor.round.number > 5000, limit=20)
    s.pause()
    wait_until(lambda: not s.session.drive.busy)
    seconds = time.monotonic() - start
    last = s.reactor.round
    wait_until(lambda: f"Round {last.number}<" in board.parts["round"].value, what="the last state is shown")
    allowed = (seconds + 1) * 10 + 2
    assert max(updates.count(part) for part in board.parts.values()) <= allowed
    assert len(s.history) <= 50


def test_buttons_from_several_threads_while_the_main_thread_steps_and_resets():
    s = stepper(flood_with_clients)
    board = s.board
    errors = []
    over = threading.Event()
    monitored, threading.excepthook = threading.excepthook, lambda args: errors.append(args)

    def press(number: int) -> None:
        buttons = [board.step_button, board.run_button, board.pause_button, board.clients.open_button]
        row = board.clients.rows[number]
        buttons += [
            row.buttons["send"],
            row.buttons["half-close"],
            row.buttons["close"],
            row.buttons["reset"],
        ]
        for button in itertools.cycle(buttons[number:] + buttons[:number]):
            if over.is_set():
                return
            button.click()
            time.sleep(0.001)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            for _ in range(5):
                try:
                    s.step(limit=0.02)
                except RuntimeError:  # another thread has just reset it
                    pass
            s.reset()
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
        threading.excepthook = monitored
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)
    s.reset()
    assert s.step().number == 1


def flood_with_clients(reactor):
    address = package.example.echo_and_heartbeat(reactor)
    flood(reactor)
    return address


def test_long_lists_are_cut():
    def build(reactor):
        for _ in range(40):
            reactor.register(listen(("127.0.0.1", 0), 1), READ, print)
            reactor.call_soon(print)
            reactor.call_later(9, print)

    parts = stepper(build).board.parts
    for name in ("registered", "queue", "timers"):
        assert "more</i>" in parts[name].value
        assert parts[name].value.count("<code>") <= 12
