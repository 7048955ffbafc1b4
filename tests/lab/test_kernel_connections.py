"""The kernel's own table of connections."""

import socket
import sys

import pytest

from course_lib.lab import kernel_connections
from course_lib.lab.kernel_connections import Entry, connections_of
from tests.helpers import fill


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/net/tcp is Linux's own")
def test_what_is_accepted_and_what_lies_unread():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        port = listener.getsockname()[1]
        assert connections_of(port) == {}
        with (
            socket.create_connection(listener.getsockname()) as one,
            socket.create_connection(listener.getsockname()) as two,
            socket.create_connection(other.getsockname()),
        ):
            two.sendall(b"hello")
            first, second = one.getsockname()[1], two.getsockname()[1]
            assert connections_of(port) == {first: Entry(False, 0, 0), second: Entry(False, 5, 0)}
            with listener.accept()[0] as sock:
                assert connections_of(port) == {first: Entry(True, 0, 0), second: Entry(False, 5, 0)}
                fill(sock)
                assert connections_of(port)[first].unsent > 0
                assert connections_of(port)[first].unread == 0


def test_a_system_that_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_connections, "TABLE", tmp_path / "none")
    assert connections_of(80) is None
