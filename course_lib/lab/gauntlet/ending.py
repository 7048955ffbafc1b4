"""Scenarios of the server's own end, for servers that we may start and stop.

Read crowding.py first. Next: child.py.
"""

from contextlib import suppress

from course_lib.lab.gauntlet.target import Failed, Target
from course_lib.lab.gauntlet.wire import say, send

STOP_WITHIN = 1.0
"""Seconds that stop() may take to end serve_forever."""


def restart_same_port(target: Target) -> None:
    """The server stops while a client is connected, and starts again on the same port at once."""
    assert target.child is not None
    client = target.connect()
    say(target, client)
    stop(target, sent="stop()")
    target.child.start(target.address)
    say(target, target.connect(), after="stop, then start on the same port")


def stop_under_load(target: Target) -> None:
    """stop() with 60 clients, silent, talking or not reading, takes at most 1 s and leaves nothing behind."""
    assert target.child is not None
    say(target, target.connect())  # that it answers shows that serve_forever has begun
    for number in range(60):
        client = target.connect(receive_buffer=16 * 1024)
        if number % 3 == 1:
            send(target, client, b"x")
        elif number % 3 == 2:
            client.setblocking(False)
            with suppress(BlockingIOError, ConnectionError):
                while client.send(bytes(64 * 1024)):  # until it is not taken
                    pass
    stop(target, sent="stop() with 60 clients")
    target.expect_threads(target.child.before.threads, sent="stop() with 60 clients")
    target.expect_descriptors(target.child.before.descriptors, sent="stop() with 60 clients")


def stop(target: Target, sent: str) -> None:
    assert target.child is not None
    if problem := target.child.stop(STOP_WITHIN):
        raise Failed(sent, "stop() and serve_forever return within 1 s", problem)
