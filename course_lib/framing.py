"""Cutting a byte stream into messages.

There is no socket in this file either. A framer is fed chunks of any size and
returns the messages that are complete; it keeps the rest. Each has a limit,
because a peer that never finishes its message must not fill our memory.

Read conversation.py first. Next: clients.py.
"""

import struct


class FramingError(ValueError):
    """The peer broke the rules of the framing; the connection cannot go on."""


class LineFramer:
    r"""Messages end with ``\n``; a ``\r`` before it is dropped, so nc and telnet both work.

    ``limit`` is the greatest length of a line in bytes, its end not counted.
    """

    def __init__(self, limit: int = 64 * 1024) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without their ends.

        Raises FramingError when a line is longer than the limit.
        """
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        # The "\r" of an open line does not count either: it may belong to its end.
        if any(len(line.removesuffix(b"\r")) > self.limit for line in (*lines, rest)):
            raise FramingError(f"a line is longer than {self.limit} bytes")
        return [bytes(line.removesuffix(b"\r")) for line in lines]

    def end(self) -> bytes:
        """Return the line that the end of the stream left without its end, or ``b""``."""
        rest, self._rest = bytes(self._rest.removesuffix(b"\r")), bytearray()
        return rest

    @staticmethod
    def pack(message: bytes) -> bytes:
        """Return ``message`` as it goes over the wire."""
        if b"\n" in message or message.endswith(b"\r"):
            raise FramingError("a line cannot hold a line end")
        return message + b"\n"


class LengthFramer:
    """Each message has its length before it: four bytes, unsigned, big-endian (network order).

    ``limit`` is the greatest length of a message in bytes.
    """

    HEADER = struct.Struct("!I")

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that ``data`` completes.

        Raises FramingError as soon as a header announces more than the limit.
        """
        self._rest += data
        messages = []
        start = 0
        while len(self._rest) - start >= self.HEADER.size:
            (length,) = self.HEADER.unpack_from(self._rest, start)
            if length > self.limit:
                raise FramingError(f"a message of {length} bytes is announced; the limit is {self.limit}")
            stop = start + self.HEADER.size + length
            if len(self._rest) < stop:
                break
            messages.append(bytes(self._rest[start + self.HEADER.size : stop]))
            start = stop
        del self._rest[:start]
        return messages

    def end(self) -> None:
        """Check that the stream ended between two messages; raises FramingError if it did not."""
        if self._rest:
            raise FramingError(f"the stream ended inside a message, after {len(self._rest)} bytes of it")

    @classmethod
    def pack(cls, message: bytes) -> bytes:
        """Return ``message`` as it goes over the wire."""
        return cls.HEADER.pack(len(message)) + message
