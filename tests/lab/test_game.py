"""The game of lesson 00: real clients, real calls, and what is said of them. Its logic needs no widgets."""

import random
import socket
import subprocess
import sys
import threading
import time

import pytest

from course_lib.lab import game as package
from course_lib.lab.background import running, serve
from course_lib.lab.game import TEXT, board_html, game, playing, session
from course_lib.lab.game.comparing import let_servers_play
from course_lib.lab.game.guests import Guest
from course_lib.lab.game.playing import Game, play_script
from course_lib.lab.game.presses import LISTENER, Press, Seat
from course_lib.lab.game.scores import Scores, in_words, verdict
from course_lib.lab.game.scores_picture import draw
from course_lib.lab.game.session import Session
from course_lib.lab.game.table import Table
from course_lib.lab.game.visits import ARRIVALS, Piece, Visit, at_pace, shuffled
from course_lib.lab.named import WIDGET_VIEW
from tests.helpers import ROOT, nothing_left, wait_until

EARLY = (Visit("Ann", 0.0, (Piece(0.0, b"hello"),)), Visit("Bob", 0.0, (Piece(0.0, b"hi"),)))
"""Both come and ask at once."""

SILENT = (Visit("Ann", 0.0, (Piece(60.0, b"hello"),)),)
"""Comes, and says nothing while a test lasts."""


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield
        package._games.end_all()


def in_thread(function, *args) -> threading.Thread:
    thread = threading.Thread(target=function, args=args)
    thread.start()
    return thread


# --- the data ---------------------------------------------------------------------------------


def test_at_pace():
    assert at_pace((Visit("x", 2.0, (Piece(4.0, b"a"),)),), 0.25) == (Visit("x", 0.5, (Piece(1.0, b"a"),)),)


def test_another_client_is_the_slow_one_but_all_come_as_before():
    mixed = shuffled(ARRIVALS, random.Random(1))
    assert mixed != ARRIVALS
    assert [(visit.name, visit.comes) for visit in mixed] == [(each.name, each.comes) for each in ARRIVALS]
    assert {visit.question for visit in mixed} == {visit.question for visit in ARRIVALS}
    delays = [sorted(round(v.pieces[0].at - v.comes, 6) for v in each) for each in (mixed, ARRIVALS)]
    assert delays[0] == delays[1]


def test_the_clients_come_one_after_the_other_and_one_thinks_for_long():
    comes = [visit.comes for visit in ARRIVALS]
    assert comes == sorted(comes)
    assert len(ARRIVALS) == 5
    assert max(visit.pieces[0].at - visit.comes for visit in ARRIVALS) > 10


# --- a client ---------------------------------------------------------------------------------


def test_a_client_comes_at_its_time_and_wants_all_bytes_back():
    visit = Visit("Cy", 0.1, (Piece(0.2, b"ab"), Piece(0.3, b"cd")))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        zero = time.perf_counter()
        guest = Guest(visit, listener.getsockname(), lambda: time.perf_counter() - zero)
        guest.start()
        sock, (_, port) = listener.accept()
        with sock:
            sock.settimeout(5)
            assert guest.port == port
            assert sock.recv(10) == b"ab"
            assert guest.latency() is None
            sock.sendall(b"ab")
            assert sock.recv(10) == b"cd"
            wait_until(lambda: guest.asked is not None)
            assert guest.answered is None
            assert guest.latency() >= 0
            sock.sendall(b"cd")
            assert sock.recv(10) == b""
        guest.join()
    assert guest.came >= 0.1
    assert guest.asked >= 0.3
    assert guest.latency() == guest.answered - guest.asked
    recorded = guest.recorded()
    assert (recorded.name, recorded.question, recorded.comes) == ("Cy", b"abcd", guest.came)
    assert [piece.at for piece in recorded.pieces] == [piece.at for piece in guest.said]


def test_a_client_that_is_cut_off_has_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        guest = Guest(EARLY[0], listener.getsockname(), lambda: 0.0)
        guest.start()
        listener.accept()[0].close()
        guest.join()
    assert guest.answered is None


def test_a_client_that_waits_for_its_answer_can_be_sent_home():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        guest = Guest(EARLY[0], listener.getsockname(), lambda: 0.0)
        guest.start()
        wait_until(lambda: guest.asked is not None)
        guest.leave()
        leaving = in_thread(guest.join)
        leaving.join(5)
        assert not leaving.is_alive()


# --- the calls --------------------------------------------------------------------------------


@pytest.fixture
def played(request):
    arrivals, rescue = request.param
    with Game(arrivals, rescue=rescue, probe=0.05) as each:
        yield each


