"""The table of calls and states: each row is asked of the kernel, and says what the kernel says."""

import re
import socket
import sys

import pytest

from course_lib.lab import call_table as module
from course_lib.lab.call_table import WAITS, CallTable, Row, call_table
from tests.helpers import nothing_left

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems give other answers")


@pytest.fixture(scope="module")
def table() -> CallTable:
    with nothing_left():
        return call_table()


def test_all_rows(table):
    answers = [(row.call.partition("(")[0], row.nonblocking, row.blocking) for row in table.rows]
    assert answers == [
        ("accept", "EAGAIN", WAITS),
        ("accept", "a new socket", "a new socket"),
        ("recv", "EAGAIN", WAITS),
        ("recv", "b'four'", "b'four'"),
        ("recv", "b''", "b''"),
        ("recv", "ECONNRESET", "ECONNRESET"),
        ("send", "takes all of it", "takes all of it"),
        ("send", "takes a part of it", WAITS),
        ("send", "EAGAIN", WAITS),
        ("sendall", "EAGAIN", WAITS),
        ("connect", "EINPROGRESS", "connected"),
        ("connect", "EINPROGRESS", "ECONNREFUSED"),
    ]


def test_it_says_the_same_again(table):
    assert repr(call_table()) == repr(table)


def test_the_blocking_sockets_block(monkeypatch):
    """The time-out that rescues them is the kernel's: for Python they are blocking sockets."""
    seen = []
    rescue = module._rescue

    def watch(sock: socket.socket) -> None:
        rescue(sock)
        seen.append((sock.getblocking(), sock.gettimeout()))

    monkeypatch.setattr(module, "_rescue", watch)
    call_table()
    assert seen == [(True, None)] * len(module.STATES)


def test_the_states_are_in_the_text_and_in_the_html(table):
    bundle = table._repr_mimebundle_()
    for row in table.rows:
        assert row.state in bundle["text/plain"]
        assert row.state in bundle["text/html"]
    assert len(re.findall("<tr>", bundle["text/html"])) == 1 + len(table.rows)
    assert "style" not in bundle["text/html"]  # an untrusted notebook loses it


def test_columns_stand_below_each_other():
    text = repr(CallTable([Row("a()", "long state", "x", "y"), Row("longer()", "s", "x", "y")]))
    head, *rows = text.splitlines()
    assert {row.index("x") for row in rows} == {head.index("a non-blocking socket")}
    assert not any(line.endswith(" ") for line in text.splitlines())
