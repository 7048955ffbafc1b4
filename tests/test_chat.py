"""The chat room, without a socket: what each member hears."""

import pytest

from course_lib.chat import LONGEST_LINE, LONGEST_NAME, Chat, Room

ASK = "What is your name? "


class Member:
    """A member of ``room``, and all that it hears."""

    def __init__(self, room: Room, name: str = "") -> None:
        self.chat = Chat(room)
        self.heard = ""
        self.chat.push = lambda data: self.hear(data)
        self.hear(self.chat.greet())
        if name:
            self.say(f"{name}\n")

    def hear(self, data: bytes) -> None:
        self.heard += data.decode()

    def say(self, text: str | bytes) -> str:
        """Return what it hears of its own words."""
        before = len(self.heard)
        self.hear(self.chat.receive(text if isinstance(text, bytes) else text.encode()))
        return self.heard[before:]

    def news(self) -> str:
        news, self.heard = self.heard, ""
        return news


@pytest.fixture
def room() -> Room:
    return Room()


def test_it_asks_for_the_name_first(room: Room) -> None:
    ann = Member(room)
    assert ann.news() == ASK
    assert ann.say("ann\n") == "* hello, ann; here: nobody else yet\n"
    assert ann.say("hello?\n") == ""


def test_lines_are_heard_by_the_others_only(room: Room) -> None:
    ann, bob, cho = (Member(room, name) for name in ("ann", "bob", "cho"))
    for member in (ann, bob, cho):
        member.news()
    bob.say("hello\nsecond line\r\n\nthe start of a")
    assert ann.news() == cho.news() == "bob: hello\nbob: second line\n"
    bob.say(" third\n")
    assert ann.news() == "bob: the start of a third\n"
    assert bob.news() == ""


def test_coming_and_going(room: Room) -> None:
    ann = Member(room, "ann")
    ann.news()
    bob = Member(room, "bob")
    assert bob.news() == f"{ASK}* hello, bob; here: ann\n"
    assert ann.news() == "* bob has joined\n"
    bob.chat.ended()
    assert ann.news() == "* bob has left\n"
    assert list(room.members) == ["ann"]
    assert Member(room, "bob").news() == f"{ASK}* hello, bob; here: ann\n"  # the name is free again


def test_who_has_no_name_neither_hears_nor_leaves(room: Room) -> None:
    ann, nobody = Member(room, "ann"), Member(room)
    ann.news()
    ann.say("hello\n")
    assert nobody.news() == ASK
    nobody.chat.ended()
    assert ann.news() == ""


def test_a_name_is_taken_once(room: Room) -> None:
    Member(room, "ann")
    second = Member(room)
    assert second.say("ann\n") == f"ann is here already. {ASK}"
    assert second.say("ann two\n").startswith("* hello, ann two")


@pytest.mark.parametrize("name", ["", "   ", "x" * (LONGEST_NAME + 1)])
def test_what_is_no_name(room: Room, name: str) -> None:
    member = Member(room)
    assert member.say(f"{name}\n") == f"A name has 1 to {LONGEST_NAME} letters. {ASK}"
    assert room.members == {}


def test_a_line_without_an_end_ends_the_conversation(room: Room) -> None:
    ann, bob = Member(room, "ann"), Member(room, "bob")
    bob.news()
    assert ann.say("x" * (LONGEST_LINE + 1)) == f"* a line has at most {LONGEST_LINE} bytes, goodbye\n"
    assert ann.chat.closing
    assert bob.news() == ""


def test_nobody_writes_on_the_terminal_of_another(room: Room) -> None:
    ann, bob = Member(room, "ann"), Member(room, "bob")
    ann.news()
    bob.say(b"\x1b[2Jgone \xff\n")
    assert ann.news() == "bob: ?[2Jgone \N{REPLACEMENT CHARACTER}\n"
    bob.say("中文 🙂\n")
    assert ann.news() == "bob: 中文 🙂\n"


def test_a_name_is_cut_in_pieces(room: Room) -> None:
    member = Member(room)
    assert member.say("a") == ""
    assert member.say("nn\nhello") == "* hello, ann; here: nobody else yet\n"
