"""Scenarios of one client that talks: whatever way the bytes are cut, they come back.

Read wire.py first. Next: leaving.py.
"""

import contextlib

from course_lib.lab.gauntlet.target import Failed, Target
from course_lib.lab.gauntlet.wire import exchange, expect, expect_end, say, send, show


def polite(target: Target) -> None:
    """One client says three messages and waits for each answer."""
    client = target.connect()
    for _ in range(3):
        say(target, client)


def two_in_one(target: Target) -> None:
    """Two messages arrive in one segment."""
    client = target.connect()
    messages = b"first message\nsecond message\n"
    send(target, client, messages)
    expect(target, client, messages, sent=show(messages))


def dribble(target: Target) -> None:
    """A message arrives one byte at a time, and each byte is awaited."""
    client = target.connect()
    for byte in target.message(64):
        send(target, client, bytes([byte]))
        expect(target, client, bytes([byte]), sent=f"{bytes([byte])!r} on its own")


def big_message(target: Target) -> None:
    """One message of 8 MiB."""
    client = target.connect(receive_buffer=16 * 1024)  # so the server meets a kernel that takes a part only
    exchange(target, client, target.random.randbytes(8 * 1024 * 1024))


def all_bytes(target: Target) -> None:
    """All 256 values that a byte can have."""
    values = bytes(range(256))
    client = target.connect()
    send(target, client, values)
    expect(target, client, values, sent="the bytes 0 to 255")


def split_character(target: Target) -> None:
    """A UTF-8 character is cut in two between segments."""
    client = target.connect()
    text = "naïve 字 🙂".encode()
    got = b""
    for cut in (3, 8, 13):  # inside ï, 字 and 🙂
        send(target, client, text[:cut])
        # Let the server read this part on its own. Some answer now, some when the
        # character is whole: both are right.
        client.settimeout(0.1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            got = client.recv(1024)
        if not text[:cut].startswith(got):
            raise Failed(show(text[:cut]), "these bytes, or a part of them", show(got))
        send(target, client, text[cut:])
        expect(target, client, text[len(got) :], sent=f"{text[:cut]!r}, a pause, {text[cut:]!r}")
        got = b""


def slow_reader(target: Target) -> None:
    """A client that reads late and slowly gets every byte."""
    client = target.connect(receive_buffer=16 * 1024)
    exchange(target, client, target.random.randbytes(2 * 1024 * 1024), late=True, pause=0.002)


def close_answered(target: Target) -> None:
    """The article's first dialogue: a welcome; "close" is answered, then the server closes."""
    client = target.connect()
    expect(target, client, b"Welcome to the server!", sent="nothing yet")
    for line in ("hello", "你好", "close"):
        send(target, client, line.encode())
        expect(target, client, f"The server received: {line}".encode(), sent=repr(line))
    expect_end(target, client, sent="'close'")


def close_silent(target: Target) -> None:
    """The article's second dialogue: no welcome; on "close" the server closes without a word."""
    client = target.connect()
    for line in ("hello", "你好"):
        send(target, client, line.encode())
        expect(target, client, f"The server received: {line}".encode(), sent=repr(line))
    send(target, client, b"close")
    expect_end(target, client, sent="'close'")