@pytest.mark.parametrize("played", [(EARLY, 5)], indirect=True)
def test_accept_receive_send(played):
    table, party = played.table, played.party
    names = {table.press("accept").outcome, table.press("accept").outcome}
    assert names == {"Ann", "Bob"} == set(table.seats)
    wait_until(lambda: party.waiting == 2)
    assert table.press("recv", "Ann")[:3] == ("recv", "Ann", "b'hello'")
    assert (table.seats["Ann"].heard, table.seats["Ann"].unsent) == (b"hello", b"hello")
    assert table.press("send", "Ann").outcome == "5 bytes"
    assert table.press("send", "Ann").outcome.startswith("nothing to send")
    wait_until(lambda: party.waiting == 1)
    assert not party.over
    assert table.press("recv", "Ann").outcome == 'b"": the client has left'
    assert table.seats["Ann"].left
    table.press("recv", "Bob")
    table.press("send", "Bob")
    wait_until(lambda: party.over)
    assert all(latency < 5 for latency in party.latencies().values())
    assert len(table.presses) == 8


@pytest.mark.parametrize("played", [(SILENT, 0.3)], indirect=True)
def test_a_wrong_press_blocks_until_the_rescue_and_harms_nothing(played):
    table = played.table
    table.press("accept")
    for call, who in (("recv", "Ann"), ("accept", LISTENER)):
        press = table.press(call, who)
        assert press.rescued
        assert press.outcome == "nothing came; you were rescued"
        assert 0.3 <= press.seconds < 2
    # Listener and connection are as good as before.
    with socket.create_connection(table.listener.getsockname()):
        assert table.press("accept").outcome == "a stranger"
    wait_until(lambda: table.press("wait", "a stranger").outcome == "ready")
    assert table.press("wait", "Ann").outcome == "not ready"
    assert played.party.guests[0].asked is None


@pytest.mark.parametrize("played", [(SILENT, 60)], indirect=True)
def test_while_a_call_blocks_no_other_can_be_made(played):
    table = played.table
    table.press("accept")
    blocked = in_thread(table.press, "recv", "Ann")
    wait_until(lambda: table.busy is not None)
    assert (table.busy.call, table.busy.who) == ("recv", "Ann")
    assert table.press("accept") is None
    played.end()
    blocked.join(2)
    assert not blocked.is_alive()
    assert table.presses[-1].seconds < 30
    assert table.busy is None


@pytest.mark.parametrize("played", [(SILENT, 60)], indirect=True)
def test_the_end_wakes_accept(played):
    played.table.press("accept")
    blocked = in_thread(played.table.press, "accept")
    wait_until(lambda: played.table.busy is not None)
    played.end()
    blocked.join(2)
    assert not blocked.is_alive()
    assert played.table.presses[-1].outcome == "the game is over"
    assert played.table.ready() == set()


@pytest.mark.parametrize("played", [(SILENT, 5)], indirect=True)
def test_what_is_ready(played):
    wait_until(lambda: played.table.ready() == {LISTENER})
    assert played.party.waiting == 0
    assert played.table.press("wait").outcome == "ready"
    played.table.press("accept")
    assert played.table.ready() == set()
    assert played.table.press("wait", "Ann").seconds >= 0.05
    played.party.guests[0].leave()
    wait_until(lambda: played.table.ready() == {"Ann"})
    played.table.press("recv", "Ann")
    assert played.table.ready() == set(), "the end of the stream is heard once"


@pytest.mark.parametrize("played", [(EARLY, 5)], indirect=True)
def test_only_who_is_owed_something_is_ready_for_writing(played):
    table = played.table
    table.press("accept")
    table.press("accept")
    assert table.writable() == set()
    wait_until(lambda: table.ready() == {"Ann", "Bob"})
    table.press("recv", "Ann")
    assert table.writable() == {"Ann"}
    assert table.ready() == {"Bob"}
    table.press("send", "Ann")
    assert table.writable() == set()
    table.press("recv", "Bob")
    played.end()
    assert table.writable() == set()


@pytest.mark.parametrize("played", [(SILENT, 5)], indirect=True)
def test_nothing_to_send(played):
    played.table.press("accept")
    assert played.table.press("send", "Ann").outcome.startswith("nothing to send")


def test_an_error_is_one_line():
    table = Table(str)
    table.listener.close()
    assert "Bad file descriptor" in table.press("accept").outcome
    table.close()


# --- the scripted game, and the servers ---------------------------------------------------------

TRANSCRIPT = """\
accept            listener  Ann
accept            listener  Bob
recv              Bob       nothing came; you were rescued
recv              Ann       b'hello'
send              Ann       5 bytes
accept            listener  Cy
recv              Cy        b'I type '
send              Cy        7 bytes
recv              Cy        nothing came; you were rescued
accept            listener  Dee
recv              Dee       b'quick!'
send              Dee       6 bytes
accept            listener  Eve
recv              Eve       b'good evening'
send              Eve       12 bytes
wait until ready  Cy        ready
recv              Cy        b'slowly'
send              Cy        6 bytes
wait until ready  Bob       ready
recv              Bob       b'sorry, I had to think'
send              Bob       21 bytes"""


