"""What select and poll say of each state, and the words for it."""

import html
import select
import sys

import pytest

from course_lib.clients import pair
from course_lib.lab.readiness_table import STATES, available, event_names, readiness_table
from tests.helpers import nothing_left

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems report some states in other masks")
has_poll = pytest.mark.skipif(not hasattr(select, "poll"), reason="this system has no poll")


@pytest.fixture(scope="module")
def said():
    with nothing_left():
        return {row.state: (*row.said, row.then) for row in readiness_table().rows}


@linux
@pytest.mark.parametrize(
    ("state", "answers"),
    [
        ("nothing has come", ("writable", "OUT", "EAGAIN")),
        ("4 bytes have come", ("readable, writable", "IN|OUT", "b'four'")),
        ("the stream has ended", ("readable, writable", "IN|OUT", "b''")),
        ("4 bytes, and then the end", ("readable, writable", "IN|OUT", "b'four'")),
        ("the connection was broken off", ("readable, writable", "IN|OUT|ERR|HUP", "ECONNRESET")),
        ("a client is in the backlog", ("readable", "IN", "a new socket")),
        ("there is no room to send", ("nothing", "nothing", "EAGAIN")),
        ("a connect was refused", ("readable, writable", "IN|OUT|ERR|HUP", "ECONNREFUSED")),
        ("an urgent byte has come", ("writable, exceptional", "PRI|OUT", "EAGAIN")),
        ("4 bytes, and both sides have ended", ("readable, writable", "IN|OUT|HUP", "b'four'")),
        ("a pipe: 4 bytes, and its writer has closed", ("readable", "IN|HUP", "b'four'")),
        ("a pipe: empty, and its writer has closed", ("readable", "HUP", "b''")),
        ("a pipe to write to: its reader has closed", ("readable, writable", "OUT|ERR", "EPIPE")),
    ],
)
def test_what_is_said_of_a_state(said, state, answers):
    assert said[state] == answers


def test_every_state_has_a_row(said):
    assert list(said) == [state for state, _ in STATES]


def test_one_column_for_each_call():
    table = readiness_table("select")
    assert table.head == ("what has happened", "select", "the call then returns or raises")
    assert all(len(row.said) == 1 for row in table.rows)


@has_poll
def test_the_text_and_the_html_say_the_same():
    table = readiness_table()
    bundle = table._repr_mimebundle_()
    assert bundle["text/plain"] == repr(table)
    for row in table.rows:
        for words in (row.state, *row.said, row.then):
            assert words in repr(table)
            assert words in html.unescape(bundle["text/html"])
    assert "style" not in bundle["text/html"]  # it would be removed where nobody trusts the notebook


@has_poll
def test_the_names_of_a_mask():
    assert event_names(select.POLLIN) == "IN"
    assert event_names(select.POLLHUP | select.POLLIN) == "IN|HUP"
    assert event_names(0) == "nothing"


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is part of Linux")
def test_epoll_has_the_same_names():
    with pair() as (left, right), select.epoll() as poller:
        poller.register(right, select.EPOLLIN | select.EPOLLRDHUP)
        left.close()
        assert event_names(poller.poll(5)[0][1]) == "IN|RDHUP"


def test_a_call_that_this_system_has_not_is_skipped_visibly(capsys):
    assert available("select")
    assert capsys.readouterr().out == ""
    assert not available("telepathy")
    assert capsys.readouterr().out == "skipped: this system has no telepathy\n"


def test_without_poll_there_is_no_column_for_it(monkeypatch):
    monkeypatch.delattr(select, "poll", raising=False)
    assert readiness_table().head[1:-1] == ("select",)
