"""A chat room: conversations that know of each other, and speak before they are spoken to.

There is no socket here either. Who writes a line is heard by the others through ``push``, so the room needs a
server that can speak first: from the reactor on. It is usable from a terminal, with ``nc``.

Read conversation.py and framing.py first.
"""

from collections.abc import Callable

from course_lib.conversation import ArticleBlocking, ArticleSelectors, Conversation, Echo
from course_lib.framing import FramingError, LineFramer

LONGEST_LINE = 1000  # bytes
LONGEST_NAME = 20  # characters


class Room:
    """Who is here, and what they hear."""

    def __init__(self) -> None:
        self.members: dict[str, Chat] = {}

    def join(self, name: str, member: "Chat") -> None:
        self.tell(f"* {name} has joined")
        self.members[name] = member

    def leave(self, name: str) -> None:
        del self.members[name]
        self.tell(f"* {name} has left")

    def tell(self, line: str, but: str = "") -> None:
        """Let all members hear ``line``, except the one called ``but``."""
        for name, member in self.members.items():
            if name != but and member.push is not None:
                member.push(f"{line}\n".encode())


LOBBY = Room()
"""Where those meet who name no room."""


class Chat(Conversation):
    """One member of a room: first its name, then one line after the other."""

    def __init__(self, room: Room = LOBBY) -> None:
        self.room = room
        self.name = ""
        self._lines = LineFramer(LONGEST_LINE)

    def greet(self) -> bytes:
        return b"What is your name? "

    def receive(self, data: bytes) -> bytes:
        try:
            return "".join(self.hear(printable(line)) for line in self._lines.feed(data)).encode()
        except FramingError:
            self.closing = True
            return f"* a line has at most {LONGEST_LINE} bytes, goodbye\n".encode()

    def hear(self, line: str) -> str:
        """Return what the member who wrote ``line`` hears; tell the others what they do."""
        if not self.name:
            return self.introduce(line)
        if line:
            self.room.tell(f"{self.name}: {line}", but=self.name)
        return ""

    def introduce(self, name: str) -> str:
        if not name or len(name) > LONGEST_NAME:
            return f"A name has 1 to {LONGEST_NAME} letters. What is your name? "
        if name in self.room.members:
            return f"{name} is here already. What is your name? "
        others = ", ".join(self.room.members) or "nobody else yet"
        self.room.join(name, self)
        self.name = name
        return f"* hello, {name}; here: {others}\n"

    def ended(self) -> None:
        if self.name:
            self.room.leave(self.name)
            self.name = ""


def printable(line: bytes) -> str:
    """Return ``line`` as text that does nothing to a terminal but to show itself."""
    text = line.decode(errors="replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text).strip()


CONVERSATIONS: dict[str, Callable[[], Conversation]] = {
    "echo": Echo,
    "article-blocking": ArticleBlocking,
    "article-selectors": ArticleSelectors,
    "chat": Chat,
}
"""All conversations by the names they have on the command line."""