def test_the_scripted_game_beside_three_servers():
    with serve("blocking") as mine:
        script = play_script()
        assert repr(script) == TRANSCRIPT
        scores = Scores({"script": script.latencies, **let_servers_play(script.arrivals)})
        assert running() == [mine]
    assert repr(scores) == (
        "script: Ann and Dee had to wait\n"
        "blocking: Cy, Dee and Eve had to wait\n"
        "threaded: nobody had to wait\n"
        "selectors: nobody had to wait"
    )
    assert scores.latencies["script"] == script.latencies
    came = [visit.comes for visit in script.arrivals]
    assert came == sorted(came)
    assert [visit.question for visit in script.arrivals] == [visit.question for visit in ARRIVALS]


def test_servers_can_be_given_up():
    start = time.monotonic()
    latencies = let_servers_play(SILENT, given_up=lambda: True)
    assert time.monotonic() - start < 10
    assert latencies == dict.fromkeys(("blocking", "threaded", "selectors"), {"Ann": None})


@pytest.mark.parametrize(
    ("latencies", "words"),
    [
        ({"Ann": 0.1, "Bob": 0.39}, "nobody had to wait"),
        ({"Ann": 0.4, "Bob": 0.0}, "Ann had to wait"),
        ({"Ann": 1.0, "Bob": None}, "everybody had to wait"),
        ({"Ann": 1.0, "Bob": 1.0, "Cy": 0.0}, "Ann and Bob had to wait"),
        ({"Ann": 1.0, "Bob": 1.0, "Cy": 1.0, "Dee": 0.0}, "Ann, Bob and Cy had to wait"),
    ],
)
def test_verdict(latencies, words):
    assert verdict(latencies) == words


def test_words_for_a_latency():
    assert [in_words(seconds) for seconds in (None, 0.00005, 0.0012, 2.34)] == [
        "never asked", "< 0.1 ms", "1.2 ms", "2.3 s",
    ]  # fmt: skip


def test_what_is_drawn_is_what_was_measured():
    figure = draw({"you": {"Ann": 2.0, "Bob": None}, "selectors": {"Ann": 0.0012, "Bob": 1.0}})
    one, two = figure.axes
    assert [one.get_title("left"), two.get_title("left")] == ["you", "selectors"]
    assert [bar.get_width() for bar in one.patches] == [2.0, 0]
    assert [bar.get_width() for bar in two.patches] == [0.0012, 1.0]
    assert [text.get_text() for text in two.texts] == ["1.2 ms", "1.0 s"]
    assert one.get_xlim() == two.get_xlim()
    assert one.get_ylim()[0] > one.get_ylim()[1], "the first client is at the top"
    sizes = [text.get_fontsize() for text in figure.findobj(lambda each: hasattr(each, "get_fontsize"))]
    assert min(sizes) >= 9


# --- a session of a person ----------------------------------------------------------------------


def test_a_session_from_start_to_end(monkeypatch):
    monkeypatch.setattr(session, "TICK_SECONDS", 0.01)
    changes = []
    each = Session(lambda: changes.append(each.finished))
    each.press("accept")  # before the game: nothing
    each.start(EARLY)
    for call, who in [("accept", LISTENER)] * 2 + [
        ("recv", "Ann"),
        ("send", "Ann"),
        ("recv", "Bob"),
        ("send", "Bob"),
    ]:
        each.last = None
        each.press(call, who)
        wait_until(lambda: each.last is not None or each.finished)
    wait_until(lambda: each.finished and changes[-1])
    assert each.game.party.over
    each.press("accept")
    assert len(each.game.table.presses) == 6
    each.compare()
    wait_until(lambda: each.servers)
    assert list(each.servers) == ["blocking", "threaded", "selectors"]
    each.start(SILENT)
    assert (each.finished, each.servers, each.last) == (False, {}, None)
    each.end()


def test_a_session_ends_while_a_call_blocks():
    each = Session(lambda: None)
    each.start(SILENT)
    each.press("accept")
    wait_until(lambda: each.last is not None)
    each.press("recv", "Ann")
    wait_until(lambda: each.game.table.busy is not None)
    start = time.monotonic()
    each.end()
    assert time.monotonic() - start < 2
    each.end()


def test_a_session_ends_while_the_servers_play():
    each = Session(lambda: None)
    each.start(())
    wait_until(lambda: each.finished)
    each.game.party.recorded = lambda: SILENT
    each.compare()
    wait_until(lambda: len(running()) == 3)
    each.end()
    assert running() == []
    assert each.servers == {}


