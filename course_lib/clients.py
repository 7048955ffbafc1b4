"""The client side of the dialogue, on blocking sockets.

``dialogue`` is the article's client with its lines given beforehand; ``converse``
is the one behind ``python -m course_lib connect``, for a person who types.

Read framing.py first. Next: listening.py, then servers/base.py.
"""

import codecs
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Address = tuple[str, int]


def dialogue(address: Address, lines: Iterable[str], *, welcome: bool, timeout: float = 5.0) -> list[str]:
    """Say each line and wait for one answer to each, as the article's clients do; return all that was heard.

    ``welcome`` tells whether the server speaks first. One ``recv(1024)`` is taken for one
    answer: true for short lines in strict turns, and for nothing else (lesson 01).
    Raises TimeoutError after ``timeout`` seconds without an answer.
    """
    heard = []
    with socket.create_connection(address, timeout) as sock:
        if welcome:
            heard.append(sock.recv(1024).decode())
        for line in lines:
            sock.sendall(line.encode())
            heard.append(sock.recv(1024).decode())
    return heard


@contextmanager
def pair(timeout: float = 5.0) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two TCP sockets connected to each other, (client, server side), closed at the end of the block.

    For experiments in one thread. A call on either raises TimeoutError after ``timeout`` seconds.
    Each send goes out at once (TCP_NODELAY), where the kernel would otherwise wait for company.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout)
        with client, listener.accept()[0] as connection:
            connection.settimeout(timeout)
            for sock in (client, connection):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield client, connection


def converse(address: Address, stdin: int, write: Callable[[str], object], timeout: float = 5.0) -> None:
    """Send each line read from descriptor ``stdin``; ``write`` what the server says, as it comes.

    ``end`` or the end of the input leaves: the sending side is closed, the last answers
    are awaited. Returns when the server has closed too. Raises OSError when the server
    cannot be reached within ``timeout`` seconds or resets the connection.
    """
    with socket.create_connection(address, timeout) as sock:
        sock.settimeout(None)
        # Two things are waited for at once, the keyboard and the server: with blocking
        # calls that takes two threads. A daemon, since no one can wake it from a read.
        threading.Thread(target=_send_lines, args=(sock, stdin), daemon=True).start()
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while data := sock.recv(64 * 1024):
            write(decoder.decode(data))


def _send_lines(sock: socket.socket, stdin: int) -> None:
    pending = b""
    try:
        # os.read, not sys.stdin: a buffered reader holds a lock that a daemon thread
        # would still own when the interpreter ends.
        while data := os.read(stdin, 64 * 1024):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                if line.strip() == b"end":
                    return
                sock.sendall(line + b"\n")
        if pending.strip() not in (b"", b"end"):
            sock.sendall(pending)
    except OSError:
        pass  # the server closed first: the receiving side says so
    finally:
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # already closed
