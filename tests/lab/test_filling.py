"""Filling a socket: what is counted is what the other end can read, and the words fit the numbers."""

import socket

import pytest

from course_lib.lab.filling import ASKED, LINES, Filled, Filling, describe, fill, filling, measure
from tests.helpers import nothing_left, receive_all


def test_fill_counts_what_has_gone():
    ours, peer = socket.socketpair()
    with ours, peer:
        taken = fill(ours, 1000)
        assert not ours.getblocking()
        ours.close()
        assert len(receive_all(peer)) == taken > 0


def test_fill_counts_the_part_of_the_last_piece():
    """A piece that fits only in part is counted by that part."""
    ours, peer = socket.socketpair()
    with ours, peer:
        taken = fill(ours, 100_000_000)
        assert 0 < taken < 100_000_000


def test_a_full_socket_takes_nothing():
    ours, peer = socket.socketpair()
    with ours, peer:
        fill(ours, 100)
        assert fill(ours, 100) == 0


def test_what_is_measured():
    with nothing_left():
        found = measure(64 * 1024, 1024)
    assert found.piece == 1024
    assert found.sndbuf >= 64 * 1024
    assert found.taken % 1024 == 0


def test_small_pieces_fill_it_sooner():
    picture = filling()
    assert len(picture.measured) == len(LINES) * len(ASKED)
    taken = {(each.piece, each.sndbuf): each.taken for each in picture.measured}
    for piece, sndbuf in taken:
        if piece == 1024 and (64, sndbuf) in taken:
            assert taken[64, sndbuf] <= taken[1024, sndbuf]


@pytest.mark.parametrize(
    ("taken", "words"),
    [(2000, "more bytes"), (1000, "about as many"), (500, "less than"), (100, "a small part")],
)
def test_the_words(taken, words):
    assert words in describe([Filled(1000, 64, taken), Filled(10_000, 64, taken * 10)], 64)


def test_the_words_hold_no_number_that_varies():
    def text(share):
        return Filling([Filled(1000, piece, int(1000 * share)) for piece, _, _ in LINES]).text

    assert text(0.99) == text(1.1)


def test_what_is_drawn_is_what_was_measured():
    measured = [Filled(kib * 1024, piece, kib * 512) for piece, _, _ in LINES for kib in (16, 32)]
    (axes,) = Filling(measured).figure.axes
    _diagonal, *lines = axes.lines
    assert [line.get_xydata().tolist() for line in lines] == [[[16, 8], [32, 16]]] * len(LINES)
    assert (
        len({line.get_marker() for line in lines}) == len({line.get_color() for line in lines}) == len(LINES)
    )
