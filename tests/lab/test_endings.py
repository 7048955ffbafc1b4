"""The table and the board of endings, on real sockets."""

import json
import sys

import pytest

from course_lib.lab.endings import IMPOSSIBLE, STATES, endings
from course_lib.lab.endings_board import ANEW, Board, Session, endings_board, play, table
from course_lib.lab.two_ends import ACTIONS, THEY_CLOSE, WE_END, Wire
from tests.helpers import nothing_left

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the words are those of Linux")


@pytest.fixture(scope="module")
def rows():
    with nothing_left():
        made = endings()
    return {row.state: row for row in made.rows}


def test_half_close_leaves_the_other_direction(rows):
    assert rows["they ended"].answers == ("b''", "4 bytes")
    assert rows["we ended"].answers == ("EAGAIN", "EPIPE")
    assert rows["they closed"].answers == ("b''", "4 bytes, then EPIPE")
    assert rows["broken off"].answers.recv == "ECONNRESET"


def test_every_state_answers_otherwise_and_leads_to_a_state_of_the_table(rows):
    assert len({row.answers for row in rows.values()}) == len(STATES)
    assert {state for row in rows.values() for state in row.after} <= {*STATES, IMPOSSIBLE}
    assert rows["open"].after[0] == "we ended"
    assert rows["we ended"].after[1] == "both ended"


def test_the_table_is_shown_in_both_forms():
    made = endings()
    bundle = made._repr_mimebundle_()
    assert bundle["text/plain"] == repr(made)
    assert "<code>ECONNRESET</code>" in bundle["text/html"]
    json.dumps(bundle)


def test_unread_bytes_do_not_make_a_reset_of_a_close():
    with nothing_left(), Wire() as wire:
        wire.do("we: send(4 bytes)")
        wire.do(THEY_CLOSE)
        assert wire.do("we: recv(10)") == "b''"


def test_a_session_tells_each_step_and_forbids_what_is_impossible():
    with nothing_left():
        session = play(THEY_CLOSE, "they: send(4 bytes)", WE_END)
        assert [step[:2] for step in session.log] == [
            (ANEW, ""),
            (THEY_CLOSE, "done"),
            ("they: send(4 bytes)", IMPOSSIBLE),
            (WE_END, "done"),
        ]
        assert session.log[0][2] == "writable"
        assert session.log[1][2] == "readable and writable"


def test_each_button_does_its_action():
    with nothing_left():
        session = Session()
        board = Board(session)
        rows = board.box.children[:2]
        buttons = [button for row in rows for button in row.children[1:]]
        assert len(buttons) == len(ACTIONS)
        for button in buttons:
            button.click()
        assert [step[0] for step in session.log[1:]] == list(ACTIONS)
        assert table(session.log) == board.log.value
        session.end()


def test_without_a_front_end_the_board_is_text():
    board = endings_board("test")
    assert "play()" in repr(board)
    assert endings_board("test") is not board