def test_the_clients_lose_their_patience(monkeypatch):
    monkeypatch.setattr(session, "LIMIT_SECONDS", 0.2)
    each = Session(lambda: None)
    each.start(SILENT)
    wait_until(lambda: each.finished)
    assert not each.game.party.over
    each.end()


# --- what is shown ------------------------------------------------------------------------------


def test_the_text_is_the_same_every_time():
    assert repr(game()) == TEXT
    bundle = game()._repr_mimebundle_()
    assert bundle["text/plain"] == TEXT
    assert bundle.keys() == {"text/plain", WIDGET_VIEW}


def test_the_next_game_ends_its_predecessor():
    first = game()
    first.board.session.start(SILENT)
    table = first.board.session.game.table
    other = game(name="other")
    other.board.session.start(SILENT)
    game()
    assert table.listener.fileno() == -1
    assert other.board.session.game.table.listener.fileno() >= 0


def test_compare_takes_the_game_that_was_played(monkeypatch):
    monkeypatch.setattr(playing, "SCRIPT_PACE", 0)
    mine = game()
    mine.board.session.start(EARLY)
    table = mine.board.session.game.table
    for call, who in [("accept", LISTENER)] * 2 + [
        ("recv", "Ann"),
        ("send", "Ann"),
        ("recv", "Bob"),
        ("send", "Bob"),
    ]:
        table.press(call, who)
    wait_until(lambda: mine.board.session.finished)
    scores = mine.compare()
    assert list(scores.latencies) == ["you", "blocking", "threaded", "selectors"]
    assert list(scores.latencies["you"]) == ["Ann", "Bob"]


def shown(row) -> bool:
    return row.box.layout.display != "none"


def test_the_board_follows_the_game(monkeypatch):
    monkeypatch.setattr("course_lib.lab.game.board.ARRIVALS", EARLY)
    monkeypatch.setattr("course_lib.lab.game.board.shuffled", lambda arrivals, chance: arrivals)
    # matplotlib opens its fonts for each thread that draws, and keeps the last ones.
    monkeypatch.setattr(Scores, "png", lambda self: b"png")
    board = game(lamps=True).board
    assert not shown(board.door)
    board.start_button.click()
    assert shown(board.door) and not any(shown(row) for row in board.rows)
    wait_until(lambda: "ready for READ" in board.door.lamp.value)
    for count in (1, 2):
        board.door.buttons[0].click()
        wait_until(lambda count=count: [shown(row) for row in board.rows].count(True) == count)
    for row in board.rows:
        wait_until(lambda row=row: "ready for READ" in row.lamp.value)
        row.buttons[0].click()
        wait_until(lambda row=row: "send it back" in row.state.value)
        wait_until(lambda row=row: "ready for WRITE" in row.lamp.value)
        row.buttons[1].click()
        wait_until(lambda row=row: "has its answer" in row.state.value)
    wait_until(lambda: "All five" in board.banner.value and "waited" in board.score.value)
    assert all(button.disabled for row in board.rows for button in row.buttons)
    board.servers_button.click()
    wait_until(lambda: "selectors: nobody had to wait" in board.score.value, limit=20)
    board.start_button.click()
    assert board.score.value == ""
    assert not any(shown(row) for row in board.rows)
    assert not board.door.buttons[0].disabled


def test_the_board_is_frozen_while_a_call_blocks(monkeypatch):
    monkeypatch.setattr("course_lib.lab.game.board.shuffled", lambda arrivals, chance: SILENT)
    board = game().board
    board.start_button.click()
    board.door.buttons[0].click()
    wait_until(lambda: shown(board.rows[0]))
    board.rows[0].buttons[0].click()
    wait_until(lambda: "You are blocked in recv on Ann" in board.banner.value)
    assert all(button.disabled for button in (*board.door.buttons, *board.rows[0].buttons))
    assert board.rows[0].lamp.layout.display == "none"
    wait_until(lambda: "rescues you" in board.banner.value)
    wait_until(lambda: not board.rows[0].buttons[0].disabled)


def test_what_clients_say_is_no_html():
    seat = Seat("x", None, 3, b"<b>", b"<b>")
    assert "&lt;b&gt;" in board_html.state(seat, answered=False)
    assert "&lt;b&gt;" in board_html.told(Press("recv", "x", "b'<b>'", 0.0))


def test_nobody_is_told_who_waits():
    words = board_html.clock(1.0, 2)
    assert "2 clients wait for you" in words
    assert "1 client waits" in board_html.clock(1.0, 1)
    assert "nobody waits" in board_html.clock(1.0, 0)


def test_the_logic_needs_no_widgets_and_no_picture():
    code = (
        "import sys; from course_lib import game; from course_lib.lab.game import session, playing; game();"
        "print('ipywidgets' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False False\n", "")
