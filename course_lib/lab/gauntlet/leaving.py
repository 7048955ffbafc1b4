"""Scenarios of clients that leave: politely, half, abruptly, or by the hundred.

Read talking.py first. Next: crowding.py.
"""

from course_lib.lab.gauntlet.target import Target
from course_lib.lab.gauntlet.wire import exchange, reset, say, send


def connect_and_leave(target: Target) -> None:
    """50 clients connect and leave without a word; the next one is served."""
    descriptors = descriptors_with_one_client(target)
    for _ in range(50):
        target.connect().close()
    sent = "50 connections, each closed at once"
    say(target, target.connect(), after=sent)
    target.expect_descriptors(descriptors, sent)


def half_close(target: Target) -> None:
    """Clients send up to 2 MiB, end their side, and only then read: all answers still come."""
    # One of them at least ends while the kernels are full and its last answers wait in the server. Which,
    # depends on how much the kernels keep for a client that does not read, and that changes by the hour.
    for kib in range(192, 2049, 192):
        client = target.connect(receive_buffer=16 * 1024)
        exchange(target, client, target.random.randbytes(kib * 1024), late=True, half_close=True)
        client.close()


def reset_mid_message(target: Target) -> None:
    """A client resets the connection in the middle of an exchange; the next one is served."""
    client = target.connect(receive_buffer=16 * 1024)
    send(target, client, target.message(64 * 1024))  # the answer is still under way when we go
    reset(client)
    say(target, target.connect(), after="64 KiB on a connection that was then reset")


def reset_storm(target: Target) -> None:
    """500 clients connect, say something and reset the connection; the next one is served."""
    descriptors = descriptors_with_one_client(target)
    for _ in range(500):
        client = target.connect()
        send(target, client, b"x")
        reset(client)
    sent = "500 connections, each reset after one byte"
    say(target, target.connect(), after=sent)
    target.expect_descriptors(descriptors, sent)


def descriptors_with_one_client(target: Target) -> int:
    """Return how many descriptors the server has open while it serves one client."""
    client = target.connect()
    say(target, client)
    descriptors = target.descriptors()
    client.close()  # or a server that serves one client at a time would wait for it
    return descriptors
