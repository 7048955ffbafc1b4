"""What many tests need: to wait for a condition, to serve in a thread, to count what is left behind.

No test sleeps for luck. Each waits for what it expects, up to a limit.
"""

import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from course_lib.servers.base import Server

ROOT = Path(__file__).resolve().parents[1]


def wait_until(condition: Callable[[], object], limit: float = 5.0, what: str = "") -> None:
    """Return as soon as ``condition()`` holds; AssertionError when it does not within ``limit`` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what or condition}")
        time.sleep(0.002)


class Footprint(NamedTuple):
    """What this process holds of the system, as the system counts it."""

    descriptors: int
    threads: int


def footprint() -> Footprint:
    process = psutil.Process()
    descriptors = process.num_handles() if sys.platform == "win32" else process.num_fds()
    return Footprint(descriptors, process.num_threads())


@contextmanager
def nothing_left(limit: float = 1.0) -> Iterator[Footprint]:
    """Check that the block leaves no descriptor and no thread behind.

    A joined thread may need another instant until the system has forgotten it: hence the limit, and hence
    there may be fewer than before.
    """
    before = footprint()
    yield before
    end = time.monotonic() + limit
    while (after := footprint()).descriptors > before.descriptors or after.threads > before.threads:
        if time.monotonic() > end:
            raise AssertionError(f"left behind: {before} before, {after} after")
        time.sleep(0.002)


@contextmanager
def nobody_listens() -> Iterator[tuple[str, int]]:
    """Yield an address that refuses every connection: it is taken, so no other test can listen there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()


def listening(pid: int | None = None) -> list[tuple[str, int]]:
    """Return where a process listens, this one by default. (To connect would find a next owner, too.)"""
    found = psutil.Process(pid).net_connections("tcp4")
    return [tuple(each.laddr) for each in found if each.status == psutil.CONN_LISTEN]


class Serving:
    """A server in a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = server.address
        self.errors: list[BaseException] = []
        """What the server reported. A test that expects an error takes it from here."""
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        server.on_error = self.errors.append

    def _serve(self) -> None:
        try:
            self.server.serve_forever()
        except BaseException as error:
            self.failure = error

    def join(self, limit: float = 1.0) -> None:
        """Wait for the end of serve_forever, and raise what it raised."""
        self.thread.join(limit)
        assert not self.thread.is_alive(), f"serve_forever did not return within {limit} s of stop()"
        if self.failure is not None:
            raise self.failure


@contextmanager
def serving(server: Server) -> Iterator[Serving]:
    """Serve in a thread while the block runs; then stop, and check that no error was reported."""
    running = Serving(server)
    running.thread.start()
    try:
        yield running
    finally:
        server.stop()
        running.join()
    assert running.errors == [], "the server reported errors that the test did not expect"


def wait_until_asleep(thread: int | None, process: int | str = "self", limit: float = 5.0) -> None:
    """Wait until a thread, given by its native id, waits in a system call.

    Linux; elsewhere there is no telling, and no wait.
    """
    status = Path(f"/proc/{process}/task/{thread}/status")
    last = ""

    def rests() -> bool:
        nonlocal last
        try:
            before, last = last, status.read_text()
        except OSError:
            return True
        # The switches are in this text too: the same twice, it has not run in between.
        return last == before and "\nState:\tS" in last

    wait_until(rests, limit, "the thread sleeps")


def cpu_share(seconds: float = 0.1) -> float:
    """Return how much of one processor this process uses while the calling thread sleeps."""
    start, cpu = time.monotonic(), time.process_time()
    time.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - start)


def connect(address: tuple[str, int], *, receive_buffer: int = 0) -> socket.socket:
    """Return a client; a small ``receive_buffer`` (bytes) makes the server wait for its reading soon."""
    sock = socket.socket()
    try:
        if receive_buffer:  # before connect, which tells the peer how much there is
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(5)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def receive_exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        assert chunk, f"the server closed after {len(data)} of {count} bytes"
        data += chunk
    return bytes(data)


def receive_all(sock: socket.socket) -> bytes:
    """Return what comes until the end of the stream."""
    data = bytearray()
    while chunk := sock.recv(64 * 1024):
        data += chunk
    return bytes(data)


def is_closed(sock: socket.socket) -> bool:
    """Whether the server has closed the connection, in order or by a reset, without another byte."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def round_trip(sock: socket.socket, message: bytes = b"ping") -> None:
    """Say ``message`` to an echo server and hear it again."""
    sock.sendall(message)
    assert receive_exactly(sock, len(message)) == message


def fill(sock: socket.socket, limit: int = 256 * 1024 * 1024, patience: float = 0.05) -> int:
    """Send and never read, until no byte has been taken for ``patience`` seconds; return how many were."""
    sock.settimeout(patience)
    chunk = bytes(64 * 1024)
    sent = 0
    try:
        while sent < limit:
            sent += sock.send(chunk)
    except TimeoutError:
        pass
    sock.settimeout(5)
    return sent


def reset(sock: socket.socket) -> None:
    """Close with a RST, as a crashed peer does, and not with the orderly FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def pattern(count: int) -> bytes:
    """Return ``count`` bytes in which a lost, doubled or swapped part shows."""
    return b"".join(struct.pack("!I", number) for number in range(count // 4 + 1))[:count]


@contextmanager
def child(source: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``source`` in a Python of its own, with all warnings as errors; kill it at the end of the block."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", source, *arguments]
    # Without a buffer, so that no line is hidden in it from select.
    with subprocess.Popen(
        command,
        bufsize=0,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[bytes]) -> str:
    """Return the next line that a child prints; with its stderr in the error when there is none."""
    assert process.stdout is not None and process.stderr is not None
    line = process.stdout.readline().decode().strip()
    assert line, f"the child ended: {process.stderr.read().decode()}"
    return line
