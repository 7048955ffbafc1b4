"""Charges against the article's servers: no hostile client is needed.

Read loops.py first.
"""

import selectors
import socket

from course_lib.lab.background import serve
from course_lib.lab.trial.charge import Charge, Seen

NAME = "on trial"


def article_server(listener: socket.socket) -> None:
    """The article's second server."""
    sel = selectors.DefaultSelector()

    def accept(listener: socket.socket) -> None:
        conn, _ = listener.accept()
        conn.setblocking(False)
        sel.register(conn, selectors.EVENT_READ, read)

    def read(conn: socket.socket) -> None:
        data = conn.recv(1024).decode()
        if data == "close":
            sel.unregister(conn)
            conn.close()
        else:
            conn.sendall(f"The server received: {data}".encode())

    listener.setblocking(False)
    sel.register(listener, selectors.EVENT_READ, accept)
    with sel:
        while True:
            for key, _ in sel.select():
                key.data(key.fileobj)


def article_blocking_server(listener: socket.socket) -> None:
    """The article's first server."""
    conn, _ = listener.accept()
    conn.sendall(b"Welcome")
    while True:
        data = conn.recv(1024).decode()
        conn.sendall(f"The server received: {data}".encode())
        if data == "close":
            conn.close()


def ordinary_goodbye() -> Seen:
    server = serve(article_server, name=NAME)
    with socket.create_connection(server.address, 5) as neighbor:
        with socket.create_connection(server.address, 5) as client:
            client.sendall(b"hello")
            client.recv(1024)
            client.sendall(b"end")  # as the article's client says it, before it leaves
        server.wait()
        heard = ended(neighbor)
    died = isinstance(server.error, ConnectionError)
    seen = (
        f"a client said hello and end: the server {'died of a ConnectionError' if died else 'lives'}, and "
        f"{'a second client was cut off' if heard else 'a second client is still there'}"
    )
    return seen, died and heard


def orderly_close() -> Seen:
    server = serve(article_blocking_server, name=NAME)
    with socket.create_connection(server.address, 5) as client:
        client.recv(1024)
        client.sendall(b"close")
        client.recv(1024)
        server.wait()
    error = server.error
    seen = f"a client said close: the server died of {type(error).__name__}, in recv on a closed socket"
    return seen, isinstance(error, OSError) and not isinstance(error, ConnectionError)


def ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1024) == b""
    except ConnectionError:
        return True


CHARGES = (
    Charge(
        "The first server, told close, closes the connection.",
        "Say close to it, as the article does.",
        orderly_close,
        "And goes on with the loop: it has no break, and calls recv on what it has closed.",
        "01",
    ),
    Charge(
        "The second server serves many clients with a selector.",
        "The article's own client says hello and end, and leaves. Another one is connected.",
        ordinary_goodbye,
        "Until the first goodbye. It answers the end of the stream, the answer fails, and that ends all.",
        "05",
    ),
)
