"""What a selector watches, in words."""

import asyncio
import functools
import os
import selectors
import socket
from selectors import EVENT_READ, EVENT_WRITE

import psutil
import pytest

from course_lib.clients import pair
from course_lib.lab.background import serve
from course_lib.lab.registered import registered
from course_lib.servers.outbox import Outbox


class Named:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def fileno(self) -> int:
        return self.sock.fileno()


def test_each_registration_is_a_line_of_the_same_words_in_every_run():
    with socket.create_server(("127.0.0.1", 0)) as listener, pair() as (left, right):
        with selectors.DefaultSelector() as selector:
            selector.register(listener, EVENT_READ, print)
            selector.register(left.fileno(), EVENT_READ | EVENT_WRITE, Outbox())
            selector.register(Named(right), EVENT_WRITE, functools.partial(max, 1))
            assert str(registered(selector)).splitlines() == [
                "watched           for         data",
                "listening socket  READ        print",
                "connection        READ|WRITE  Outbox",
                "Named             WRITE       max",
            ]


def test_some_can_be_left_out():
    left, right = socket.socketpair()
    with left, right, selectors.DefaultSelector() as selector:
        selector.register(left, EVENT_READ)
        selector.register(right, EVENT_WRITE)
        assert [row.events for row in registered(selector, without={left.fileno()}).rows] == ["WRITE"]


def test_a_page_gets_a_table_without_what_it_could_take_for_a_tag():
    left, right = socket.socketpair()
    with left, right, selectors.DefaultSelector() as selector:
        selector.register(left, EVENT_READ, "<b>")
        page = registered(selector)._repr_mimebundle_()["text/html"]
        assert "<td" in page
        assert "&lt;b&gt;" in page
        assert "<b>" not in page


def test_a_selector_that_is_closed_watches_nothing():
    selector = selectors.DefaultSelector()
    selector.close()
    assert registered(selector).rows == []


def test_what_is_no_socket_is_called_a_descriptor_and_none_is_left_open():
    inner, outer = os.pipe()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(inner, EVENT_READ)
            before = psutil.Process().num_fds()
            assert registered(selector).rows == [("descriptor", "READ", "None")]
            assert psutil.Process().num_fds() == before
    finally:
        os.close(inner)
        os.close(outer)


def test_a_server_is_asked_for_the_selector_in_which_it_sleeps():
    with serve("selectors", name="watched") as server:
        with socket.create_connection(server.address, timeout=5) as client:
            client.sendall(b"x")
            client.recv(1)
            rows = [tuple(row) for row in registered(server).rows]
    assert rows == [
        ("Waker", "READ", "lambda"),
        ("listening socket", "READ", "lambda"),
        ("Connection", "READ", "ready"),
    ]


def test_a_server_that_sleeps_elsewhere_has_none():
    with serve("blocking", name="elsewhere") as server, pytest.raises(ValueError, match="does not sleep"):
        registered(server)


def test_the_handles_of_asyncio_are_named():
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        return [row.data for row in registered(loop._selector).rows]  # type: ignore[attr-defined]

    assert asyncio.run(main()) == ["Handle(_read_from_self)"]
