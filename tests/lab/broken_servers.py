"""For each scenario of the gauntlet, servers that fail it: a rung with one fault planted in it.

``@fails`` writes down which scenario finds the fault, and words that its report must hold. It also declares
the failure to the gauntlet, which then waits for an answer that never comes for a short time only.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, NamedTuple

from course_lib.conversation import Conversation
from course_lib.listening import NO_DESCRIPTORS
from course_lib.servers.base import CHUNK, Server
from course_lib.servers.blocking import BlockingServer
from course_lib.servers.connection import Connection
from course_lib.servers.selectors_loop import SelectorsServer
from course_lib.servers.threaded import ThreadedServer

Address = tuple[str, int]


class Broken(NamedTuple):
    """A server, the scenario that finds its fault, and words to be found in the report on it."""

    server: Callable[..., Any]
    scenario: str
    sent: str
    expected: str
    got: str
    polite: bool
    """It passes the scenario ``polite`` all the same."""

    def __str__(self) -> str:
        return f"{self.scenario}-{self.server.__name__}"


BROKEN: list[Broken] = []


def fails(
    scenario: str, *, sent: str = "", expected: str = "", got: str, polite: bool = True
) -> Callable[[type], type]:
    """Note that ``scenario`` finds the fault of the class; the words are regular expressions."""

    def note(server: type) -> type:
        BROKEN.append(Broken(server, scenario, sent, expected, got, polite))
        declared = vars(server).get("known_failures", {})
        server.known_failures = {**declared, scenario: "its fault is planted"}  # type: ignore[attr-defined]
        return server

    return note


# Words that several reports share.
NOTHING_MORE = "nothing more in the time allowed"
END = "the end of the stream"
GONE = "(reset the connection|end of the stream)"  # whichever is first


class AnotherConversation(SelectorsServer):
    """Holds its own conversation, whichever it is given."""

    said: type[Conversation]

    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        super().__init__(address, self.said)


# --- talking


class FirstWordOnly(Conversation):
    def receive(self, data: bytes) -> bytes:
        self.closing = True
        return data


@fails("polite", sent="b'[a-z]{12}'", expected="b'[a-z]{12}'", got=GONE, polite=False)
class ClosesAfterOneAnswer(AnotherConversation):
    said = FirstWordOnly


class Capitals(Conversation):
    def receive(self, data: bytes) -> bytes:
        return data.upper()


@fails("polite", expected="b'[a-z]{12}'", got="b'[A-Z]{12}', different from byte 0 on", polite=False)
class AnswersInCapitals(AnotherConversation):
    said = Capitals


class Greeting(Conversation):
    def greet(self) -> bytes:
        return b"hello"

    def receive(self, data: bytes) -> bytes:
        return data


@fails("polite", got="b'hello[a-z]{7}', different from byte 0 on", polite=False)
class GreetsUnasked(AnotherConversation):
    said = Greeting


@fails("polite", got=GONE, polite=False)
class SendsEverybodyAway(SelectorsServer):
    def accept(self) -> None:
        if (sock := self.next_client()) is not None:
            sock.close()


class FirstLineOnly(Conversation):
    def receive(self, data: bytes) -> bytes:
        return b"".join(data.splitlines(keepends=True)[:1])


@fails("two_in_one", sent="first message", got=rf"b'first message\\n', then {NOTHING_MORE}")
class AnswersOneMessageARecv(AnotherConversation):
    said = FirstLineOnly


class WholeLines(Conversation):
    pending = b""

    def receive(self, data: bytes) -> bytes:
        *lines, self.pending = (self.pending + data).split(b"\n")
        return b"".join(line + b"\n" for line in lines)


@fails("dribble", sent="b'[a-z]' on its own", expected="b'[a-z]'", got=NOTHING_MORE, polite=False)
class AnswersOnlyWholeLines(AnotherConversation):
    said = WholeLines


class Forgetful(Connection):
    def flush(self) -> None:
        super().flush()
        self.out.clear()


class WithConnection(SelectorsServer):
    """Its connections are of another class."""

    connection: type[Connection]

    def accept(self) -> None:
        if (sock := self.next_client()) is not None:
            connection = self.connection(sock, self.conversation, self.high_water, self.report)
            self.connections.add(connection)
            self.write(connection)


@fails("big_message", sent="8,388,608 bytes", got=rf"[\d,]+ of 8,388,608 bytes, then {NOTHING_MORE}")
class DropsTheTailOfAPartialSend(WithConnection):
    connection = Forgetful


class Repeating(Connection):
    def flush(self) -> None:
        """Send all of it again after a part of it has gone."""
        if self.out and not self.lost:
            try:
                if self.sock.send(self.out) == len(self.out):
                    self.out.clear()
            except BlockingIOError:
                pass


@fails("big_message", expected="the same bytes back", got=r"different from byte [\d,]+ on")
class RepeatsAPartialSend(WithConnection):
    connection = Repeating


class Impatient(Connection):
    def flush(self) -> None:
        """What the documentation's example does: a socket is taken for always writable."""
        self.sock.sendall(self.out)
        self.out.clear()


