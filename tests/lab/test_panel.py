"""The server panel: who waits for whom on each rung, and its board."""

import itertools
import subprocess
import sys
import threading
import time

import pytest

from course_lib.conversation import ArticleBlocking
from course_lib.lab import kernel_connections
from course_lib.lab import panel as package
from course_lib.lab.background import running, serve
from course_lib.lab.named import WIDGET_VIEW
from course_lib.lab.panel import panel
from course_lib.lab.panel.waits import Standing, Waits
from course_lib.servers import LADDER, UnknownRung
from tests.helpers import ROOT, nothing_left, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked what lies unread")


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._panels.end_all()


# --- who waits for whom -----------------------------------------------------------------------


def test_blocking_one_client_keeps_the_other_waiting():
    p = panel("blocking")
    p.start()
    assert repr(p.waits()) == "the server's thread waits in accept, for a new client"
    one, two = p.open(), p.open()
    two.say("hello")
    assert repr(p.waits()) == (
        "the server's thread waits in recv, for client 1 to say something\n"
        "client 1: the server waits for it\n"
        "client 2: waits for the server, which waits for client 1: nobody has accepted it, 6 bytes lie unread"
    )
    one.say("x")
    assert one.answer() == "x\n"
    one.close()
    assert two.answer() == "hello\n"
    assert repr(p.waits()) == (
        "the server's thread waits in recv, for client 2 to say something\nclient 2: the server waits for it"
    )


def test_blocking_waits_for_a_client_that_does_not_read():
    p = panel("blocking")
    p.start()
    client = p.open()
    client.listen = lambda: False

    def stuck():
        client.send(bytes(1024 * 1024))
        return p.waits().clients == {"client 1": "the server waits for it to read"}

    wait_until(stuck, limit=20)
    assert p.waits().lines() == ["the server's thread waits in sendall, for client 1 to read what it is sent"]


def test_threaded_waits_for_each():
    p = panel("threaded")
    p.start()
    p.open()
    p.open()
    assert repr(p.waits()) == (
        "the server's thread waits in accept, for a new client\n"
        "one more thread waits in recv, for client 1 to say something\n"
        "one more thread waits in recv, for client 2 to say something\n"
        "client 1: the server waits for it\n"
        "client 2: the server waits for it"
    )


def test_a_pool_that_is_busy():
    p = panel()
    p.start("thread_pool")
    for _ in range(3):
        p.open()
    words = repr(p.waits())
    assert "more threads, each waits for work" in words
    assert "one more thread waits in recv, for client 3 to say something" in words


def test_nonblocking_asks_again_and_again():
    p = panel("nonblocking")
    p.start()
    p.open()
    assert repr(p.waits()) == (
        "the server's thread runs: it asks again and again\nclient 1: the server asks it again and again"
    )


@pytest.mark.parametrize(
    ("rung", "call"),
    [("select", "select"), ("poll", "poll"), ("epoll", "poll"), ("selectors", "select")]
    + [("reactor", "poll"), ("asyncio_streams", "select"), ("asyncio_protocol", "select")],
)
def test_a_loop_waits_for_all(rung, call):
    p = panel(rung)
    p.start()
    p.open()
    expected = (
        f"the server's thread waits in {call}, for whoever comes first\n"
        "client 1: the server waits for it, as for all others"
    )
    # On a busy machine it may stand in that call for a while, with the client at the door.
    wait_until(lambda: repr(p.waits()) == expected, what=repr(p.waits()))


def test_a_system_that_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_connections, "TABLE", tmp_path / "none")
    p = panel("blocking")
    p.start()
    p.open()
    p.open()
    assert p.waits().clients == {
        "client 1": "the server waits for it",
        "client 2": "this system does not tell",
    }


def test_threads_that_do_the_same_are_one_line():
    first = Standing(False, "accept", "", "x")
    work, recv = Standing(False, "get", "", "y"), Standing(False, "recv", "a stranger", "z")
    assert Waits("", (first, work, recv, work), {}).lines() == [
        "the server's thread waits in accept, for a new client",
        "2 more threads, each waits for work",
        "one more thread waits in recv, for a stranger to say something",
    ]


# --- start, stop, end -------------------------------------------------------------------------


def test_the_next_rung_stops_the_one_before():
    p = panel()
    with pytest.raises(ValueError, match="no server runs: start one first"):
        p.open()
    p.start("select")
    first, address = p.open(), p.address
    p.start("epoll")
    assert not first.is_open
    assert p.address != address
    assert [each.name for each in running()] == ["panel"]
    client = p.open()
    assert client.name == "client 1"
    p.stop()
    assert p.address is None
    wait_until(lambda: client.listen() or client.state.startswith("the server has closed"))
    assert p.waits().lines() == ["no server runs"]
    p.stop()


