"""What is said over a connection: the protocol. It is called, and never sees a socket.

A protocol knows what the bytes mean; the transport (transport.py) moves them and knows nothing of it. So the
same protocol speaks over TCP, over a pair of sockets in a test, or over a transport that only pretends. The
methods have the names that they have in asyncio.

Read buffers.py first. Next: endpoint.py.
"""

from typing import Any


class Protocol:
    """Derive from it, and replace what you want to hear of."""

    __slots__ = ()

    def connection_made(self, transport: Any) -> None:
        """Called first, once: over this ``transport`` you speak."""

    def data_received(self, data: bytes) -> None:
        """Called with what one recv returned."""

    def eof_received(self) -> bool:
        """Called when the peer has said its last byte. Return True to go on; False closes."""
        return False

    def pause_writing(self) -> None:
        """Called when more bytes wait than the high watermark."""

    def resume_writing(self) -> None:
        """Called when no more wait than the low watermark, after a pause."""

    def connection_lost(self, error: Exception | None) -> None:
        """Called last, once. ``error`` has broken the connection; None: it was closed here."""