@fails("big_message", got=r"of 8,388,608 bytes, then .*; the server has died of BlockingIOError")
class SendsAllOnANonblockingSocket(WithConnection):
    connection = Impatient


class Ignoring(Conversation):
    def receive(self, data: bytes) -> bytes:
        return data.decode(errors="ignore").encode()


@fails("all_bytes", sent="the bytes 0 to 255", got=f"128 bytes starting .*, then {NOTHING_MORE}")
class EchoesTextWithErrorsIgnored(AnotherConversation):
    said = Ignoring


class Latin(Conversation):
    def receive(self, data: bytes) -> bytes:
        return data.decode("latin-1").encode()


@fails("all_bytes", got="256 bytes starting .*, different from byte 128 on")
class EchoesWithAnotherEncoding(AnotherConversation):
    said = Latin


class Strict(Conversation):
    def receive(self, data: bytes) -> bytes:
        return data.decode().encode()


@fails("split_character", sent="na.*a pause", got=GONE)
class DecodesEachChunk(AnotherConversation):
    said = Strict


class Replacing(Conversation):
    def receive(self, data: bytes) -> bytes:
        return data.decode(errors="replace").encode()


@fails("split_character", expected="these bytes, or a part of them", got=r"na\\xef\\xbf\\xbd")
class ReplacesWhatItCannotDecode(AnotherConversation):
    said = Replacing


# --- many clients


@fails("idle_neighbour", sent="200 silent connections, then b'", got=NOTHING_MORE)
class ServesOneClientAtATime(BlockingServer):
    pass


@fails("crowd", sent="500 connections at once", got=GONE)
class RefusesTheHundredthClient(SelectorsServer):
    seen = 0

    def accept(self) -> None:
        self.seen += 1
        if self.seen < 100:
            super().accept()
        elif (sock := self.next_client()) is not None:
            sock.close()


@fails("crowd", got="; the server has died of ValueError: so many")
class DiesOfACrowd(SelectorsServer):
    seen = 0

    def accept(self) -> None:
        self.seen += 1
        if self.seen == 400:
            raise ValueError("so many")
        super().accept()


# --- clients that leave


@fails(
    "connect_and_leave", sent="50 connections", expected="every socket closed", got="5[01] descriptors more"
)
class LeaksADescriptorAClient(SelectorsServer):
    def set_up(self) -> None:
        super().set_up()
        self.leaked: list[int] = []

    def close(self, connection: Connection) -> None:
        self.leaked.append(os.dup(connection.fileno()))
        super().close(connection)


class Unprepared(Connection):
    """An end of the stream is handled like data."""

    def receive(self) -> None:
        data = self.sock.recv(CHUNK)
        if data[0] >= 0:
            self.out += self.conversation.receive(data)


@fails("connect_and_leave", got="; the server has died of IndexError: index out")
class DiesOfTheEndOfTheStream(WithConnection):
    connection = Unprepared


class Hasty(Connection):
    @property
    def done(self) -> bool:
        return self.lost or self.ended or (not self.out and self.conversation.closing)


@fails("half_close", sent=r"[\d,]+ bytes", got=rf"[\d,]+ of [\d,]+ bytes, then .*{GONE}")
class ForgetsItsAnswersAtTheEndOfTheStream(WithConnection):
    connection = Hasty


class Clinging(Connection):
    @property
    def done(self) -> bool:
        return self.lost or (not self.out and self.conversation.closing)


