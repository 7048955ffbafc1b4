"""Servers that the benchmark must find out, each a function of one listener with one fault.

``FAULTS`` says of each what the result must say.
"""

import os
import socket
import threading
from collections.abc import Callable

LATER = 400
"""So many messages are answered well first: the fault shows while the load talks, or just before."""

CHUNK = 64 * 1024


class Server:
    """One thread for each client, echo, and ``answer`` in its place from the message LATER on."""

    def __init__(self, listener: socket.socket, answer: Callable[[socket.socket, bytes], object]) -> None:
        self.answer = answer
        self.heard = 0
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.serve, args=[sock], daemon=True).start()

    def serve(self, sock: socket.socket) -> None:
        with sock:
            while sock.fileno() >= 0 and (data := sock.recv(CHUNK)):
                self.heard += 1
                if self.heard < LATER:
                    sock.sendall(data)
                else:
                    self.answer(sock, data)


def flips(listener: socket.socket) -> None:
    Server(listener, lambda sock, data: sock.sendall(data[:-1] + bytes([data[-1] ^ 1])))


def repeats(listener: socket.socket) -> None:
    Server(listener, lambda sock, data: sock.sendall(data * 2))


def hangs_up(listener: socket.socket) -> None:
    Server(listener, lambda sock, data: sock.shutdown(socket.SHUT_RDWR))


def stalls(listener: socket.socket) -> None:
    Server(listener, lambda sock, data: None)


def dies(listener: socket.socket) -> None:
    Server(listener, lambda sock, data: os._exit(7))


def forgets_one(listener: socket.socket) -> None:
    """From the message LATER on the client that sends it is not answered any more; the others are."""
    forgotten: list[socket.socket] = []

    def answer(sock: socket.socket, data: bytes) -> None:
        forgotten.append(sock)
        if sock is not forgotten[0]:
            sock.sendall(data)

    Server(listener, answer)


def wrong_at_once(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    with sock:
        while data := sock.recv(CHUNK):
            sock.sendall(data.swapcase())


def raises(listener: socket.socket) -> None:
    raise RuntimeError("no coffee")


FAULTS = {
    flips: "it answered other bytes than were sent",
    repeats: "bytes than were sent",  # more of them; where they come in pieces, others
    hangs_up: "it closed the connection",
    stalls: "nothing came back for",
    dies: "it closed the connection: the server's process has ended with status 7",
    forgets_one: "1 of 4 connections got no answer",
    wrong_at_once: "connection 1 of 1: it answered other bytes than were sent",
    raises: "RuntimeError: no coffee",
}
