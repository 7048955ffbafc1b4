"""Bytes that wait for room."""

import socket

import pytest

from course_lib.servers.outbox import Outbox


@pytest.fixture
def ends():
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.settimeout(2)
        yield left, right


def test_what_is_written_goes_out_in_order(ends):
    left, right = ends
    outbox = Outbox()
    outbox.write(b"one")
    outbox.write(b"two")
    assert outbox.pending == 6
    outbox.flush(left)
    assert outbox.pending == 0
    assert right.recv(100) == b"onetwo"


def test_what_the_kernel_does_not_take_is_kept(ends):
    left, right = ends
    outbox = Outbox()
    data = bytes(range(256)) * 20_000
    outbox.write(data)
    got = bytearray()
    outbox.flush(left)
    outbox.flush(left)  # full: nothing happens
    assert 0 < outbox.pending < len(data)
    while len(got) < len(data):
        got += right.recv(65536)
        outbox.flush(left)
    assert got == data
    assert outbox.pending == 0


def test_a_broken_connection_is_told(ends):
    left, right = ends
    right.close()
    outbox = Outbox()
    outbox.write(b"x")
    with pytest.raises(BrokenPipeError):
        outbox.flush(left)
