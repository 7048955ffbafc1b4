"""Clients in a person's hand: what they say, hear and how they leave. No thread listens for them."""

import socket
from contextlib import suppress

import pytest

from course_lib.lab.hand_clients import MOST, HandClients
from tests.helpers import is_closed, nothing_left, receive_exactly, wait_until


@pytest.fixture(autouse=True)
def tidy():
    with nothing_left():
        yield


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def clients():
    each = HandClients()
    yield each
    each.clear()


@pytest.fixture
def pair(listener, clients):
    client = clients.open(listener.getsockname())
    server, (_, port) = listener.accept()
    server.settimeout(5)
    with server:
        assert clients.name_of(port) == client.name == "client 1"
        yield client, server


def test_it_says_and_hears(pair):
    client, server = pair
    client.say("hello")
    assert receive_exactly(server, 6) == b"hello\n"
    assert client.heard == ""
    server.sendall(b"answer")
    assert client.answer() == "answer"
    server.sendall(b" and more")
    assert client.answer() == " and more"
    assert client.heard == "answer and more"
    assert repr(client) == "<client 1, open, has heard 'answer and more'>"
    with pytest.raises(TimeoutError, match="an answer to client 1"):
        client.answer(0.05)


def test_it_closes_in_order_although_something_lies_unread(pair):
    client, server = pair
    server.sendall(b"unread")
    client.close()
    assert server.recv(10) == b""
    assert (client.state, client.is_open, client.heard) == ("closed", False, "unread")
    client.close()
    client.say("too late")
    client.half_close()
    client.reset()
    assert client.state == "closed"


def test_it_breaks_off(pair):
    client, server = pair
    client.reset()
    with pytest.raises(ConnectionResetError):
        server.recv(10)
    assert client.state == "reset (RST)"


def test_it_half_closes_and_listens_on(pair):
    client, server = pair
    client.half_close()
    assert server.recv(10) == b""
    server.sendall(b"still there")
    assert client.answer() == "still there"
    client.say("no")
    assert client.state == "broken: BrokenPipeError"


def test_it_sees_how_the_server_leaves(pair):
    client, server = pair
    server.close()
    assert client.answer() == ""
    assert client.state == "the server has closed the connection"
    assert client.is_open


def test_it_sees_a_reset(pair):
    client, server = pair
    client.say("unread")
    wait_until(lambda: server.recv(1, socket.MSG_PEEK))
    server.close()  # with something unread: its kernel resets
    wait_until(client.listen)
    assert client.state == "the server has reset the connection (RST)"
    assert not client.is_open


def test_a_full_kernel_is_told_and_nobody_waits(pair):
    client, server = pair
    for _ in range(1000):
        client.send(bytes(64 * 1024))
        if client.state != "open":
            break
    assert "it has no more room" in client.state
    server.settimeout(0.1)
    with suppress(TimeoutError):
        while server.recv(1 << 20):
            pass
    client.send(b"x")
    assert client.state == "open"


def test_of_very_much_the_end_is_kept(pair):
    client, server = pair
    server.sendall(b"x" * 10_000 + b"end")
    wait_until(lambda: client.listen() or client.received == 10_003)
    assert len(client.heard) == 4096
    assert client.heard.endswith("end")


def test_no_more_than_six_and_the_closed_make_room(listener, clients):
    opened = [clients.open(listener.getsockname()) for _ in range(MOST)]
    with pytest.raises(ValueError, match="6 clients are open: close one first"):
        clients.open(listener.getsockname())
    opened[2].close()
    assert clients.open(listener.getsockname()).name == "client 7"
    assert [each.name for each in clients.shown] == [f"client {n}" for n in (1, 2, 4, 5, 6, 7)]
    clients.clear()
    assert not any(each.is_open for each in opened)
    assert clients.open(listener.getsockname()).name == "client 1"
    sock, _ = listener.accept()
    with sock:
        assert is_closed(sock)


def test_where_nobody_listens_it_is_one_line(listener, clients):
    address = listener.getsockname()
    listener.close()
    with pytest.raises(ValueError, match="nobody listens on"):
        clients.open(address)
    assert clients.shown == []
