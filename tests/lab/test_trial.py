"""The article on trial: every experiment refutes its charge, in the same words each time, and only then."""

import asyncio
import selectors

import pytest

from course_lib.lab.background import stop_all
from course_lib.lab.small_loops import with_sockets
from course_lib.lab.trial import CHARGES, loops, selecting, trial
from tests.helpers import nothing_left


@pytest.mark.parametrize("charge", CHARGES, ids=lambda charge: charge.experiment.__name__)
def test_every_charge_is_refuted_and_leaves_nothing(charge):
    with nothing_left():
        seen, refuted = charge.experiment()
        stop_all()
    assert refuted, seen
    assert seen == charge.experiment()[0]


def test_the_page():
    page = trial("select")
    assert len(page.heard) == len(page.refuted) == 3
    assert "Seen: it returned []" in repr(page)
    assert page._repr_mimebundle_()["text/html"].count("<tr>") == 4


def test_all_of_them_are_on_the_page():
    assert len({charge.experiment.__name__ for charge in CHARGES}) == len(CHARGES) == 11
    assert {charge.lesson for charge in CHARGES} <= {f"{number:02}" for number in range(1, 13)}


def test_a_part_that_nobody_has():
    with pytest.raises(
        ValueError, match="no experiment has 'proactor' in its name; there are select_timeout"
    ):
        trial("proactor")


def test_what_is_not_refuted_is_not_called_so(monkeypatch):
    class Raises(selectors.DefaultSelector):
        def select(self, timeout=None):
            raise TimeoutError

    monkeypatch.setattr(selectors, "DefaultSelector", Raises)
    [heard] = trial("select_timeout").heard
    assert not heard.refuted
    assert heard.seen == "it raised TimeoutError"
    assert heard.verdict == "Not refuted here."
    assert selecting.select_timeout()[1] is False


def test_a_loop_that_is_told_does_not_count_as_one_that_spins(monkeypatch):
    class Told(with_sockets.Loop):
        asked = 1

    monkeypatch.setattr(loops.asking, "Loop", Told)
    assert loops.sketch_spins() == ("one task, one nap: the loop has looked seldom", False)


def test_two_that_compute_in_turns_would_be_seen(monkeypatch):
    async def in_turns(seconds):
        for _ in range(3):
            await asyncio.sleep(seconds / 3)

    monkeypatch.setattr(loops, "compute", in_turns)
    assert not loops.concurrent_or_parallel()[1]
