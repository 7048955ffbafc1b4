import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.eventloop.buffers import SendBuffer


def taking(size: int):
    """A `send` that has room for so many bytes."""
    return lambda data: min(size, len(data))


def test_it_tells_once_that_it_is_full_and_once_that_it_is_not() -> None:
    buffer = SendBuffer(high=10, low=4)
    assert [buffer.append(b"12345") for _ in range(4)] == [False, False, True, False]
    assert [buffer.flush(taking(5)) for _ in range(4)] == [False, False, False, True]
    assert not buffer and not buffer.full


def test_exactly_at_a_mark() -> None:
    buffer = SendBuffer(high=4, low=2)
    assert not buffer.append(b"1234")  # not above
    assert buffer.append(b"5")
    assert not buffer.flush(taking(2))  # three wait
    assert buffer.flush(taking(1))  # two: the low mark is reached


def test_without_a_low_mark_it_is_a_quarter() -> None:
    assert SendBuffer(high=400).low == 100
    assert SendBuffer(high=400, low=0).low == 0


def test_what_send_raises_leaves_the_bytes() -> None:
    def broken(data: bytearray) -> int:
        raise BlockingIOError

    buffer = SendBuffer()
    buffer.append(b"12345")
    with pytest.raises(BlockingIOError):
        buffer.flush(broken)
    assert len(buffer) == 5
    buffer.clear()
    assert not buffer


@given(st.lists(st.one_of(st.binary(max_size=9), st.integers(0, 9))), st.integers(0, 20), st.integers(0, 20))
def test_the_order_is_kept_and_the_mark_is_true(doings: list[bytes | int], one: int, other: int) -> None:
    low, high = sorted((one, other))
    buffer, model, out = SendBuffer(high, low), bytearray(), bytearray()
    full = False
    for deed in doings:
        if isinstance(deed, bytes):
            model += deed
            became_full = not full and len(model) - len(out) > high
            assert buffer.append(deed) == became_full
            full = full or became_full
        else:

            def send(data: bytearray, most: int = deed) -> int:
                out.extend(data[:most])
                return min(most, len(data))

            has_room = buffer.flush(send)
            assert has_room == (full and len(model) - len(out) <= low)
            full = full and not has_room
        assert len(buffer) == len(model) - len(out)
        assert buffer.full == full
        assert model.startswith(out)
