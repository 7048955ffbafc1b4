"""Servers with no descriptor left, in processes of their own."""

import sys

import pytest

from course_lib.lab.crowded import BUSY, crowded, measure
from course_lib.servers.reactor_loop import ReactorServer
from tests.helpers import nothing_left

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limit of descriptors to lower")


class Hasty(ReactorServer):
    """Does not leave the listener alone."""

    def set_up(self) -> None:
        super().set_up()
        self.acceptor._pause = lambda: None  # type: ignore[method-assign]


def test_who_does_not_back_off_spins():
    with nothing_left():
        found = crowded("reactor", Hasty)
    assert repr(found) == "reactor: sleeps\nHasty: keeps a processor busy"
    assert found._repr_mimebundle_()["text/plain"] == repr(found)


def test_a_server_that_is_none_is_one_line():
    with pytest.raises(TypeError, match="needs a server"):
        crowded()
    assert measure("selectors").share < BUSY