@fails("half_close", sent=f"then {END}", expected=END, got=NOTHING_MORE)
class NeverClosesItsSide(WithConnection):
    connection = Clinging


class NotCatching(BlockingServer):
    """An OSError of one client ends the whole server."""

    def serve(self, sock: socket.socket) -> None:
        with self.blocked.adopt(sock):
            while data := sock.recv(CHUNK):
                sock.sendall(data)


@fails("reset_mid_message", got="; the server has died of (ConnectionReset|BrokenPipe)")
class DiesOfAReset(NotCatching):
    pass


@fails("reset_storm", got="; the server has died of (ConnectionReset|BrokenPipe)")
class DiesInAStorm(NotCatching):
    pass


@fails(
    "reset_storm", sent="500 connections, each reset after one byte", got=r"\d+ descriptors more than before"
)
class ForgetsToCloseTheReset(SelectorsServer):
    def set_up(self) -> None:
        super().set_up()
        self.forgotten: list[Connection] = []

    def close(self, connection: Connection) -> None:
        if connection.lost:
            self.connections.discard(connection)
            self.selector.unregister(connection)
            self.forgotten.append(connection)
        else:
            super().close(connection)


# --- clients that take more than their share


@fails("never_reads", sent="64 MiB, reading nothing", expected="stops reading", got="all 64 MiB were taken")
class BuffersWithoutBound(SelectorsServer):
    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        super().__init__(address, conversation, high_water=sys.maxsize)


@fails("never_reads", sent="64 MiB, reading nothing", expected="16 MiB more memory", got="more than that")
class BuffersThirtyMebibytes(SelectorsServer):
    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        super().__init__(address, conversation, high_water=30 * 1024 * 1024)


class Waiting(Connection):
    def flush(self) -> None:
        self.sock.setblocking(True)
        try:
            self.sock.sendall(self.out)
        except OSError:
            self.lost = True
        self.out.clear()
        self.sock.setblocking(False)


@fails("never_reads", sent="a client that does not read, then b'", expected="b'", got=NOTHING_MORE)
class WaitsForTheOneThatDoesNotRead(WithConnection):
    connection = Waiting


@fails("never_reads", expected="a server that sleeps", got="keeps the CPU busy")
class AsksForRoomWithoutEnd(SelectorsServer):
    def run(self) -> None:
        while not self.stopping:
            pending = any(connection.wants_write for connection in self.connections)
            for key, events in self.selector.select(0 if pending else None):
                key.data(key.fileobj, events)


class GivesUp(Connection):
    def flush(self) -> None:
        super().flush()
        if self.out:
            self.lost = True


@fails("slow_reader", sent="2,097,152 bytes", got=rf"[\d,]+ of 2,097,152 bytes, then .*{GONE}")
class GivesUpTheSlow(WithConnection):
    connection = GivesUp


class Reading(Connection):
    """The end of the stream is no reason to stop reading."""

    @property
    def wants_read(self) -> bool:
        return not self.lost

    @property
    def done(self) -> bool:
        return self.lost


@fails("idle_cpu", sent="40 clients have left", expected="a server that sleeps", got="keeps the CPU busy")
class SpinsAfterTheEndOfTheStream(WithConnection):
    connection = Reading


@fails("idle_cpu", expected="sleeps until something happens", got="keeps the CPU busy")
class LeavesEventWriteOn(SelectorsServer):
    def watch(self, connection: Connection) -> None:
        if not connection.events:
            connection.events = EVENT_READ | EVENT_WRITE
            self.selector.register(connection, connection.events, self.ready)


@fails("idle_cpu", expected="sleeps until something happens", got="keeps the CPU busy")
class NeverSleeps(SelectorsServer):
    def run(self) -> None:
        while not self.stopping:
            for key, events in self.selector.select(0):
                key.data(key.fileobj, events)


class AcceptsPlainly(SelectorsServer):
    """Knows nothing of a lack of descriptors."""

    def next_client(self) -> socket.socket | None:
        try:
            return self.listener.accept()[0]
        except BlockingIOError:
            return None


@fails("descriptor_limit", got="; the server has died of OSError: .*Too many open files")
class DiesWithoutDescriptors(AcceptsPlainly):
    pass


