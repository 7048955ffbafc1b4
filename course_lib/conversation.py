"""What a server says: bytes in, bytes out.

There is no socket in this file, so every server of the ladder can hold every
conversation, and a conversation can be tested by calling it. One object is
made for each connection.

Read this first. Next: framing.py.
"""

import codecs
from collections.abc import Callable


class Conversation:
    """One side of one dialogue. A server calls ``greet`` once, then ``receive`` for each chunk.

    A chunk is whatever one ``recv`` returned. TCP keeps the order of the bytes and
    nothing else, so a chunk may hold half a message or three.
    """

    closing = False
    """True when the conversation has ended: the server sends what is left, then closes."""

    push: Callable[[bytes], object] | None = None
    """Says something at any time, in the server's thread. Set before ``greet`` by a server that can."""

    def greet(self) -> bytes:
        """Return what to say on connect; ``b""`` says nothing."""
        return b""

    def receive(self, data: bytes) -> bytes:
        """Return the answer to ``data``; ``b""`` says nothing."""
        raise NotImplementedError

    def ended(self) -> None:
        """The connection is over. Called once, by a server that has set ``push``."""


class Echo(Conversation):
    """Answer every byte with the same byte (RFC 862)."""

    def receive(self, data: bytes) -> bytes:
        return data


class _ArticleDialogue(Conversation):
    """Answer each chunk of text with a prefix and the same text."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        # A character may be cut in two by the network. This decoder keeps the first
        # half until the second arrives, where bytes.decode() would raise.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def receive(self, data: bytes) -> bytes:
        text = self._decoder.decode(data)
        if not text:
            return b""  # nothing but the start of a character so far
        # A whole chunk is compared, as the article does it: that works as long as
        # the network delivers "close" in one piece, and alone. nc adds a line end.
        if text.removesuffix("\n").removesuffix("\r") == "close":
            self.closing = True
            return self.farewell(text)
        return self.answer(text)

    def answer(self, text: str) -> bytes:
        return f"{self.reply}{text}".encode()

    def farewell(self, text: str) -> bytes:
        raise NotImplementedError


class ArticleBlocking(_ArticleDialogue):
    """The dialogue of the article's blocking server: a welcome, and "close" is answered before closing."""

    def __init__(self, welcome: str = "Welcome to the server!", reply: str = "The server received: ") -> None:
        super().__init__(reply)
        self.welcome = welcome

    def greet(self) -> bytes:
        return self.welcome.encode()

    def farewell(self, text: str) -> bytes:
        return self.answer(text)


class ArticleSelectors(_ArticleDialogue):
    """The dialogue of the article's selector server: no welcome, and "close" closes without a word."""

    def __init__(self, reply: str = "The server received: ") -> None:
        super().__init__(reply)

    def farewell(self, text: str) -> bytes:
        return b""