def test_the_next_panel_ends_its_predecessor_and_no_other():
    first, other = panel("select"), panel("select", name="other")
    first.start()
    other.start()
    client = first.open()
    panel()
    assert not client.is_open
    assert [each.name for each in running()] == ["other"]
    first.end()


def test_a_conversation_of_ones_own():
    p = panel("selectors", ArticleBlocking)
    p.start()
    assert p.open().answer().startswith("Welcome")


def test_what_is_no_rung():
    with pytest.raises(UnknownRung, match="there is no server 'selct'"):
        panel("selct")
    with pytest.raises(UnknownRung):
        panel().start("selct")
    with pytest.raises(TypeError, match="each client gets a new conversation"):
        panel("select", ArticleBlocking())


def test_the_text_is_the_same_every_time():
    texts = []
    for _ in range(2):
        p = panel("blocking")
        fresh = repr(p)
        p.start()
        p.open()
        texts.append((fresh, p._repr_mimebundle_()["text/plain"]))
        p.stop()
    assert texts[0] == texts[1]
    assert texts[0][0].startswith("A server panel. No server runs. Rungs: blocking, threaded")
    assert "for client 1 to say something" in texts[0][1]
    assert repr(p).startswith("A server panel. blocking has been stopped.\nno server runs")
    assert p._repr_mimebundle_().keys() == {"text/plain", WIDGET_VIEW}


def test_the_logic_needs_no_widgets():
    code = (
        "import sys; from course_lib import panel; p = panel(); p.start(); p.waits(); p.end();"
        "print('ipywidgets' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")


# --- the board --------------------------------------------------------------------------------


def test_a_person_starts_and_types():
    board = panel().board
    rows = board.clients.rows
    assert "press Start" in board.status.value
    assert board.stop_button.disabled and board.clients.open_button.disabled
    board.start_button.click()
    wait_until(lambda: "<b>blocking</b> serves on" in board.status.value and not board.stop_button.disabled)
    for row in rows[:2]:
        board.clients.open_button.click()
        wait_until(lambda row=row: row.box.layout.display is None)
    rows[1].entry.value = "<hi>"
    rows[1].buttons["send"].click()
    wait_until(lambda: "5 bytes lie unread" in rows[1].heard.value)
    assert "for client 1 to say something" in board.threads.value
    rows[0].buttons["close"].click()
    wait_until(lambda: "heard <code>&lt;hi&gt;\\n</code>" in rows[1].heard.value)
    board.rung.value = "threaded"
    board.start_button.click()
    wait_until(lambda: "<b>threaded</b>" in board.status.value)
    wait_until(lambda: rows[0].box.layout.display == "none")
    board.stop_button.click()
    wait_until(lambda: "threaded has been stopped" in board.status.value)
    assert board.stop_button.disabled


def test_a_rung_that_cannot_run_here_is_marked_and_refused(monkeypatch):
    epoll = next(each for each in LADDER if each.name == "epoll")
    monkeypatch.setattr(epoll, "unavailable", "epoll is Linux's own")
    board = panel().board
    assert ("epoll (not on this system)", "epoll") in board.rung.options
    assert ("select", "select") in board.rung.options
    board.rung.value = "epoll"
    board.start_button.click()
    wait_until(lambda: "epoll is Linux" in board.status.value)


def test_nothing_is_sent_to_the_page_while_nothing_changes():
    board = panel("select").board
    board.start_button.click()
    board.clients.open_button.click()
    wait_until(lambda: "as for all others" in board.clients.rows[0].heard.value)
    updates = []
    for widget in (board.status, board.threads, board.clients.rows[0].heard):
        widget.observe(updates.append, "value")
    time.sleep(0.35)  # three ticks
    assert updates == []


def test_buttons_from_several_threads():
    p = panel("select")
    board = p.board
    errors = []
    over = threading.Event()
    monitored, threading.excepthook = threading.excepthook, lambda args: errors.append(args)

    def press(number: int) -> None:
        row = board.clients.rows[number]
        buttons = [board.start_button, board.clients.open_button, *row.buttons.values(), board.stop_button]
        for button in itertools.cycle(buttons[number:] + buttons[:number]):
            if over.is_set():
                return
            button.click()
            time.sleep(0.001)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for rung in ("threaded", "select", "blocking", "reactor") * 2:
            p.start(rung)
            try:
                p.open().say("x")
            except ValueError:
                pass  # another thread has just stopped it, or opened six
            p.session.look()
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
        threading.excepthook = monitored
    assert errors == []
    p.start("select")
    assert p.open().name == "client 1"


def test_a_server_that_was_stopped_elsewhere_is_seen():
    board = panel("select").board
    board.start_button.click()
    wait_until(lambda: "serves on" in board.status.value)
    serve("select", name="panel").stop()
    wait_until(lambda: "has been stopped" in board.status.value)