@fails("descriptor_limit", sent="room for fewer", expected="a server that sleeps", got="keeps the CPU busy")
class SpinsWithoutDescriptors(AcceptsPlainly):
    def next_client(self) -> socket.socket | None:
        try:
            return super().next_client()
        except OSError as error:
            if error.errno not in NO_DESCRIPTORS:
                raise
            return None


@fails("descriptor_limit", sent="room for fewer, all closed, then b'", got=NOTHING_MORE)
class NeverListensAgain(SpinsWithoutDescriptors):
    def next_client(self) -> socket.socket | None:
        sock = super().next_client()
        if sock is None:
            self.pause_accepting()
        return sock


# --- its own end


@fails("restart_same_port", sent="start", expected="a server that listens", got="Address already in use")
class DoesWithoutReuseAddress(Server):
    """Binds afresh, so that the port rests after a connection has been closed from here."""

    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        self.listener = socket.socket()
        try:
            self.listener.bind(address)
        except BaseException:
            self.listener.close()
            raise
        self.listener.listen()
        self.address = self.listener.getsockname()
        self.sock: socket.socket | None = None

    def serve_forever(self) -> None:
        self.sock, _ = self.listener.accept()
        with self.sock, self.listener:
            while data := self.sock.recv(CHUNK):
                self.sock.sendall(data)

    def stop(self) -> None:
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)


@fails("restart_same_port", sent="stop", expected="return within 1 s", got="serve_forever goes on")
class StopsWhenItsClientHasLeft(BlockingServer):
    def wake(self) -> None:
        pass


@fails("restart_same_port", sent="stop", got="stop.. has died of RuntimeError: not now")
class RaisesInStop(SelectorsServer):
    def stop(self) -> None:
        raise RuntimeError("not now")


@fails("stop_under_load", sent="stop.. with 60 clients", expected="within 1 s", got="serve_forever goes on")
class NeverStops(SelectorsServer):
    def stop(self) -> None:
        pass


@fails("stop_under_load", sent="stop.. with 60 clients", expected="within 1 s", got="stop.. goes on")
class StopNeverReturns(SelectorsServer):
    def stop(self) -> None:
        super().stop()
        threading.Event().wait()


@fails("stop_under_load", sent="60 clients", got="the server has died of ValueError: it is over")
class DiesOfItsOwnStop(SelectorsServer):
    def run(self) -> None:
        super().run()
        raise ValueError("it is over")


@fails("stop_under_load", expected="every thread ended", got=r"\d+ threads more than before")
class LeavesThreads(ThreadedServer):
    """The threads of the silent clients go on waiting."""

    def serve(self, sock: socket.socket) -> None:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        super().serve(sock)


@fails("stop_under_load", expected="every socket closed", got="descriptors more than before")
class LeavesDescriptors(SelectorsServer):
    def close_all(self) -> None:
        self.left = list(self.connections)
        self.connections.clear()
        super().close_all()


# --- the article's dialogues


@fails("close_answered", sent="nothing yet", expected="Welcome to the server!", got=NOTHING_MORE)
class DoesNotWelcome(SelectorsServer):
    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        def mute() -> Conversation:
            made = conversation()
            made.greet = bytes  # type: ignore[method-assign]
            return made

        super().__init__(address, mute)


class DropsFarewell(Connection):
    def flush(self) -> None:
        if self.conversation.closing:
            self.out.clear()
        super().flush()


@fails("close_answered", sent="'close'", expected="The server received", got=END)
class ClosesWithoutAnAnswer(WithConnection):
    connection = DropsFarewell


class Lingering(Connection):
    @property
    def done(self) -> bool:
        return self.lost or (self.ended and not self.out)


@fails("close_answered", sent="'close'", expected=END, got=NOTHING_MORE)
class StaysAfterClose(WithConnection):
    connection = Lingering


@fails("close_silent", sent="'close'", expected=END, got="The server received: close")
class AnswersCloseInTheSilentDialogue(SelectorsServer):
    def __init__(self, address: Address, conversation: Callable[[], Conversation]) -> None:
        def talkative() -> Conversation:
            made = conversation()
            if hasattr(made, "answer"):
                made.farewell = made.answer  # type: ignore[attr-defined]
            return made

        super().__init__(address, talkative)
