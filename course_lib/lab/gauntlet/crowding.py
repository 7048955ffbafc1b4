"""Scenarios of many clients at once, and of clients that take more than their share.

Read leaving.py first. Next: ending.py.
"""

import socket

from course_lib.lab.gauntlet.target import Failed, Target
from course_lib.lab.gauntlet.wire import failing, reset, say

MIB = 1024 * 1024


def idle_neighbour(target: Target) -> None:
    """200 clients connect and say nothing; the next one is served all the same."""
    for _ in range(200):
        target.connect()
    say(target, target.connect(), after="200 silent connections")


def crowd(target: Target) -> None:
    """500 clients connect at the same moment; each says one thing, hears it and leaves."""
    clients = [target.open() for _ in range(500)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex(target.address)  # only begins; the first send waits for the end of it
    for client in clients:
        say(target, client, after="500 connections at once")
        client.close()


def never_reads(target: Target) -> None:
    """One client sends 64 MiB and reads nothing: it must not cost memory, CPU, or the others their turn."""
    before = target.memory()
    deaf = target.connect(receive_buffer=16 * 1024)
    accepted = push(target, deaf, 64 * MIB)
    if accepted >= 64 * MIB:
        raise Failed("64 MiB, reading nothing", "a server that stops reading", "all 64 MiB were taken")
    say(target, target.connect(), after="a client that does not read")
    if target.memory() - before > 16 * MIB:
        raise Failed("64 MiB, reading nothing", "at most 16 MiB more memory", "more than that")
    target.expect_idle(sent="more than the server takes, reading nothing")


def push(target: Target, client: socket.socket, most: int) -> int:
    """Send until ``most`` bytes are gone, or the server has taken nothing for 0.3 s; return the number."""
    piece = bytes(256 * 1024)
    accepted = 0
    client.settimeout(0.3)
    while accepted < most and target.left():
        try:
            accepted += client.send(piece)
        except TimeoutError:
            break
        except ConnectionError:
            break  # sent away: that is a way to bound memory too
    return accepted


def idle_cpu(target: Target) -> None:
    """After 40 clients have left, each in its own way, the server sleeps."""
    for number in range(40):
        client = target.connect()
        say(target, client)
        if number % 3 == 0:
            client.close()
        elif number % 3 == 1:
            reset(client)
        else:
            with failing("an answer", "a connection that stays open"):
                client.shutdown(socket.SHUT_WR)  # half-closed, and never fully
    stays = target.connect()
    say(target, stays)
    target.expect_idle(sent="nothing: 40 clients have left, one is silent")


def descriptor_limit(target: Target) -> None:
    """100 clients come where the system allows 64 descriptors: the served stay served, nothing spins."""
    first = target.connect()
    say(target, first)
    others = [target.connect() for _ in range(100)]
    crowded = "100 connections to a server with room for fewer"
    target.expect_idle(sent=crowded)
    say(target, first, after=crowded)
    for client in [first, *others]:
        client.close()
    say(target, target.connect(), after="100 connections to a server with room for fewer, all closed")
