"""However a stream is cut into chunks, the messages are the same."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.framing import FramingError, LengthFramer, LineFramer
from tests.streams import CUTS, chunks

LINES = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"").rstrip(b"\r")), max_size=10)
MESSAGES = st.lists(st.binary(max_size=20), max_size=10)


def feed(framer: LineFramer | LengthFramer, data: Iterable[bytes]) -> list[bytes]:
    return [message for chunk in data for message in framer.feed(chunk)]


def single_bytes(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


# Lines


@given(LINES, CUTS, st.sampled_from([b"\n", b"\r\n"]))
def test_lines_survive_any_chunking(lines: list[bytes], cuts: list[int], line_end: bytes) -> None:
    framer = LineFramer()
    assert feed(framer, chunks(b"".join(line + line_end for line in lines), cuts)) == lines
    assert framer.end() == b""


@given(LINES, CUTS)
def test_packed_lines_come_out_again(lines: list[bytes], cuts: list[int]) -> None:
    assert feed(LineFramer(), chunks(b"".join(map(LineFramer.pack, lines)), cuts)) == lines


@given(st.binary(), CUTS)
def test_the_chunking_of_lines_does_not_matter(data: bytes, cuts: list[int]) -> None:
    whole, cut = LineFramer(), LineFramer()
    assert whole.feed(data) == feed(cut, chunks(data, cuts))
    assert whole.end() == cut.end()


def test_lines() -> None:
    framer = LineFramer()
    assert framer.feed(b"one\ntwo\r\nth") == [b"one", b"two"]
    assert framer.feed(b"") == []
    assert framer.feed(b"ree\r") == []
    assert framer.feed(b"\n\n\r\nfour") == [b"three", b"", b""]
    assert framer.end() == b"four"
    assert framer.end() == b""


def test_only_the_last_return_belongs_to_the_line_end() -> None:
    assert LineFramer().feed(b"a\rb\r\r\n") == [b"a\rb\r"]


@given(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")))
def test_the_end_of_the_stream_ends_the_line(line: bytes) -> None:
    ended, stopped = LineFramer(), LineFramer()
    ended.feed(line)
    stopped.feed(line)
    assert [ended.end()] == stopped.feed(b"\n")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("cut", [lambda data: [data], single_bytes], ids=["whole", "single bytes"])
def test_the_limit_of_a_line(line_end: bytes, cut: object) -> None:
    assert callable(cut)
    assert feed(LineFramer(limit=3), cut(b"abc" + line_end)) == [b"abc"]
    with pytest.raises(FramingError, match="longer than 3 bytes"):
        feed(LineFramer(limit=3), cut(b"abcd" + line_end))


@pytest.mark.parametrize("line", [b"abcd", b"abcdefgh", b"abc\rd", b"abc\r\r"])
def test_a_line_without_end_is_too_long_as_soon_as_it_is(line: bytes) -> None:
    with pytest.raises(FramingError):
        LineFramer(limit=3).feed(line)
    with pytest.raises(FramingError):
        feed(LineFramer(limit=3), single_bytes(line))


@given(st.binary(max_size=30), CUTS, st.integers(min_value=0, max_value=10))
def test_no_line_is_longer_than_the_limit(data: bytes, cuts: list[int], limit: int) -> None:
    too_long = any(len(line.removesuffix(b"\r")) > limit for line in data.split(b"\n"))
    framer = LineFramer(limit=limit)
    try:
        lines = [*feed(framer, chunks(data, cuts)), framer.end()]
    except FramingError:
        assert too_long
    else:
        assert not too_long
        assert all(len(line) <= limit for line in lines)


@pytest.mark.parametrize("message", [b"\n", b"two\nlines", b"end\r\n", b"end\r"])
def test_what_no_line_can_hold_is_not_packed(message: bytes) -> None:
    with pytest.raises(FramingError):
        LineFramer.pack(message)


# Lengths


@given(MESSAGES, CUTS)
def test_messages_survive_any_chunking(messages: list[bytes], cuts: list[int]) -> None:
    framer = LengthFramer()
    assert feed(framer, chunks(b"".join(map(LengthFramer.pack, messages)), cuts)) == messages
    framer.end()


def test_messages() -> None:
    framer = LengthFramer()
    assert LengthFramer.pack(b"abc") == b"\0\0\0\3abc"
    assert framer.feed(b"\0\0\0\3ab") == []
    assert framer.feed(b"c\0\0\0\0\0\0\0\1") == [b"abc", b""]
    assert framer.feed(b"d") == [b"d"]
    framer.end()


@given(MESSAGES, st.binary(min_size=1, max_size=20), st.integers(min_value=0))
def test_a_stream_that_ends_inside_a_message(messages: list[bytes], last: bytes, cut: int) -> None:
    packed = LengthFramer.pack(last)
    part = packed[: 1 + cut % (len(packed) - 1)]
    framer = LengthFramer()
    assert framer.feed(b"".join(map(LengthFramer.pack, messages)) + part) == messages
    with pytest.raises(FramingError, match=f"inside a message, after {len(part)} bytes"):
        framer.end()


def test_the_limit_of_a_message() -> None:
    assert LengthFramer(limit=3).feed(LengthFramer.pack(b"abc")) == [b"abc"]
    with pytest.raises(FramingError, match="4 bytes is announced; the limit is 3"):
        LengthFramer(limit=3).feed(b"\0\0\0\4")  # before a byte of the message has come
    framer = LengthFramer(limit=3)
    assert framer.feed(b"\0\0\0") == []
    with pytest.raises(FramingError):
        framer.feed(b"\4")


def test_a_framer_keeps_nothing_that_it_has_returned() -> None:
    line, length = LineFramer(limit=1000), LengthFramer(limit=1000)
    for _ in range(100):
        assert len(line.feed(b"x" * 999 + b"\n")) == 1
        assert len(length.feed(LengthFramer.pack(b"x" * 1000))) == 1
    assert line.end() == b""
    length.end()
