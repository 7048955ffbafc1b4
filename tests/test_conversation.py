"""What servers say: plain calls, no sockets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.chat import CONVERSATIONS, Chat
from course_lib.conversation import ArticleBlocking, ArticleSelectors, Conversation, Echo
from tests.streams import CUTS, chunks

CLOSES = ["close", "close\n", "close\r\n"]
STAYS = ["Close", " close", "close ", "close\n\n", "close\r\n\r\n", "closed", "close\nclose", "\n"]


def test_a_conversation_says_nothing_by_itself() -> None:
    conversation = Conversation()
    assert conversation.greet() == b""
    assert not conversation.closing
    with pytest.raises(NotImplementedError):
        conversation.receive(b"?")


@given(st.lists(st.binary()))
def test_echo_answers_every_byte_with_the_same_byte(said: list[bytes]) -> None:
    echo = Echo()
    assert echo.greet() == b""
    assert [echo.receive(data) for data in said] == said
    assert not echo.closing


def test_the_first_dialogue_welcomes() -> None:
    assert ArticleBlocking().greet() == b"Welcome to the server!"
    assert ArticleBlocking(welcome="请坐").greet().decode() == "请坐"
    assert ArticleSelectors().greet() == b""


@pytest.mark.parametrize("dialogue", [ArticleBlocking, ArticleSelectors])
def test_both_dialogues_answer_with_a_prefix(
    dialogue: type[ArticleBlocking] | type[ArticleSelectors],
) -> None:
    assert dialogue().receive(b"hello") == b"The server received: hello"
    conversation = dialogue(reply="听见:")
    assert conversation.receive("早".encode()).decode() == "听见:早"
    assert conversation.receive(b"hello\r\n").decode() == "听见:hello\r\n"
    assert not conversation.closing


@pytest.mark.parametrize("text", CLOSES)
def test_the_first_dialogue_answers_close(text: str) -> None:
    conversation = ArticleBlocking(reply="> ")
    assert conversation.receive(text.encode()) == f"> {text}".encode()
    assert conversation.closing


@pytest.mark.parametrize("text", CLOSES)
def test_the_second_dialogue_closes_without_a_word(text: str) -> None:
    conversation = ArticleSelectors(reply="> ")
    assert conversation.receive(text.encode()) == b""
    assert conversation.closing


@pytest.mark.parametrize("dialogue", [ArticleBlocking, ArticleSelectors])
@pytest.mark.parametrize("text", STAYS)
def test_anything_else_is_no_close(
    dialogue: type[ArticleBlocking] | type[ArticleSelectors], text: str
) -> None:
    conversation = dialogue(reply="> ")
    assert conversation.receive(text.encode()) == f"> {text}".encode()
    assert not conversation.closing


@pytest.mark.parametrize("dialogue", [ArticleBlocking, ArticleSelectors])
def test_close_in_two_chunks_is_no_close(dialogue: type[ArticleBlocking] | type[ArticleSelectors]) -> None:
    """The article compares whole chunks: this is what is wrong with that."""
    conversation = dialogue()
    conversation.receive(b"clo")
    conversation.receive(b"se")
    assert not conversation.closing


def test_the_end_of_one_conversation_is_not_the_end_of_all() -> None:
    ArticleBlocking().receive(b"close")
    assert not ArticleBlocking().closing
    assert not Conversation.closing


@given(st.text("ab\né中文€😀"), CUTS)
def test_a_character_may_be_cut_in_two(text: str, cuts: list[int]) -> None:
    conversation = ArticleBlocking(reply="")
    heard = [conversation.receive(chunk) for chunk in chunks(text.encode(), cuts)]
    for answer in heard:
        answer.decode()  # no answer holds half a character
    assert b"".join(heard).decode() == text


def test_half_a_character_has_no_answer_yet() -> None:
    conversation = ArticleBlocking(reply="> ")
    first, second = "中".encode()[:1], "中".encode()[1:]
    assert conversation.receive(first) == b""
    assert conversation.receive(second).decode() == "> 中"


@given(st.lists(st.binary()))
def test_bytes_that_are_no_text_are_replaced(said: list[bytes]) -> None:
    conversation = ArticleSelectors()
    for data in said:
        conversation.receive(data).decode()


def test_the_names_on_the_command_line() -> None:
    assert CONVERSATIONS["echo"] is Echo
    assert CONVERSATIONS["article-blocking"] is ArticleBlocking
    assert CONVERSATIONS["article-selectors"] is ArticleSelectors
    assert CONVERSATIONS["chat"] is Chat
    assert all(isinstance(make(), Conversation) for make in CONVERSATIONS.values())
